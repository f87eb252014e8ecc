"""Which of a file's languages are those of the pair."""

from __future__ import annotations

from collections.abc import Iterable

from dubash.core.errors import DataError
from dubash.core.languages import Language, LanguagePair

_MOST_SHOWN = 20


def plain(tag: str) -> str:
    """A language tag in lower case, its parts joined by hyphens: `es_MX` is `es-mx`."""
    return tag.lower().replace("_", "-")


def is_in(tag: str, language: Language) -> bool:
    """Whether a tag names the language, in whatever region."""
    code = language.code.lower()
    return plain(tag) == code or plain(tag).partition("-")[0] == code


def of_language(tags: Iterable[str], language: Language) -> list[str]:
    """The tags that name the language; where it has a region, only those that name it exactly, if
    there are any."""
    exact = f"{language.code}-{language.variant}".lower() if language.variant else ""
    found = [tag for tag in tags if is_in(tag, language)]
    return [tag for tag in found if plain(tag) == exact] or found


def check_seen(seen: Iterable[str], languages: LanguagePair, name: str, what: str) -> None:
    """Raise DataError where a file has no `what` (term, segment) in one of the two languages."""
    tags = list(dict.fromkeys(seen))
    for language in (languages.source, languages.target):
        if not any(is_in(tag, language) for tag in tags):
            known = ", ".join(tags[:_MOST_SHOWN]) or "none"
            raise DataError(f"no {what} in '{language.code}'; its languages: {known}.", where=name)

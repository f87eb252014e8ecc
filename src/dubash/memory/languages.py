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


def are_in(source: str, target: str, languages: LanguagePair) -> bool:
    """Whether two tags name the languages of the pair, in whatever regions."""
    return is_in(source, languages.source) and is_in(target, languages.target)


def serves(tag: str, language: Language) -> bool:
    """Whether a unit with this tag serves the language: where that has a region, a unit of another
    region does not (zh-TW for zh-CN), and one without any does."""
    code = language.code.lower()
    if not is_in(tag, language) or plain(tag) == code or not language.variant:
        return is_in(tag, language)
    return plain(tag) == f"{code}-{language.variant}".lower()


def of_language(tags: Iterable[str], language: Language) -> list[str]:
    """The tags that name the language; where it has a region, only those that name it exactly, if
    there are any."""
    exact = f"{language.code}-{language.variant}".lower() if language.variant else ""
    found = [tag for tag in tags if is_in(tag, language)]
    return [tag for tag in found if plain(tag) == exact] or found


def check_seen(
    seen: Iterable[str], languages: LanguagePair, name: str, what: str, both: bool = True
) -> None:
    """Raise DataError where a file has no `what` (term, segment) in one of the two languages, or
    none in `both` of them, from the one into the other."""
    tags = list(dict.fromkeys(seen))
    for language in (languages.source, languages.target):
        if not any(is_in(tag, language) for tag in tags):
            known = ", ".join(tags[:_MOST_SHOWN]) or "none"
            raise DataError(f"no {what} in '{language.code}'; its languages: {known}.", where=name)
    if not both:
        one, other = languages.source.code, languages.target.code
        raise DataError(f"no {what} from '{one}' into '{other}'.", where=name)

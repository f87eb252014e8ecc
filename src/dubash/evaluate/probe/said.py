"""Whether a text says a phrase: by whole words, or characters where a script has no spaces."""

from __future__ import annotations

from collections.abc import Iterable

from dubash.memory.units import Gap, tidy, units

OPEN = "*"
"""At the end of a phrase: its last word may go on, as in ಬೆಂಗಳೂರ* for ಬೆಂಗಳೂರಿನಲ್ಲಿ."""

_APOSTROPHES = str.maketrans("’ʼ", "''")


def first_said(phrases: Iterable[str], text: str, code: str) -> str:
    """The first of these phrases that the text says, as the phrase is written; "" for none.

    Compared are words with all their marks (`memory.units`): NFKC, without case, in Hindi and
    Kannada without spellings that say the same. `code` is the language of both. Words of a phrase
    must stand next to each other, with no full stop or comma between that the phrase has not. A
    phrase without a letter, digit or symbol is never said.
    """
    inside = _words(text, code)
    return next((phrase for phrase in phrases if _says(inside, phrase, code)), "")


def _words(text: str, code: str) -> list[tuple[str, bool]]:
    """The words as they are compared, each with whether punctuation parts it from the last."""
    found = units(tidy(text.translate(_APOSTROPHES), code), code)
    return [(unit.key, unit.gap is Gap.HARD) for unit in found]


def _says(inside: list[tuple[str, bool]], phrase: str, code: str) -> bool:
    wanted = _words(phrase.removesuffix(OPEN), code)
    is_open = phrase.endswith(OPEN)

    def fits(at: int, word: tuple[str, bool]) -> bool:
        (key, parted), (wanted_key, wanted_parted) = word, wanted[at]
        goes_on = is_open and at == len(wanted) - 1 and key.startswith(wanted_key)
        return (key == wanted_key or goes_on) and (at == 0 or parted == wanted_parted)

    starts = range(len(inside) - len(wanted) + 1) if wanted else range(0)
    return any(
        all(fits(at, word) for at, word in enumerate(inside[start : start + len(wanted)]))
        for start in starts
    )

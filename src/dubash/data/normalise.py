"""Two forms of a segment: the text as kept, and the key it is compared by."""

from __future__ import annotations

import re
import unicodedata

_BYTE_ORDER_MARK = "\ufeff"
_NEWLINES = re.compile(r"\r\n?")
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼʻ`´′"))
_DROPPED = {"Cf", "Cc", "Cs", "Co", "Cn"}


def normalise(text: str) -> str:
    """NFC, one space for any run of white space, none at the ends.

    Zero-width joiners and non-joiners stay: they change what Indic and Arabic letters look like.
    """
    folded = " ".join(text.replace(_BYTE_ORDER_MARK, "").split())
    return unicodedata.normalize("NFC", folded)


def normalise_lines(text: str) -> str:
    """The same for text whose lines matter (instructions, code): only the ends are trimmed."""
    unix = _NEWLINES.sub("\n", text.replace(_BYTE_ORDER_MARK, ""))
    return unicodedata.normalize("NFC", unix.strip())


class _Folding(dict[int, str | None]):
    """What becomes of a character in a key, worked out once for each character."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        folded: str | None = character
        if character.isspace() or category[0] in "PZ" or category == "Sk":
            folded = " "
        elif category in _DROPPED or "\ufe00" <= character <= "\ufe0f":
            folded = None  # joiners, marks of direction, variation selectors: nothing one reads
        self[code] = folded
        return folded


_FOLDING = _Folding(_APOSTROPHES)


def key(text: str) -> str:
    """What two segments share when they differ only in looks.

    Case, punctuation, white space, joiners, and composed or compatibility forms (NFKC) are
    folded; accents, digits and symbols such as + or € stay. Text of nothing but punctuation is
    its own key, so that "…" and "?!" stay apart. Never empty for text that is not blank.
    """
    # apostrophes go first, since NFKC takes ´ apart; upper-casing before casefold joins ı and i
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    cased = unicodedata.normalize("NFKC", plain.upper().casefold())
    # once more composed, since a joiner may have stood between a letter and its accent
    folded = unicodedata.normalize("NFC", " ".join(cased.translate(_FOLDING).split()))
    return folded or " ".join(text.split())

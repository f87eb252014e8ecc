"""Scripts: the names that people give them, and those that a token's characters belong to."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from dubash.core.languages import LANGUAGES, script_of

# ISO 15924 codes, with the word that begins the Unicode names of a script's characters.
_CODES = """
Arab ARABIC | Armn ARMENIAN | Beng BENGALI | Cyrl CYRILLIC | Deva DEVANAGARI | Ethi ETHIOPIC
Geor GEORGIAN | Grek GREEK | Gujr GUJARATI | Guru GURMUKHI | Hang HANGUL | Hani CJK | Hebr HEBREW
Hira HIRAGANA | Kana KATAKANA | Khmr KHMER | Knda KANNADA | Laoo LAO | Latn LATIN
Mlym MALAYALAM | Mtei MEETEI | Mymr MYANMAR | Nkoo NKO | Olck OL | Orya ORIYA | Sinh SINHALA
Syrc SYRIAC | Taml TAMIL | Telu TELUGU | Thaa THAANA | Thai THAI | Tibt TIBETAN
"""

ISO_15924: dict[str, str] = {
    code: word
    for row in _CODES.strip().splitlines()
    for code, word in (each.split() for each in row.split(" | "))
}

# accents and selectors that go with the letters of any script
_COMMON_MARKS = frozenset({"COMBINING", "VARIATION"})


def script_word(name: str) -> str:
    """The Unicode word (`DEVANAGARI`) of a script named so or by its code (`Deva`), in any case.

    Raises ValueError for a script that is not known.
    """
    words = set(ISO_15924.values()) | {word for each in LANGUAGES.values() for word in each.scripts}
    if name.upper() in words:
        return name.upper()
    if word := ISO_15924.get(name.capitalize()):
        return word
    known = ", ".join(ISO_15924)
    raise ValueError(f"there is no script '{name}' here; known are {known}, or their full names")


@lru_cache(maxsize=65536)
def _script(character: str) -> str:
    """The script word of a letter, mark or digit; "" for what any script uses (0–9, punctuation,
    symbols, blanks, joiners)."""
    if found := script_of(character):
        return found
    kind = unicodedata.category(character)
    if kind[0] != "M" and (kind != "Nd" or character.isascii()):
        return ""
    word = unicodedata.name(character, "UNKNOWN").split(" ")[0].split("-")[0]
    return "" if word in _COMMON_MARKS else word


def scripts_in(text: str) -> frozenset[str]:
    """The scripts of the text's letters, marks and digits; empty where any script may use it."""
    return frozenset(filter(None, map(_script, text)))

"""Text as the units in which terms are looked for.

Where a script parts words by spaces a unit is a word with all its marks (vowel signs and viramas
belong to it). Where it does not (Japanese, Chinese, Thai, Lao, Khmer, Burmese, Tibetan) a unit is
one character with its marks. A symbol such as `+` or `#` is a unit, so that "C++" is not "C".
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from dubash.core.languages import script_of

UNSPACED = {
    "CJK": "HAN", "IDEOGRAPHIC": "HAN", "HIRAGANA": "HIRAGANA", "KATAKANA": "KATAKANA",
    "THAI": "THAI", "LAO": "LAO", "KHMER": "KHMER", "MYANMAR": "MYANMAR", "TIBETAN": "TIBETAN",
}  # fmt: skip
"""Scripts written without spaces between words, by the first word of a letter's Unicode name."""

INDIC = {"hi": 0x0900, "gu": 0x0A80, "kn": 0x0C80}
"""Where the Unicode block of a language's script begins: the blocks are laid out alike."""


class Gap(IntEnum):
    """What stands between a unit and the one before."""

    NONE = 0
    SOFT = 1  # a blank, hyphen, apostrophe or middle dot: a term may go on behind it
    HARD = 2  # other punctuation: a term goes on only where it is written in the term as well


class Unit(NamedTuple):
    """A unit: `key` is what it is compared by, `start` and `end` its place in the tidied text,
    `script` one of `UNSPACED` or "" for a word or a symbol."""

    key: str
    start: int
    end: int
    gap: Gap
    script: str


_SOFT = set("-\u2010\u2011\u30fb\u00b7'\u2019")
_TRADE_MARKS = dict.fromkeys(map(ord, "™℠®©"), " ")
_CONTRACTION = re.compile(r"['’](?:t|ll|re|ve|m|d)(?!\w)", re.IGNORECASE)
_OPEN_VOWELS = str.maketrans("ઑૉઍૅ", "ઓોએે")
# JIS Z 8301 and the software industry differ in whether a long vowel ends such a word
_LAST_LONG_VOWEL = re.compile(r"(?<=[ァ-ヺー]{3})ー(?![ァ-ヺー])")


class _Kinds(dict[str, str]):
    """What a character is to `units`, worked out once for each."""

    def __missing__(self, character: str) -> str:
        category = unicodedata.category(character)
        if category[0] in "LN" or character == "_":
            kind = UNSPACED.get(script_of(character), "word")
        elif category[0] == "M":
            kind = "mark"
        elif category[0] == "S" or character in "#&@%":
            kind = "symbol"
        else:
            kind = "soft" if character.isspace() or character in _SOFT else "hard"
        self[character] = kind
        return kind


_KINDS = _Kinds()


def tidy(text: str, code: str) -> str:
    """The text as units are read from it: NFKC, nothing invisible, signs of trade marks as blanks;
    in Japanese without the last long vowel mark of katakana words of three letters and more."""
    plain = unicodedata.normalize("NFKC", text.translate(_TRADE_MARKS))
    if not plain.isascii():
        plain = "".join(each for each in plain if not _invisible(each))
    return _LAST_LONG_VOWEL.sub("", plain) if code == "ja" else plain


@lru_cache(maxsize=65536)
def _invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def units(text: str, code: str) -> list[Unit]:
    """The units of a text that `tidy` has seen, in the language of that code."""
    kept = _kept_apostrophes(text) if code == "en" else set()
    found: list[Unit] = []
    at, gap = 0, Gap.HARD
    while at < len(text):
        kind = _KINDS[text[at]]
        if kind in ("soft", "hard"):
            gap = max(gap, Gap.SOFT if kind == "soft" else Gap.HARD)
            at += 1
            continue
        end = at + 1
        within = ("word", "mark") if kind in ("word", "mark") else ("mark",)
        while end < len(text) and (_KINDS[text[end]] in within or end in kept):
            end += 1
        script = kind if kind in UNSPACED.values() else ""
        found.append(Unit(fold(text[at:end], code), at, end, gap, script))
        at, gap = end, Gap.NONE
    return found


def _kept_apostrophes(text: str) -> set[int]:
    """Those of English contractions (can't, we'll), which are one word; 's is not among them."""
    return {found.start() for found in _CONTRACTION.finditer(text)}


@lru_cache(maxsize=1 << 18)
def fold(word: str, code: str) -> str:
    """What a word is compared by: without case, and without spellings that say the same.

    Hindi, Gujarati and Kannada: candrabindu, and a nasal with virama before a stop of its own
    place, are written as anusvara; the nukta of letters for Persian and English sounds (क़ ख़ ग़ ज़ फ़)
    is left out, that of native letters (ड़ ढ़) stays. Gujarati: the open o and e of ૉ ૅ, which are
    often written without their sign, are plain ones.
    """
    folded = unicodedata.normalize("NFC", word.casefold())
    if code in INDIC and not folded.isascii():
        for pattern, instead in _indic_spellings(INDIC[code]):
            folded = pattern.sub(instead, folded)
    return folded.translate(_OPEN_VOWELS) if code == "gu" else folded


@lru_cache
def _indic_spellings(block: int) -> list[tuple[re.Pattern[str], str]]:
    def at(offset: int) -> str:
        return chr(block + offset)

    anusvara = at(0x02)
    # a nasal, then the four stops of its place: velar, palatal, retroflex, dental, labial
    rows = ((0x19, 0x15), (0x1E, 0x1A), (0x23, 0x1F), (0x28, 0x24), (0x2E, 0x2A))
    nasals = "|".join(f"{at(n)}{at(0x4D)}(?=[{at(first)}-{at(first + 3)}])" for n, first in rows)
    borrowed = "".join(at(offset) for offset in (0x15, 0x16, 0x17, 0x1C, 0x2B))
    return [
        (re.compile(f"(?<=[{borrowed}]){at(0x3C)}"), ""),
        (re.compile(f"{nasals}|{at(0x01)}"), anusvara),
    ]

"""The source itself as a translation: what a model from nothing has to beat, since it has no base.

For near languages it is no empty rival: Hindi in Gujarati letters is half understood.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from dubash.core.languages import LanguagePair
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.systems import COPY, System

BLOCK = 0x80
"""Characters of a block. Unicode lays the scripts that come from Brahmi out alike, after ISCII: the
same letter has the same place in each (The Unicode Standard, chapter 12)."""

BLOCKS = {
    "DEVANAGARI": 0x0900,
    "BENGALI": 0x0980,
    "GURMUKHI": 0x0A00,
    "GUJARATI": 0x0A80,
    "ORIYA": 0x0B00,
    "TAMIL": 0x0B80,
    "TELUGU": 0x0C00,
    "KANNADA": 0x0C80,
    "MALAYALAM": 0x0D00,
}
"""Where the block of each of them begins."""

_SHARED = {0x64, 0x65}
"""Places of the two dandas, which all of these scripts take from Devanagari's block."""


def copied(rows: Sequence[Pair], pair: LanguagePair) -> System:
    """Each row's source as its translation, in the target's script where that is another of
    `BLOCKS`."""
    sources = [row.source for row in rows]
    texts = [in_script(source, pair) for source in sources]
    change = " in the target's script" if texts != sources else ""
    return System(
        COPY,
        f"the source itself{change}",
        sources,
        [Hypothesis(text, "end", 0, 0.0) for text in texts],
        measured=False,
    )


def in_script(text: str, pair: LanguagePair) -> str:
    """The text with each letter of the source's script as the target's letter of the same place;
    as it is where either script is none of `BLOCKS`, or that place is empty."""
    first, second = (
        next((BLOCKS[script] for script in each.scripts if script in BLOCKS), None)
        for each in (pair.source, pair.target)
    )
    if first is None or second is None or first == second:
        return text
    return "".join(_moved(each, first, second) for each in text)


def _moved(letter: str, first: int, second: int) -> str:
    place = ord(letter) - first
    if not 0 <= place < BLOCK or place in _SHARED:
        return letter
    moved = chr(second + place)
    return moved if unicodedata.category(moved) != "Cn" else letter

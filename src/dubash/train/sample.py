"""A dev row as the model translates it at a look, and its text as one safe line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

READABLE = 40
"""Characters of a source that says something and fits a line."""

_JOINERS = "\u200c\u200d"
"""Non-joiner and joiner: in Indic and Arabic scripts part of how a word is written."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One dev row: source, the model's hypothesis, reference."""

    source: str
    hypothesis: str
    reference: str

    def lines(self) -> list[tuple[str, str]]:
        """Each text by its name, as one line."""
        named = (
            ("source", self.source), ("hypothesis", self.hypothesis), ("reference", self.reference)
        )  # fmt: skip
        return [(name, safe_line(text)) for name, text in named]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a look's translations of the dev sample came to: chrF++, 0 to 100, and one of them."""

    chrf: float
    sample: Sample | None = None


def pick(sources: Sequence[str]) -> int:
    """Which row is shown: the one whose source is nearest to `READABLE` characters."""
    return min(range(len(sources)), key=lambda at: abs(len(sources[at]) - READABLE))


def safe_line(text: str) -> str:
    """The text as one line without what could drive a terminal: control characters and marks of
    direction become blanks."""
    safe = (
        " " if unicodedata.category(each)[0] in "CZ" and each not in _JOINERS else each
        for each in text
    )  # fmt: skip
    return " ".join("".join(safe).split())

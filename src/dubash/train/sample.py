"""A dev row as the model translates it at a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubash.core.terminal import safe_line

READABLE = 40
"""Characters of a source that says something and fits a line."""


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

"""Lengths in characters: nothing, too little, too much."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from dubash.core.languages import Language
from dubash.core.types import Pair
from dubash.evaluate.behaviour.text import WIDE_SCRIPTS
from dubash.evaluate.options import BehaviourOptions


def usual_length_ratio(rows: Sequence[Pair]) -> float:
    """Reference characters for each source character, over all rows; 1 where no source has any."""
    sources = sum(len(row.source.strip()) for row in rows)
    return sum(len(row.target.strip()) for row in rows) / sources if sources else 1.0


def is_empty(text: str) -> bool:
    """No character that is seen: blanks, line breaks, zero-width and control characters only."""
    return not any(each.isprintable() and not each.isspace() for each in text)


def is_over_long(text: str, row: Pair, length_ratio: float, options: BehaviourOptions) -> bool:
    """More than `over_long` times the expected length and `over_long_slack` characters more.

    Expected is the longer of the reference and the source times `length_ratio`: a hypothesis
    must be too long for both, since a reference may itself be a terse one.
    """
    expected = max(len(row.target.strip()), length_ratio * len(row.source.strip()))
    return len(text.strip()) > options.over_long * expected + options.over_long_slack


def is_too_short(
    text: str, row: Pair, length_ratio: float, target: Language, options: BehaviourOptions
) -> bool:
    """Less than `too_short` times the expected length less `too_short_slack` characters (half as
    many where the target's are wide).

    Expected is the geometric mean of the reference and the source times `length_ratio`, or the one
    that is there. Not flagged where it is empty.
    """
    lengths = [len(row.target.strip()), length_ratio * len(row.source.strip())]
    there = [each for each in lengths if each]
    expected = prod(there) ** (1 / len(there)) if there else 0.0
    slack = options.too_short_slack / (2 if target.scripts[0] in WIDE_SCRIPTS else 1)
    return 0 < len(text.strip()) < options.too_short * expected - slack

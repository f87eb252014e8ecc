"""Metrics that give each row a number by itself: COMET, a user's own. A set's score is the mean.

They work outside of this process and may be missing. A metric that cannot run leaves a `Blank`
with the reason; no other metric ever stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dubash.evaluate.significance import FloatArray, Score


class Segment(NamedTuple):
    """What such a metric is given of one row."""

    source: str
    hypothesis: str
    reference: str


@dataclass(frozen=True, slots=True)
class RowScores:
    """A finite number for each segment, and the metric's signature."""

    values: list[float]
    signature: str


@dataclass(frozen=True, slots=True)
class Blank:
    """Why there are no numbers, in words for the user."""

    why: str


class RowMetric(Protocol):
    """A metric of single rows, by its name in `scores.json`."""

    @property
    def key(self) -> str:
        """The name in `scores.json`."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Which way is better."""
        ...

    def check(self) -> Blank | None:
        """Whether it can run here, before anything takes minutes: None, or why its scores will
        stay blank. Raises UserError for what is a mistake of the recipe."""
        ...

    def score(self, segments: Sequence[Segment]) -> RowScores | Blank:
        """A number for each segment, in order."""
        ...


def mean_statistics(values: Sequence[FloatArray]) -> tuple[list[NDArray[np.float64]], Score]:
    """Per-row counts `[row, 2]` of several systems' values `[row]`, and the mean from their sums.

    A value is counted in whole units of a power of two, the smallest with which sums over rows
    stay below 2^52 and so exact: then equal systems are equal on every drawn set, in whatever order
    a matrix product adds. What is rounded off is below the largest value times rows / 2^51.
    """
    largest = max(float(np.abs(each).max()) for each in values)
    digits = math.frexp(largest)[1] + len(values[0]).bit_length()
    unit = 2.0 ** max(digits - 52, -1000)
    counts = [np.stack([np.round(each / unit), np.ones_like(each)], axis=1) for each in values]
    return counts, lambda totals: float(totals[0] / totals[1]) * unit

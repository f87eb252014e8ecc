"""Bootstrap over test rows: the interval of a score, and of a difference between two systems.

Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation": draw as many rows
as the test set has, with replacement, many times, and score each drawn set. The draws come from
the seed and the number of rows alone, so every system is scored on the same drawn sets and a
difference is paired.

What the interval covers is the choice of test rows. It does not cover another training seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Score = Callable[[NDArray[Any]], float]
"""A corpus score from counts summed over rows, `[count]`; see `Metric.score`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """System minus baseline: the value on the test set, its interval, and a two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def draws(rows: int, samples: int, seed: int) -> Iterator[IntArray]:
    """For each drawn set, how often each row is in it, `[row]`; the same for the same arguments."""
    generator = np.random.default_rng(seed)
    for _ in range(samples):
        yield np.bincount(generator.integers(rows, size=rows), minlength=rows)


def bootstrap(statistics: NDArray[Any], score: Score, samples: int, seed: int) -> FloatArray:
    """The score of each drawn set, `[sample]`, from per-row counts, `[row, count]`."""
    sets = draws(len(statistics), samples, seed)
    return np.array([score(times @ statistics) for times in sets], dtype=np.float64)


def interval(sampled: FloatArray, confidence: float) -> tuple[float, float]:
    """The percentile interval: as many drawn sets lie below it as above it.

    Its ends are values that were drawn, with nothing between interpolated, so the interval of
    the negated values is exactly the negated interval.
    """
    ordered = np.sort(sampled)
    # the small addend: (1 - 0.95) / 2 * 1000 must count as 25 however it is rounded
    outside = int((1 - confidence) / 2 * len(ordered) + 1e-9)
    return float(ordered[outside]), float(ordered[len(ordered) - 1 - outside])


def paired_difference(
    system: float,
    baseline: float,
    system_sampled: FloatArray,
    baseline_sampled: FloatArray,
    confidence: float,
) -> Difference:
    """The difference of two systems from their scores on the test set and on the same draws.

    p is two-sided: twice the share of drawn sets in which the difference is 0 or has the sign
    that is rarer there, at most 1, with one set added to count and total so that it is never 0
    (Davison and Hinkley 1997, eq. 4.11). So p and the interval agree: with N draws, p is at most
    2 / (N + 1) where no draw reverses the difference, and 1 where the systems are identical.
    Raises ValueError where the draws are not as many for both.
    """
    if system_sampled.shape != baseline_sampled.shape:
        raise ValueError("the two systems were not scored on the same draws")
    sampled = system_sampled - baseline_sampled
    low, high = interval(sampled, confidence)
    rarer = min(int((sampled <= 0).sum()), int((sampled >= 0).sum()))
    p = min(1.0, 2 * (rarer + 1) / (len(sampled) + 1))
    return Difference(system - baseline, low, high, p)

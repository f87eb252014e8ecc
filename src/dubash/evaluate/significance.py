"""Bootstrap and randomisation over test rows: intervals, and differences between two systems.

Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation": draw as many rows
as the test set has, with replacement, many times, and score each drawn set. The draws come from
the seed and the number of rows alone, so every system is scored on the same drawn sets and a
difference is paired. They are drawn as sacrebleu draws them: the same sets for the same seed.

Riezler and Maxwell 2005, "On Some Pitfalls in Automatic Evaluation and Significance Testing for
MT": approximate randomisation swaps the two systems' hypotheses of each row by a coin.

What the interval covers is the choice of test rows. It does not cover another training seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Score = Callable[[NDArray[Any]], float]
"""A corpus score from counts summed over rows, `[count]`; see `Metric.score`."""

_CELLS = 1 << 21
"""Cells of a block of drawn sets, `[sample, row]`: a limit on memory, 16 MB for each form of it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """System minus baseline: the value on the test set, its interval, and a two-sided p-value."""

    value: float
    low: float
    high: float
    p: float


def draws(rows: int, samples: int, seed: int) -> Iterator[IntArray]:
    """How often each row is in each drawn set, a block of sets at a time, `[sample, row]`.

    The same for the same arguments, and the sets that sacrebleu's `PairedTest` draws.
    """
    generator = np.random.default_rng(seed)
    for size in _blocks(samples, rows):
        drawn = generator.choice(rows, size=(size, rows), replace=True)
        drawn += rows * np.arange(size)[:, None]  # each set counts in cells of its own
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)


def resample(statistics: NDArray[Any], samples: int, seed: int) -> FloatArray:
    """The summed counts of each drawn set, `[sample, count]`, from per-row counts, `[row, count]`.

    Sums of whole numbers are exact up to 2^53, whatever stands beside them in the matrix.
    """
    counts = statistics.astype(np.float64)
    sets = draws(len(counts), samples, seed)
    return np.concatenate([times.astype(np.float64) @ counts for times in sets])


def bootstrap(statistics: NDArray[Any], score: Score, samples: int, seed: int) -> FloatArray:
    """The score of each drawn set, `[sample]`, from per-row counts, `[row, count]`."""
    return np.array([score(each) for each in resample(statistics, samples, seed)])


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


def shuffled_differences(
    system: NDArray[Any], baseline: NDArray[Any], score: Score, trials: int, seed: int
) -> FloatArray:
    """How far two pseudo-systems are apart, `[trial]`: absolute differences of their scores.

    In each trial a coin says for each row which of the two gets the one system's counts and which
    the other's, `[row, count]` both. The coins are those of sacrebleu's `PairedTest` (`ar`).
    """
    generator = np.random.default_rng(seed)
    apart, both = (baseline - system).astype(np.float64), (system + baseline).sum(axis=0)
    found: list[float] = []
    for size in _blocks(trials, len(apart), multiple=32):
        coins = generator.integers(2, size=(size, len(apart)), dtype=bool)
        first = system.sum(axis=0) + coins.astype(np.float64) @ apart
        found += [abs(score(each) - score(both - each)) for each in first]
    return np.array(found)


def randomisation(
    system: NDArray[Any], baseline: NDArray[Any], score: Score, trials: int, seed: int
) -> float:
    """The two-sided p of approximate randomisation, from per-row counts, `[row, count]`.

    The share of trials in which the pseudo-systems are at least as far apart as the systems are,
    with the systems themselves counted as one trial more: 1 where they are identical.
    """
    observed = abs(score(system.sum(axis=0)) - score(baseline.sum(axis=0)))
    shuffled = shuffled_differences(system, baseline, score, trials, seed)
    return (int((shuffled >= observed).sum()) + 1) / (trials + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several comparisons, adjusted to be judged together, in the same order.

    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure": the smallest of m is
    multiplied by m, the next by m - 1, and so on; none becomes smaller than one before it, none
    larger than 1. Below alpha, the chance of even one false alarm among them is at most alpha.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _blocks(count: int, rows: int, multiple: int = 1) -> Iterator[int]:
    """Sizes of blocks that add up to `count`, each but the last a multiple of `multiple`: of the
    generator's 32-bit words, from which coins are taken bit by bit, none may be begun."""
    size = max(1, _CELLS // (rows * multiple)) * multiple
    yield from (min(size, count - done) for done in range(0, count, size))

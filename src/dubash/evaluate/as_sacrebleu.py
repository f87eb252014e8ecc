"""The figures of sacrebleu's own significance tests, to put beside a paper's or to check ours by.

`dubash` shows a percentile interval and a two-sided p (`significance`); sacrebleu's command prints
a mean with half the interval's width, and a p by its own recipe. These functions give the latter
from the same per-row counts: equal to `sacrebleu.significance.PairedTest` of the same seed (other
than 0, which it takes for none).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubash.evaluate.metrics import IntArray, Metric
from dubash.evaluate.significance import resample, shuffled_differences


@dataclass(frozen=True, slots=True)
class Figures:
    """What sacrebleu prints of a system: mean and half-width of its drawn scores, and p.

    p is None of the baseline.
    """

    mean: float
    half_width: float
    p: float | None


def paired_bootstrap(
    metric: Metric, system: IntArray, baseline: IntArray, samples: int, seed: int
) -> tuple[Figures, Figures]:
    """The system's and the baseline's figures (`--paired-bs`), from per-row counts, `[row, count]`.

    Half of the width between the 2.5% and 97.5% drawn scores; p is the share of drawn sets in
    which the absolute difference lies above its own mean by more than the test set's difference.
    sacrebleu sums and scores drawn sets in single precision, and so does this: the same to the
    last digit while no sum reaches 2^24.
    """
    ours, theirs = (_drawn(metric, each, samples, seed) for each in (system, baseline))
    apart = np.abs(ours - theirs)
    p = _p_value(apart - apart.mean(), _observed(metric, system, baseline))
    return Figures(*_mean_and_half_width(ours), p), Figures(*_mean_and_half_width(theirs), None)


def approximate_randomisation(
    metric: Metric, system: IntArray, baseline: IntArray, trials: int, seed: int
) -> float:
    """The system's p (`--paired-ar`), from per-row counts, `[row, count]`.

    Only trials with a larger difference count, so identical systems get the smallest p there is;
    `significance.randomisation` counts equal ones as well.
    """
    shuffled = shuffled_differences(system, baseline, metric.score, trials, seed)
    return _p_value(shuffled, _observed(metric, system, baseline))


def _observed(metric: Metric, system: IntArray, baseline: IntArray) -> float:
    return abs(metric.score(baseline.sum(axis=0)) - metric.score(system.sum(axis=0)))


def _drawn(metric: Metric, statistics: IntArray, samples: int, seed: int) -> NDArray[Any]:
    return metric.single_precision_scores(resample(statistics, samples, seed).astype(np.float32))


def _mean_and_half_width(sampled: NDArray[Any]) -> tuple[float, float]:
    ordered = np.sort(sampled)
    outside = len(ordered) // 40
    width = ordered[len(ordered) - outside - 1] - ordered[outside]
    return float(ordered.mean()), float(0.5 * width)


def _p_value(found: NDArray[Any], observed: float) -> float:
    return (int((found > observed).sum()) + 1) / (len(found) + 1)

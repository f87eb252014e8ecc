"""How many test rows, or seeds, would show a gain of the size that was seen.

Of several seeds the gain is their mean; its variance is that of the rows, which they share, plus
that of the seeds over their number. It counts as shown with some power where it is as large as its
standard error times the sum of two quantiles of Student's t, one of the interval and one of the
power (Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences"). Degrees of freedom:
Satterthwaite 1946, "An Approximate Distribution of Estimates of Variance Components".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from dubash.evaluate.numbers import number, signed
from dubash.evaluate.options import VerdictOptions

_STEP, _STEPS = 1.1, 73
"""Numbers of rows that are tried: each a tenth more than the last, up to a thousand times as many.
Not every larger number is better: with exact rows the few seeds alone have few degrees of freedom.
"""


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean gain of some seeds with its interval at `confidence`, and its variance in parts: of
    the rows, and of one seed (None where there is one only)."""

    mean: float
    rows: float
    seed: float | None
    seeds: int
    low: float
    high: float
    confidence: float


def standard_error(rows: float, seed: float, seeds: int) -> tuple[float, float]:
    """The standard error of a mean over seeds from the variances of rows and of one seed, and its
    degrees of freedom."""
    total = rows + seed / seeds
    parts = total / (seed / seeds) if seed else math.inf
    return math.sqrt(total), parts * parts * (seeds - 1)


def student(confidence: float, freedom: float) -> float:
    """How many standard errors either side Student's t leaves `confidence` between.

    With t = √ν · tan θ the share within ±t is ∫₀^θ cos^(ν−1) over ∫₀^(π/2) cos^(ν−1), taken here
    by the trapezoid rule.
    """
    if freedom > 1e4:
        return NormalDist().inv_cdf((1 + confidence) / 2)
    angles = np.linspace(0, math.pi / 2, 20_001)
    heights = np.cos(angles) ** (freedom - 1)
    area = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2)])
    angle = float(np.interp(confidence, area / area[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def needed(found: Gain, rows: int, options: VerdictOptions, margin: float) -> list[str]:
    """What would decide about a gain that was seen on so many rows: rows, seeds, or both, with the
    margin and the power that the figure is for. `margin` is what its interval has to be clear of:
    what another seed is assumed to move it by, where there is one seed only."""
    if rows < options.least_rows:
        return [f"at least {options.least_rows} test rows"]
    effect = abs(found.mean)
    if effect < options.smallest_gain or not effect:
        return [
            f"a difference of {number(effect, 2)} chrF++ is too small to matter "
            f"(below {number(options.smallest_gain)}): no number of rows makes it worth shipping"
        ]
    if found.seed is None and (found.low > 0 or effect <= margin):
        return [
            f"two more runs with other seeds: of one run alone the interval has to be clear of "
            f"{number(margin)}, {_assumed()}"
        ]
    margin = margin if found.mean > 0 else 0.0
    if found.seed is None:
        wanted = _rows_of_one_seed(found, rows, effect - margin, options.power)
    else:
        wanted = _rows_and_seeds(found, found.seed, rows, options.power)
    shown = (
        f"that would show a difference of {signed(found.mean)} chrF++, if that is what it is, "
        f"with {options.power:.0%} power: its {found.confidence:.0%} interval clear of "
        f"{number(margin) if margin else '0'}"
    )
    return [f"{wanted}; {shown}" + (f", {_assumed()}" if margin else "")]


def _assumed() -> str:
    return (
        "what another seed is assumed to move it by (evaluate.verdict.seed_margin); one seed "
        "cannot measure that, several can and need no such margin"
    )


def _rows_of_one_seed(found: Gain, rows: int, effect: float, power: float) -> str:
    allowed = _allowed(found.confidence, power, effect)
    return f"{_round(math.ceil(rows * found.rows / allowed)):,} test rows ({rows:,} now)"


def _rows_and_seeds(found: Gain, seed: float, rows: int, power: float) -> str:
    """Rows with the seeds that there are, or more seeds: on the same rows where these make up for
    no more than half of the variance that is allowed, else on as many as make it half."""

    allowed = _allowed(found.confidence, power, found.mean)

    def shows(count: int, seeds: int) -> bool:
        error, freedom = standard_error(found.rows * rows / count, seed, seeds)
        if error**2 > allowed:  # not even with any number of degrees of freedom
            return False
        reach = student(found.confidence, freedom) + student(2 * power - 1, freedom)
        return reach * error <= abs(found.mean)

    tried = (_round(math.ceil(rows * _STEP**step)) for step in range(1, _STEPS + 1))
    more = next((count for count in tried if shows(count, found.seeds)), None)
    half = max(rows, _round(math.ceil(rows * found.rows / (allowed / 2))))
    seeds = _least(lambda count: shows(half, count), found.seeds)
    if seeds == found.seeds:
        return f"{more or half:,} test rows ({rows:,} now)"
    with_seeds = f"{seeds} seeds ({found.seeds} now)"
    if half > rows:
        with_seeds += f" on {half:,} test rows ({rows:,} now)"
    if more is None:
        return f"{with_seeds}, as more test rows alone would not do"
    return f"{more:,} test rows ({rows:,} now), or {with_seeds}"


def _allowed(confidence: float, power: float, effect: float) -> float:
    """The variance with which an effect would show, by the normal distribution."""
    reach = student(confidence, math.inf) + student(2 * power - 1, math.inf)
    return (effect / reach) ** 2


def _least(holds: Callable[[int], bool], start: int) -> int:
    """The least number from `start` on that holds, where all above one that holds do too."""
    low, high = start, start
    while not holds(high):
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _round(count: int) -> int:
    """Two digits: the estimate is no better."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step

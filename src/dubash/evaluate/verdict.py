"""Ship it, don't, or undecided: a rule that is stated, and what would decide it where it does not.

The interval of a run covers the choice of test rows. Another training seed moves the result too: of
several runs that differ in their seed alone the gain is their mean, and its variance that of the
rows (which they share) plus that of the seeds over their number. Degrees of freedom: Satterthwaite
1946, "An Approximate Distribution of Estimates of Variance Components".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import Any, Literal

import numpy as np

from dubash.evaluate.numbers import interval, number, signed
from dubash.evaluate.options import VerdictOptions
from dubash.evaluate.systems import COPY, UNTUNED, UNTUNED_FORMS

Decision = Literal["ship", "don't ship", "undecided"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One scored run of a seed of its own. `gain` is S1 less the best baseline in chrF++, named in
    `against`, with its interval at `confidence`; `ended` is the share of rows that S1 ended by
    itself, None where nobody knows; `faults` are, by behaviour, the shares of S1 and of the
    `yardstick`."""

    rows: int
    gain: float
    low: float
    high: float
    confidence: float
    ended: float | None
    faults: Mapping[str, tuple[float, float]]
    near_duplicates: int = 0
    looks: int = 1
    against: str = UNTUNED


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision with its reasons, what to be careful of, and what would decide it."""

    decision: Decision
    gain: float
    low: float
    high: float
    reasons: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gain:
    """The mean gain of some seeds, with its variance in parts: of rows, and of one seed."""

    mean: float
    rows: float
    seed: float | None
    seeds: int
    low: float
    high: float


def judge(runs: Sequence[Evidence], options: VerdictOptions) -> Verdict:
    """Judge runs that differ in their seed alone; raises ValueError for none."""
    found = _combine(runs)
    few = min(each.rows for each in runs) < options.least_rows
    against = [] if few else _against(runs, found, options)
    shown = f"{signed(found.mean)} chrF++ {interval(found.low, found.high, sign=True)}"
    cautions = tuple(_cautions(runs, found, options))
    ends = (found.mean, found.low, found.high)
    if against:
        return Verdict("don't ship", *ends, tuple(against), cautions)
    margin = options.seed_margin if found.seed is None else 0.0
    small = found.mean < options.smallest_gain
    if found.low > margin and not few and not small:
        return Verdict("ship", *ends, (f"better than {_baseline(runs)}: {shown}",), cautions)
    if few:
        why = f"{runs[0].rows} test rows are too few to tell, whatever the interval says: {shown}"
    elif found.low > 0 and small:
        why = f"better, but by less than {number(options.smallest_gain)} chrF++: {shown}"
    elif found.low > 0:
        why = f"better on these rows ({shown}), but another seed may move it by {number(margin)}"
    else:
        why = f"no clear difference from {_baseline(runs)}: {shown}"
    needed = tuple(_needed(runs, found, options, margin))
    return Verdict("undecided", *ends, (why,), cautions, needed)


def _against(runs: Sequence[Evidence], found: _Gain, options: VerdictOptions) -> list[str]:
    """What speaks against it, whatever the score."""
    reasons = []
    if found.high < 0:
        ends = interval(found.low, found.high, sign=True)
        reasons.append(f"worse than {_baseline(runs)}: {signed(found.mean)} chrF++ {ends}")
    ended = [each.ended for each in runs if each.ended is not None]
    if ended and min(ended) < options.least_ended:
        reasons.append(
            f"it ends only {min(ended):.1%} of its translations by itself "
            f"(at least {options.least_ended:.0%} are wanted)"
        )
    for name in runs[0].faults:
        ours = fmean(each.faults[name][0] for each in runs)
        theirs = fmean(each.faults[name][1] for each in runs)
        if weigh(ours, theirs, runs[0].rows, options) == "fault":
            reasons.append(
                f"{name.replace('_', ' ')} on {ours:.1%} of the rows, where the base has "
                f"{theirs:.1%} (more than {options.most_faults:.0%})"
            )
    return reasons


def _baseline(runs: Sequence[Evidence]) -> str:
    """What the gain is over; where that is the source itself, by name."""
    names = dict.fromkeys(each.against for each in runs)
    if COPY in names:
        return f"the best baseline ({', '.join(names)})"
    return "the best form of the base"


def yardstick(scores: Mapping[str, Any]) -> dict[str, Any] | None:
    """The system of `scores.json` that a tuned one's faults are held against: the baseline, or the
    best form of S0 by chrF++ where that is the source itself, which has copied every row; None
    where there is no S0."""
    systems = {each["name"]: each for each in scores["systems"]}
    if (baseline := scores.get("baseline")) != COPY:
        return systems.get(baseline or "")
    forms = [systems[name] for name in UNTUNED_FORMS if name in systems and name != COPY]
    return max(forms, key=lambda each: float(each["scores"]["chrf++"]["value"]), default=None)


def weigh(
    ours: float, theirs: float | None, rows: int, options: VerdictOptions
) -> Literal["fault", "caution"] | None:
    """What a fault of behaviour on a share `ours` of the rows is, where the base has it on
    `theirs`: a fault on more than `most_faults` and on clearly more than the base; a caution on one
    of the two alone. Without a base (None) the first decides."""
    many = ours > options.most_faults
    more = many if theirs is None else clearly_more(ours, theirs, rows)
    if many and more:
        return "fault"
    return "caution" if many or more else None


def clearly_more(ours: float, theirs: float, rows: int) -> bool:
    """Whether a share of the rows is higher than another by more than chance would have it (a test
    of two shares at 5%; rows are not paired here)."""
    pooled = (ours + theirs) / 2
    return ours - theirs > 1.96 * math.sqrt(2 * pooled * (1 - pooled) / rows)


def _cautions(runs: Sequence[Evidence], found: _Gain, options: VerdictOptions) -> list[str]:
    cautions = []
    if found.seed is None:
        cautions.append("one training seed only: what another would give is not known")
    else:
        cautions.append(
            f"{len(runs)} seeds; one seed's result has a standard deviation of "
            f"{math.sqrt(found.seed):.2f} chrF++"
        )
    close = max(each.near_duplicates for each in runs)
    if close > options.most_near_duplicates * runs[0].rows:
        cautions.append(
            f"{close} of {runs[0].rows} test rows have a near-duplicate in the training rows: the "
            "gain on new text is likely smaller"
        )
    looks = max(each.looks for each in runs)
    if looks > len(runs):
        cautions.append(
            f"these test rows were looked at {looks} times: the best of many tries is partly luck"
        )
    return cautions


def _combine(runs: Sequence[Evidence]) -> _Gain:
    gains = [each.gain for each in runs]
    if not gains:
        raise ValueError("there is no run to judge")
    half_widths = ((each.high - each.low) / (2 * _normal(each.confidence)) for each in runs)
    rows = fmean(each**2 for each in half_widths)
    mean, count = fmean(gains), len(runs)
    if count == 1:
        return _Gain(mean, rows, None, 1, runs[0].low, runs[0].high)
    seed = variance(gains)
    total = rows + seed / count
    freedom = math.inf if not seed else total**2 / ((seed / count) ** 2 / (count - 1))
    half = student(runs[0].confidence, freedom) * math.sqrt(total)
    return _Gain(mean, rows, seed, count, mean - half, mean + half)


def _normal(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def student(confidence: float, freedom: float) -> float:
    """How many standard errors either side Student's t leaves `confidence` between.

    With t = √ν · tan θ the share within ±t is ∫₀^θ cos^(ν−1) over ∫₀^(π/2) cos^(ν−1), taken here
    by the trapezoid rule.
    """
    if freedom > 1e4:
        return NormalDist().inv_cdf((1 + confidence) / 2)
    angles = np.linspace(0, math.pi / 2, 200_001)
    heights = np.cos(angles) ** (freedom - 1)
    area = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2)])
    angle = float(np.interp(confidence, area / area[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def _needed(
    runs: Sequence[Evidence], found: _Gain, options: VerdictOptions, margin: float
) -> list[str]:
    """How many rows, or seeds, would show a gain of this size with the power asked for."""
    rows = runs[0].rows
    if rows < options.least_rows:
        return [f"at least {options.least_rows} test rows"]
    effect = abs(found.mean)
    if effect < options.smallest_gain:
        return [
            f"a difference of {number(effect, 2)} chrF++ is too small to matter "
            f"(below {number(options.smallest_gain)}): no number of rows makes it worth shipping"
        ]
    reach = _normal(runs[0].confidence) + NormalDist().inv_cdf(options.power)
    if found.seed is None and (found.low > 0 or effect <= margin):
        return [
            f"two more runs with other seeds: of one run alone the interval has to be clear of "
            f"{number(margin)}"
        ]
    effect -= margin if found.mean > 0 else 0.0
    allowed = (effect / reach) ** 2  # the variance with which a gain of this size would show
    seeds = (found.seed or 0.0) / found.seeds
    wanted = []
    if allowed > seeds:
        more = math.ceil(rows * found.rows / (allowed - seeds))
        if more > rows:
            wanted.append(f"{_round(more):,} test rows ({rows:,} now)")
    if found.seed is not None and allowed > found.rows:
        more = math.ceil(found.seed / (allowed - found.rows))
        if more > found.seeds:
            wanted.append(f"{more} seeds ({found.seeds} now)")
    if not wanted:
        return ["more test rows and more seeds together"]
    return [f"{' or '.join(wanted)}, if the gain is what it looks like ({options.power:.0%} power)"]


def _round(count: int) -> int:
    """Two digits: the estimate is no better."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step

"""Ship it, don't, or undecided: a rule that is stated, and what would decide it where it does not.

The interval of a run covers the choice of test rows. Another training seed moves the result too:
several runs that differ in their seed alone are judged by the mean of their gains (`needed`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Any, Literal

from dubash.evaluate.needed import Gain, needed, standard_error, student
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
    wanted = tuple(needed(found, runs[0].rows, options, margin))
    return Verdict("undecided", *ends, (why,), cautions, wanted)


def _against(runs: Sequence[Evidence], found: Gain, options: VerdictOptions) -> list[str]:
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


def _cautions(runs: Sequence[Evidence], found: Gain, options: VerdictOptions) -> list[str]:
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


def _combine(runs: Sequence[Evidence]) -> Gain:
    gains = [each.gain for each in runs]
    if not gains:
        raise ValueError("there is no run to judge")
    confidence = runs[0].confidence
    normal = (student(each.confidence, math.inf) for each in runs)
    half_widths = ((r.high - r.low) / (2 * z) for r, z in zip(runs, normal, strict=True))
    rows = fmean(each**2 for each in half_widths)
    mean, count = fmean(gains), len(runs)
    if count == 1:
        return Gain(mean, rows, None, 1, runs[0].low, runs[0].high, confidence)
    seed = variance(gains)
    error, freedom = standard_error(rows, seed, count)
    half = student(confidence, freedom) * error
    return Gain(mean, rows, seed, count, mean - half, mean + half, confidence)

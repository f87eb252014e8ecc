"""Every system against every other on the same rows: differences that are judged together.

With k systems there are k(k − 1)/2 differences, and one of them looks significant by chance soon
enough: p-values are adjusted for their number (Holm). Two tests are given, since they ask different
things: the bootstrap draws other test rows, randomisation asks whether a coin could have told the
two systems apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from dubash.core.progress import progress
from dubash.core.types import Hypothesis
from dubash.evaluate.comparison import Comparison
from dubash.evaluate.measure import Measured
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.significance import holm, paired_difference, randomisation
from dubash.evaluate.systems import System

TIE = 1.0
"""Points of sentence chrF++ up to which a row counts as a tie."""


def without_same_cuts(found: Comparison) -> Comparison:
    """The comparison without the cut forms that wrote what the whole one did: no other system."""
    same = {
        name
        for name in (each["name"] for each in found.scores["systems"])
        if name.endswith("-cut")
        and all(
            row["systems"][name]["text"] == row["systems"][name.removesuffix("-cut")]["text"]
            for row in found.rows
        )
    }
    systems = [each for each in found.scores["systems"] if each["name"] not in same]
    rows = [
        row | {"systems": {k: v for k, v in row["systems"].items() if k not in same}}
        for row in found.rows
    ]
    return Comparison(found.scores | {"systems": systems}, rows, found.measured)


def pairwise(found: Comparison, options: EvaluateOptions, trials: int) -> list[dict[str, Any]]:
    """Each pair of systems, the later one against the earlier: by metric its difference, with
    `p_holm`, `p_randomisation` (of so many trials) and `p_randomisation_holm`; and the rows it won,
    tied and lost."""
    names = [each["name"] for each in found.scores["systems"]]
    pairs = list(combinations(names, 2))
    metrics = [each for each in found.measured if not each.blank]
    records: list[dict[str, Any]] = [
        {"system": later, "against": earlier, "metrics": {}, **_outcome(found, later, earlier)}
        for earlier, later in pairs
    ]
    with progress("compare", len(pairs) * len(metrics), "pairs") as advance:
        for metric in metrics:
            for (earlier, later), record in zip(pairs, records, strict=True):
                record["metrics"][metric.key] = _difference(metric, later, earlier, options, trials)
                advance(1)
            entries = [record["metrics"][metric.key] for record in records]
            for name in ("p", "p_randomisation"):
                for entry, p in zip(entries, holm([each[name] for each in entries]), strict=True):
                    entry[f"{name}_holm"] = p
    return records


def _difference(
    metric: Measured, later: str, earlier: str, options: EvaluateOptions, trials: int
) -> dict[str, float]:
    difference = paired_difference(
        metric.values[later], metric.values[earlier], metric.sampled[later],
        metric.sampled[earlier], options.confidence,
    )  # fmt: skip
    assert metric.score is not None
    p = randomisation(
        metric.counts[later], metric.counts[earlier], metric.score,
        trials, options.seed,
    )  # fmt: skip
    return {**asdict(difference), "p_randomisation": p}


def _outcome(found: Comparison, later: str, earlier: str) -> dict[str, int]:
    gains = [row["systems"][later]["chrf"] - row["systems"][earlier]["chrf"] for row in found.rows]
    wins, losses = sum(gain > TIE for gain in gains), sum(gain < -TIE for gain in gains)
    return {"wins": wins, "ties": len(gains) - wins - losses, "losses": losses}


def latency(system: System) -> dict[str, float] | None:
    """Seconds of a row: mean, median and 95th percentile; None where nothing was measured.

    A row's seconds are its share of its batch's, so that this is what a row costs in bulk, not how
    long somebody waits for it alone.
    """
    seconds = [each.seconds for each in system.hypotheses]
    if not system.measured or not any(seconds):
        return None
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"mean": float(np.mean(seconds)), "p50": float(p50), "p95": float(p95)}


def same_texts(one: Sequence[Hypothesis], other: Sequence[Hypothesis]) -> bool:
    """Whether two systems wrote the same on every row."""
    return [each.text for each in one] == [each.text for each in other]

"""How often the paired bootstrap is right: false alarms, and coverage of a true difference.

    python -m benchmarks.calibration

Rows of the two noisy systems of `benchmarks.evaluate`. False alarms: test sets of 300 rows, in each
row the two systems' texts swapped by a coin, so that neither system is better; how many of 1,000
get p < 0.05. Coverage: the population is all rows, drawn from with replacement, so that the true
difference is that of the whole population; in how many of 1,000 test sets of 300 rows does the 95%
interval hold it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.evaluate import NOISE, write_rows
from dubash.core.languages import language
from dubash.core.progress import progress
from dubash.evaluate.metrics import IntArray, Metric, bleu_metric, chrf_metric, ter_metric
from dubash.evaluate.significance import (
    Difference,
    FloatArray,
    bootstrap,
    paired_difference,
    randomisation,
)

TRIALS, TEST_ROWS, SAMPLES, CONFIDENCE = 1000, 300, 1000, 0.95


@dataclass(frozen=True, slots=True)
class Population:
    """One metric's per-row counts `[row, count]` of both systems."""

    metric: Metric
    one: IntArray
    other: IntArray


def population(metric: Metric, rows: int) -> Population:
    """The two systems on that many rows, each row with its own noise."""
    with tempfile.TemporaryDirectory() as name:
        write_rows(Path(name), rows)
        references, *systems = (
            (Path(name) / each).read_text(encoding="utf-8").splitlines()
            for each in ("reference", *NOISE)
        )
    return Population(metric, *metric.statistics_of(systems, references))


def compared(each: Population, one: IntArray, other: IntArray, seed: int) -> Difference:
    """The difference as a comparison has it."""
    metric = each.metric
    ours, theirs = (bootstrap(counts, metric.score, SAMPLES, seed) for counts in (one, other))
    values = (metric.score(counts.sum(axis=0)) for counts in (one, other))
    return paired_difference(*values, ours, theirs, CONFIDENCE)


def false_alarms(each: Population, trials: int, by_randomisation: bool = False) -> FloatArray:
    """The p of that many null comparisons."""
    chance = np.random.default_rng(20)
    found = []
    with progress(f"null {each.metric.key}", trials, "comparisons") as advance:
        for trial in range(trials):
            rows = chance.choice(len(each.one), TEST_ROWS, replace=False)
            coins = chance.integers(2, size=(TEST_ROWS, 1), dtype=bool)
            one = np.where(coins, each.one[rows], each.other[rows])
            other = np.where(coins, each.other[rows], each.one[rows])
            if by_randomisation:
                p = randomisation(one, other, each.metric.score, SAMPLES, seed=trial)
            else:
                p = compared(each, one, other, seed=trial).p
            found.append(p)
            advance(1)
    return np.array(found)


def coverage(each: Population, trials: int) -> tuple[float, float]:
    """The true difference, and the share of that many intervals that hold it."""
    chance = np.random.default_rng(21)
    true = each.metric.score(each.one.sum(axis=0)) - each.metric.score(each.other.sum(axis=0))
    covered = 0
    with progress(f"coverage {each.metric.key}", trials, "comparisons") as advance:
        for trial in range(trials):
            rows = chance.choice(len(each.one), TEST_ROWS, replace=True)
            found = compared(each, each.one[rows], each.other[rows], seed=trial)
            covered += found.low <= true <= found.high
            advance(1)
    return true, covered / trials


def main() -> None:
    """Print the table."""
    spanish = language("es")
    print(
        "| metric | p < 0.05 under the null | the same by randomisation | true difference | held |"
    )
    print("|---|---|---|---|---|")
    for metric in (bleu_metric(spanish), chrf_metric(), ter_metric(spanish)):
        if metric is None:
            continue
        each = population(metric, 1997)
        alarms, others = (
            float((false_alarms(each, TRIALS, kind) < 0.05).mean()) for kind in (False, True)
        )
        true, held = coverage(each, TRIALS)
        print(
            f"| {metric.key} | {alarms:.1%} | {others:.1%} | {true:.2f} | {held:.1%} |", flush=True
        )
    print(f"\n{TRIALS:,} test sets of {TEST_ROWS} rows, {SAMPLES:,} draws or trials each")


if __name__ == "__main__":
    main()

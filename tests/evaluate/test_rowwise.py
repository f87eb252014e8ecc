"""Means of row scores: exact on drawn sets, and blank rather than something else."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import MetricError
from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.comparison import Comparison, compare
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.rowwise import Blank, RowScores, Segment, mean_statistics
from dubash.evaluate.significance import resample
from dubash.evaluate.systems import System
from dubash.evaluate.table import WIDTH, scores_table

numbers = st.floats(-1e6, 1e6) | st.floats(-1, 1) | st.floats(1e-300, 1e-290)
columns = st.lists(numbers, min_size=1, max_size=50)


@given(columns)
def test_the_mean_is_the_mean(values: list[float]) -> None:
    (counts,), score = mean_statistics([np.array(values)])
    mean, largest = np.mean(values), max(map(abs, values))
    assert score(counts.sum(axis=0)) == pytest.approx(mean, abs=1e-12 * largest + 1e-290)


@given(columns, st.integers(0, 9))
def test_equal_systems_are_equal_on_every_drawn_set(values: list[float], beside: int) -> None:
    """Whatever stands between their columns in the one matrix product."""
    both, score = mean_statistics([np.array(values), np.array(values)])
    between = np.random.default_rng(1).integers(0, 9, size=(len(values), beside))
    drawn = resample(np.hstack([both[0], between, both[1]]), 100, seed=2)
    ours, theirs = drawn[:, :2], drawn[:, -2:]
    assert (ours == theirs).all()
    assert [score(each) for each in ours] == [score(each) for each in theirs]


def test_drawn_means_are_those_of_the_drawn_rows() -> None:
    values = np.random.default_rng(3).normal(size=400)
    (counts,), score = mean_statistics([values])
    sampled = np.array([score(each) for each in resample(counts, 300, seed=4)])
    rows = np.random.default_rng(4).choice(400, size=(300, 400))
    assert sampled == pytest.approx(values[rows].mean(axis=1), abs=1e-12)


# -- in a comparison -----------------------------------------------------------------------------

ROWS = [Pair(f"source {i}", f"referencia número {i} de la prueba") for i in range(12)]


class Lengths:
    """A metric of rows as any other: how far a hypothesis is from its reference's length."""

    key, higher_is_better = "gap", False

    def __init__(self, blank: str = "") -> None:
        self.asked: list[Segment] = []
        self.blank = blank

    def check(self) -> Blank | None:
        return Blank(self.blank) if self.blank else None

    def score(self, segments: Sequence[Segment]) -> RowScores | Blank:
        self.asked += segments
        if self.blank:
            return Blank(self.blank)
        gaps = [float(abs(len(each.hypothesis) - len(each.reference))) for each in segments]
        return RowScores(gaps, "gap|version:1")


def compared(metric: Lengths) -> Comparison:
    def system(name: str, texts: list[str]) -> System:
        found = [Hypothesis(text, "end", 5, 0.1) for text in texts]
        return System(name, name, [row.source for row in ROWS], found)

    long = [f"{row.target}{' más' * (i % 3)}" for i, row in enumerate(ROWS)]
    near = [row.target[: -1 - i % 2] for i, row in enumerate(ROWS)]
    options = EvaluateOptions(bootstrap_samples=200)
    return compare(ROWS, [system("S0", long), system("S1", near)], language("es"), options,
                   others=[metric])  # fmt: skip


def test_a_metric_of_rows_has_mean_interval_and_paired_difference() -> None:
    metric = Lengths()
    found = compared(metric).scores
    scores = {each["name"]: each["scores"]["gap"] for each in found["systems"]}
    assert scores["S0"]["value"] == pytest.approx(4.0)
    assert scores["S1"]["value"] == pytest.approx(1.5)
    assert scores["S1"]["low"] <= 1.5 <= scores["S1"]["high"]
    assert scores["S1"]["signature"] == "gap|version:1"
    difference = found["differences"]["S1"]["gap"]
    assert difference["value"] == pytest.approx(-2.5)
    assert difference["low"] < -2.5 < difference["high"]
    assert difference["against"] == "S0"
    table = scores_table(found)
    assert "gap (mean of rows; lower is better): S0 4.000, S0-cut 4.000, S1 1.500" in table
    assert "  gap    −2.500 [" in table
    assert "(below 0 is better)" in table


def test_a_segment_that_several_systems_have_is_asked_for_once() -> None:
    metric = Lengths()
    compared(metric)
    assert len(metric.asked) == len(set(metric.asked)) == 24  # S0-cut has what S0 has
    assert metric.asked[0] == Segment("source 0", ROWS[0].target, ROWS[0].target)


def test_a_metric_that_cannot_run_stays_blank_and_nothing_takes_its_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    why = "COMET is not installed. " + "It takes a while to say so. " * 6
    found = compared(Lengths(blank=why)).scores
    for each in found["systems"]:
        assert each["scores"]["gap"] == {"value": None, "why": why}
        assert set(each["scores"]) == {"bleu", "chrf++", "gap"}
    assert set(found["differences"]["S1"]) == {"bleu", "chrf++"}
    assert "gap stays blank: COMET is not installed." in capsys.readouterr().err
    table = scores_table(found)
    assert "gap: blank. COMET is not installed." in table
    assert max(map(len, table.splitlines())) <= WIDTH


def test_a_metric_that_fails_ends_the_comparison() -> None:
    class Failing(Lengths):
        def score(self, segments: Sequence[Segment]) -> RowScores | Blank:
            raise MetricError("it failed.")

    with pytest.raises(MetricError, match="it failed"):
        compared(Failing())

"""The paired bootstrap: exact where it can be, and right about as often as it claims."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dubash.evaluate.metrics import chrf_metric
from dubash.evaluate.significance import (
    Difference,
    Score,
    bootstrap,
    draws,
    interval,
    paired_difference,
)

WORDS = ("la", "clínica", "está", "cerca", "de", "aquí", "mañana")
sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
triples = st.lists(st.tuples(sentences, sentences, sentences), min_size=2, max_size=8)


def share(totals: NDArray[np.int64]) -> float:
    """The simplest corpus metric: right over all, from counts [right, all]."""
    return 100 * float(totals[0]) / float(totals[1])


def counted(right: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.stack([right, np.ones_like(right)], axis=1).astype(np.int64)


def paired(
    system: NDArray[np.int64], baseline: NDArray[np.int64], score: Score, samples: int, seed: int
) -> Difference:
    """The difference of two systems from their counts, as a comparison makes it."""
    return paired_difference(
        score(system.sum(axis=0)), score(baseline.sum(axis=0)),
        bootstrap(system, score, samples, seed), bootstrap(baseline, score, samples, seed),
        confidence=0.95,
    )  # fmt: skip


def chrf_difference(system: list[str], baseline: list[str], references: list[str]) -> Difference:
    metric = chrf_metric()
    return paired(
        metric.statistics(system, references), metric.statistics(baseline, references),
        metric.score, samples=100, seed=7,
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(triples)
def test_identical_systems_differ_by_nothing(rows: list[tuple[str, str, str]]) -> None:
    texts, _, references = map(list, zip(*rows, strict=True))
    assert chrf_difference(texts, texts, references) == Difference(0.0, 0.0, 0.0, 1.0)


@settings(max_examples=15, deadline=None)
@given(triples)
def test_swapping_the_systems_turns_the_sign_exactly(rows: list[tuple[str, str, str]]) -> None:
    ours, theirs, references = map(list, zip(*rows, strict=True))
    there = chrf_difference(ours, theirs, references)
    back = chrf_difference(theirs, ours, references)
    assert (back.value, back.low, back.high, back.p) == (
        -there.value, -there.high, -there.low, there.p,
    )  # fmt: skip
    assert there == chrf_difference(ours, theirs, references)  # the seed alone decides


def test_each_drawn_set_has_as_many_rows_as_the_test_set() -> None:
    drawn = np.array(list(draws(50, 200, seed=1)))
    assert drawn.shape == (200, 50)
    assert (drawn.sum(axis=1) == 50).all()
    assert drawn.mean(axis=0).min() > 0.8
    assert drawn.mean(axis=0).max() < 1.2
    assert (drawn == np.array(list(draws(50, 200, seed=1)))).all()
    assert (drawn != np.array(list(draws(50, 200, seed=2)))).any()


def test_both_systems_are_scored_on_the_same_draws() -> None:
    """Rows of very unlike difficulty, one system always 1 better: paired, there is no spread."""
    points = np.arange(0, 100, 2)
    ones = np.ones_like(points)
    worse, better = np.stack([points, ones], 1), np.stack([points + 1, ones], 1)
    found = paired(better, worse, share, samples=200, seed=3)
    assert [found.value, found.low, found.high] == pytest.approx([100, 100, 100])
    assert found.p == pytest.approx(2 / 201)
    assert np.std(bootstrap(worse, share, 200, seed=3)) > 100  # unpaired, there is plenty


def test_the_interval_cuts_equal_tails() -> None:
    shuffled = np.random.default_rng(1).permutation(1000).astype(float)
    assert interval(shuffled, 0.95) == (25, 974)
    assert interval(shuffled, 0.5) == (250, 749)


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    sampled = bootstrap(counted(np.arange(80) % 3 == 0), share, 500, seed=5)
    widths = [high - low for low, high in (interval(sampled, each) for each in (0.5, 0.9, 0.99))]
    assert all(narrow < wide for narrow, wide in pairwise(widths))


def test_intervals_cover_the_truth_and_p_errs_as_rarely_as_it_says() -> None:
    """Rows of known difficulty, 300 test sets: about 95% coverage, about 5% false alarms."""
    generator = np.random.default_rng(11)
    covered = alarms = found = 0
    for trial in range(300):
        ability = generator.uniform(0.1, 0.7, size=120)
        baseline, equal = (counted(generator.random(120) < ability) for _ in range(2))
        better = counted(generator.random(120) < ability + 0.2)
        real = paired(better, baseline, share, 100, seed=trial)
        covered += real.low <= 20 <= real.high
        found += real.p < 0.05
        alarms += paired(equal, baseline, share, 100, seed=trial).p < 0.05
    assert 0.90 <= covered / 300 <= 0.99
    assert alarms / 300 <= 0.10
    assert found / 300 >= 0.80


def test_draws_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="not scored on the same draws"):
        paired_difference(1.0, 0.0, np.ones(100), np.zeros(99), 0.95)

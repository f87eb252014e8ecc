"""The paired bootstrap: exact where it can be, and right about as often as it claims."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dubash.evaluate import significance
from dubash.evaluate.metrics import chrf_metric
from dubash.evaluate.significance import (
    Difference,
    Score,
    bootstrap,
    draws,
    holm,
    interval,
    paired_difference,
    randomisation,
    resample,
    shuffled_differences,
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
    drawn = np.concatenate(list(draws(50, 200, seed=1)))
    assert drawn.shape == (200, 50)
    assert (drawn.sum(axis=1) == 50).all()
    assert drawn.mean(axis=0).min() > 0.8
    assert drawn.mean(axis=0).max() < 1.2
    assert (drawn == np.concatenate(list(draws(50, 200, seed=1)))).all()
    assert (drawn != np.concatenate(list(draws(50, 200, seed=2)))).any()


def test_a_limit_on_memory_changes_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    system, baseline = counted(np.arange(70) % 3 == 0), counted(np.arange(70) % 5 == 0)
    whole = np.concatenate(list(draws(70, 100, seed=4)))
    shuffled = shuffled_differences(system, baseline, share, 100, seed=4)
    monkeypatch.setattr(significance, "_CELLS", 70 * 33)
    blocks = list(draws(70, 100, seed=4))
    assert [len(each) for each in blocks] == [33, 33, 33, 1]
    assert (np.concatenate(blocks) == whole).all()
    assert (shuffled_differences(system, baseline, share, 100, seed=4) == shuffled).all()


def test_resampled_counts_are_sums_over_the_drawn_rows() -> None:
    statistics = np.random.default_rng(2).integers(0, 10**9, size=(40, 7))
    drawn = np.concatenate(list(draws(40, 60, seed=3)))
    assert (resample(statistics, 60, seed=3) == drawn @ statistics).all()


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


# -- randomisation -------------------------------------------------------------------------------


def test_randomisation_knows_identical_systems_and_clear_differences() -> None:
    right = np.random.default_rng(5).random(60) < 0.5
    one, other = counted(right), counted(right | (np.arange(60) % 4 == 0))
    assert randomisation(one, one, share, 200, seed=1) == 1
    assert randomisation(other, one, share, 2000, seed=1) < 0.05
    assert randomisation(other, one, share, 200, 1) == randomisation(one, other, share, 200, 1)


def test_randomisation_counts_what_swapping_every_way_would_give() -> None:
    """Six rows: all 64 ways of swapping, against trials by coin."""
    generator = np.random.default_rng(8)
    one, other = (np.stack([generator.integers(0, 9, 6), np.full(6, 9)], axis=1) for _ in range(2))
    ways = (np.arange(64)[:, None] >> np.arange(6)) & 1
    apart = [abs(share(w @ one + (1 - w) @ other) - share(w @ other + (1 - w) @ one)) for w in ways]
    observed = abs(share(one.sum(axis=0)) - share(other.sum(axis=0)))
    exact = np.mean(np.array(apart) >= observed - 1e-9)
    assert randomisation(one, other, share, 20_000, seed=6) == pytest.approx(exact, abs=0.02)


def test_randomisation_errs_as_rarely_as_it_says() -> None:
    generator = np.random.default_rng(12)
    alarms = 0
    for trial in range(300):
        ability = generator.uniform(0.1, 0.7, size=80)
        one, other = (counted(generator.random(80) < ability) for _ in range(2))
        alarms += randomisation(one, other, share, 199, seed=trial) < 0.05
    assert alarms / 300 <= 0.08


# -- many comparisons ----------------------------------------------------------------------------


def test_holm_by_its_own_example() -> None:
    """Holm 1979, section 4.2: p-values of 0.01, 0.04, 0.03 and 0.005."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.2]) == [0.2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, after in zip(p_values, adjusted, strict=True):
        assert p <= after <= min(1, len(p_values) * p)
    for (p, after), (q, later) in pairwise(sorted(zip(p_values, adjusted, strict=True))):
        assert after <= later
        assert p <= q
    for alpha in (0.01, 0.05, 0.3):  # the same as stepping down until one is not small enough
        rejected = 0
        for p in sorted(p_values):
            if p * (len(p_values) - rejected) > alpha:
                break
            rejected += 1
        assert rejected == sum(after <= alpha for after in adjusted)

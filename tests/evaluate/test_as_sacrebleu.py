"""sacrebleu's own paired tests of the same systems and seed give the very same figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest, _bootstrap_resample

from dubash.core.languages import language
from dubash.evaluate.as_sacrebleu import approximate_randomisation, paired_bootstrap
from dubash.evaluate.metrics import Metric, bleu_metric, chrf_metric, ter_metric
from dubash.evaluate.significance import draws, randomisation

WORDS = ("la", "clínica", "está", "cerca", "de", "aquí", "mañana", "autobús", "llega", "tarde", "y")
ROWS = 60


def texts(seed: int, noise: float) -> tuple[list[str], list[str]]:
    """References, and hypotheses with that share of their words replaced."""
    generator = np.random.default_rng(seed)
    references = [
        " ".join(generator.choice(WORDS, size=generator.integers(4, 14))) for _ in range(ROWS)
    ]
    hypotheses = [
        " ".join(w if generator.random() > noise else generator.choice(WORDS) for w in text.split())
        for text in references
    ]  # fmt: skip
    return references, hypotheses


def metrics() -> list[tuple[Metric, Any, str]]:
    spanish = language("es")
    ter = ter_metric(spanish)
    assert ter is not None
    return [
        (bleu_metric(spanish), BLEU(), "BLEU"),
        (chrf_metric(), CHRF(word_order=2), "chrF2++"),
        (ter, TER(), "TER"),
    ]


def theirs(kind: str, references: list[str], systems: list[list[str]], samples: int) -> Any:
    """sacrebleu's results by metric; each the baseline's first."""
    named = [(f"system {i}", each) for i, each in enumerate(systems)]
    test = PairedTest(named, {n: m for _, m, n in metrics()}, [references], kind, samples)
    return test()[1]


@pytest.fixture(params=[(1, 0.4, 0.45), (2, 0.3, 0.3), (3, 0.2, 0.8)], ids=["near", "even", "far"])
def systems(request: pytest.FixtureRequest) -> tuple[list[str], list[str], list[str]]:
    seed, ours, base = request.param
    references, system = texts(seed, ours)
    return references, system, texts(seed, base)[1]


@pytest.mark.parametrize("seed", [12345, 7])
def test_the_paired_bootstrap_is_sacrebleus_to_the_last_digit(
    systems: tuple[list[str], ...], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", str(seed))
    references, system, baseline = systems
    found = theirs("bs", references, [baseline, system], 300)
    for metric, _, name in metrics():
        one, other = metric.statistics_of([system, baseline], references)
        ours, base = paired_bootstrap(metric, one, other, 300, seed)
        at_base, at_system = found[name]
        assert (ours.mean, ours.half_width, ours.p) == (
            at_system.mean,
            at_system.ci,
            at_system.p_value,
        )
        assert (base.mean, base.half_width) == (at_base.mean, at_base.ci)
        assert metric.score(one.sum(axis=0)) == at_system.score


@pytest.mark.parametrize("seed", [12345, 7])
def test_approximate_randomisation_is_sacrebleus_to_the_last_digit(
    systems: tuple[list[str], ...], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", str(seed))
    references, system, baseline = systems
    found = theirs("ar", references, [baseline, system], 500)
    for metric, _, name in metrics():
        one, other = metric.statistics_of([system, baseline], references)
        p = approximate_randomisation(metric, one, other, 500, seed)
        assert p == found[name][1].p_value
        # where no trial ties with the systems themselves, ours is the same
        assert randomisation(one, other, metric.score, 500, seed) >= p


def test_identical_systems_are_where_the_two_recipes_part() -> None:
    references, system = texts(4, 0.3)
    (metric, _, name) = metrics()[1]
    (counts,) = metric.statistics_of([system], references)
    assert theirs("ar", references, [system, system], 200)[name][1].p_value == 1 / 201
    assert approximate_randomisation(metric, counts, counts, 200, 12345) == 1 / 201
    assert randomisation(counts, counts, metric.score, 200, 12345) == 1


@pytest.mark.parametrize(("rows", "samples"), [(1, 5), (7, 40), (333, 21)])
def test_the_drawn_sets_are_sacrebleus(
    rows: int, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric that keeps what it is asked to score shows which rows were drawn."""
    asked: list[NDArray[Any]] = []

    class Spy:
        def _compute_score_from_stats(self, totals: NDArray[Any]) -> None:
            asked.append(totals)

    monkeypatch.setenv("SACREBLEU_SEED", "99")
    _bootstrap_resample(np.eye(rows).tolist(), Spy(), samples)  # type: ignore[arg-type]
    assert (np.array(asked) == np.concatenate(list(draws(rows, samples, seed=99)))).all()


def test_real_rows_too(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "12345")

    def column(name: str) -> list[str]:
        lines = (shared_data / name).read_text(encoding="utf-8").split("\n")[:200]
        return [line.split("\t")[1] for line in lines]

    references, other = column("en-es.ntrex128.tsv"), column("en-es.ntrex128-ref2.tsv")
    worse = [" ".join(text.split()[:-1]) if i % 9 == 0 else text for i, text in enumerate(other)]
    found = theirs("bs", references, [other, worse], 200)
    for metric, _, name in metrics():
        one, base = metric.statistics_of([worse, other], references)
        ours, _ = paired_bootstrap(metric, one, base, 200, 12345)
        after = found[name][1]
        assert (ours.mean, ours.half_width, ours.p) == (after.mean, after.ci, after.p_value)

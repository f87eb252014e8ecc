"""How often the checks are right on real rows: planted faults found, human translations let be."""

from collections import Counter
from pathlib import Path

import pytest
from experiments.behaviour import TRAINING, false_alarms, hits, labels
from experiments.planted import COUNT, PLANTS, recall

from dubash.evaluate.behaviour import FLAGS


@pytest.mark.parametrize("check", FLAGS)
def test_planted_faults_are_found(check: str, shared_data: Path) -> None:
    found, planted = recall(shared_data, check)
    assert planted == COUNT == 200
    assert found >= 0.95 * planted, f"{found} of {planted}"


def test_every_check_is_planted() -> None:
    assert tuple(PLANTS) == FLAGS


@pytest.fixture(scope="module")
def verdicts(shared_data: Path) -> dict[str, Counter[str]]:
    """By check: how many hits on NTREX's references are labelled right, wrong or not at all."""
    known = labels()
    found = {flag: Counter[str]() for flag in FLAGS}
    for name in TRAINING:
        for hit in hits(shared_data, name):
            verdict, _ = known.get((name, hit.line, hit.check), ("unlabelled", ""))
            found[hit.check][verdict] += 1
    return found


@pytest.mark.parametrize("check", FLAGS)
def test_hits_on_human_translations_are_right(
    check: str, verdicts: dict[str, Counter[str]]
) -> None:
    """A hit that nobody has read counts as wrong: who changes a rule reads what it then finds."""
    counts = verdicts[check]
    assert counts["right"] >= 0.8 * counts.total(), f"{check}: {dict(counts)}"


def test_a_second_human_translation_is_hardly_ever_flagged(shared_data: Path) -> None:
    both = ("en-es.ntrex128", "en-es.ntrex128-ref2")
    assert false_alarms(shared_data, *both).total() <= 2
    assert false_alarms(shared_data, *both[::-1]).total() <= 2

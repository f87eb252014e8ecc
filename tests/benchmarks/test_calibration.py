"""The paired bootstrap on real rows: it errs as rarely as it says. A thousand test sets each."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.calibration import TRIALS, coverage, false_alarms, population
from benchmarks.evaluate import noisy

from dubash.core.languages import language
from dubash.evaluate.metrics import bleu_metric, chrf_metric


@pytest.mark.slow
def test_five_of_a_hundred_null_comparisons_are_taken_for_a_difference(shared_data: Path) -> None:
    each = population(chrf_metric(), 1997)
    assert 0.035 <= (false_alarms(each, TRIALS) < 0.05).mean() <= 0.065
    assert 0.035 <= (false_alarms(each, TRIALS, by_randomisation=True) < 0.05).mean() <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric", [chrf_metric(), bleu_metric(language("es"))], ids=["chrf", "bleu"]
)
def test_ninety_five_of_a_hundred_intervals_hold_the_true_difference(
    metric, shared_data: Path
) -> None:
    true, held = coverage(population(metric, 1997), TRIALS)
    assert abs(true) > 1
    assert 0.93 <= held <= 0.97


def test_noise_is_in_the_share_of_words_that_was_asked_for() -> None:
    text = " ".join(f"w{i}" for i in range(3000))
    words = noisy(text, 0.1, ["other"], random.Random(3)).split()
    assert 0.08 < (3000 - len(words)) / 3000 < 0.12
    assert 0.08 < words.count("other") / 3000 < 0.12
    left = [int(word[1:]) for word in words if word != "other"]
    swapped = sum(a > b for a, b in pairwise(left))
    assert 0.06 < swapped / 3000 < 0.12

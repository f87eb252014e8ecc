"""What would decide an undecided verdict: rows, seeds, or both, as numbers that then do."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.evaluate.needed import student
from dubash.evaluate.options import VerdictOptions
from dubash.evaluate.verdict import Evidence, judge

RULES = VerdictOptions()


def run(gain, half=1.0, rows=500):
    return Evidence(rows, gain, gain - half, gain + half, 0.95, 1.0, {})


def needed(*runs):
    found = judge(runs, RULES)
    assert found.decision == "undecided"
    assert len(found.needed) == 1
    return found.needed[0]


def test_of_one_seed_the_figure_names_its_margin_its_power_and_what_is_assumed():
    # 0.9 more than the margin: the standard error of 1.0 at 400 rows has to become 0.9 / 2.80,
    # with 9.7 times the rows
    assert needed(run(1.9, half=1.96, rows=400)) == (
        "3,900 test rows (400 now); that would show a difference of +1.9 chrF++, if that is what "
        "it is, with 80% power: its 95% interval clear of 1.0, what another seed is assumed to "
        "move it by (evaluate.verdict.seed_margin); one seed cannot measure that, several can and "
        "need no such margin"
    )


def test_where_no_rows_of_one_seed_would_do_more_seeds_are_asked_for():
    said = needed(run(0.8, half=1.0))
    assert "two more runs with other seeds" in said
    assert "clear of 1.0, what another seed is assumed to move it by" in said


def test_seeds_that_agree_ask_for_rows_and_need_no_margin():
    said = needed(run(1.5, half=2.4, rows=100), run(2.1, half=2.4, rows=100))
    assert said == (
        "560 test rows (100 now); that would show a difference of +1.8 chrF++, if that is what it "
        "is, with 80% power: its 95% interval clear of 0"
    )


def test_seeds_that_disagree_ask_for_seeds():
    said = needed(run(6.0, half=0.2), run(0.5, half=0.2))
    assert said.startswith("14 seeds (2 now), as more test rows alone would not do; ")


def test_where_neither_alone_would_do_both_are_numbers():
    said = needed(run(1.5, half=2.4, rows=100), run(3.5, half=2.4, rows=100))
    wanted = "6 seeds (2 now) on 380 test rows (100 now), as more test rows alone would not do; "
    assert said.startswith(wanted)


def test_a_gain_too_small_to_matter_is_called_that():
    assert "too small to matter" in needed(run(0.1))


@given(
    st.lists(st.floats(-2, 6), min_size=2, max_size=4),
    st.floats(0.3, 4),
)
def test_what_is_needed_decides_where_the_gain_is_what_it_looks_like(gains, half):
    found = judge([run(gain, half, rows=200) for gain in gains], RULES)
    if found.decision != "undecided" or found.gain < 0.3:
        return
    for way in found.needed[0].split("; ")[0].split(", or "):
        rows, seeds = (
            int(number[1].replace(",", "")) if number else now
            for number, now in (
                (re.search(r"([\d,]+) test rows", way), 200),
                (re.search(r"(\d+) seeds \(", way), len(gains)),
            )
        )
        spread = math.sqrt(sum((each - found.gain) ** 2 for each in gains) / (len(gains) - 1))
        far = spread * math.sqrt((seeds - 1) / (seeds - seeds % 2))  # seeds of the same variance
        more = [found.gain + far * side for side in [-1, 1] * (seeds // 2) + [0] * (seeds % 2)]
        smaller = half * math.sqrt(200 / rows)
        assert judge([run(gain, smaller, rows) for gain in more], RULES).decision == "ship", way


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (10, 2.228), (30, 2.042), (math.inf, 1.960)],
)
def test_students_t_is_that_of_the_tables(freedom, value):
    assert student(0.95, freedom) == pytest.approx(value, abs=5e-4)

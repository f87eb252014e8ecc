"""How findings and numbers are worded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.report import words
from dubash.report.facts import Facts, read_facts, redact


def judged(facts: Facts, value: float, low: float, high: float) -> words.Verdict:
    assert facts.scores
    gain = {"value": value, "low": low, "high": high, "p": 0.2}
    differences = {"S1": {"against": "S0-cut", "chrf++": gain, "bleu": gain}}
    return words.verdict(replace(facts, scores={**facts.scores, "differences": differences}))


def test_only_an_interval_clear_of_zero_is_a_win_or_a_loss(build_run: Any) -> None:
    facts = read_facts(build_run())
    better = judged(facts, 12.34, 10.1, 14.6)
    assert better.kind == "better"
    assert better.headline == "S1 beats the better untuned baseline by 12.3 chrF++ [10.1, 14.6]"
    worse = judged(facts, -3.1, -5.0, -1.2)
    assert worse.kind == "worse"
    assert worse.headline == "S1 is worse than the better untuned baseline by 3.1 chrF++ [1.2, 5.0]"
    unclear = judged(facts, 0.8, -0.4, 2.0)
    assert unclear.kind == "unclear"
    assert "No clear difference" in unclear.headline
    assert "+0.8 chrF++ [−0.4, +2.0]" in unclear.headline
    assert judged(facts, 1.0, 0.0, 2.0).kind == "unclear"


def test_a_low_end_just_above_zero_is_not_written_as_zero(build_run: Any) -> None:
    assert "[0.04, 2.10]" in judged(read_facts(build_run()), 1.1, 0.04, 2.1).headline


def test_the_notes_name_bleu_leaks_and_the_interval_s_limit(build_run: Any) -> None:
    notes = " ".join(words.verdict(read_facts(build_run())).notes)
    assert "BLEU says the same" in notes
    assert "4 near-duplicates between train and test" in notes
    assert "another training seed may move it too" in notes


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(150, 150, "100%"), (0, 150, "0%"), (148, 150, "98.7%"), (9999, 10000, "99.9%"),
     (1, 10000, "0.1%"), (0, 0, "–")],
)  # fmt: skip
def test_all_and_none_are_written_only_for_all_and_none(count: int, total: int, text: str) -> None:
    assert words.percent(count, total) == text


@given(st.floats(-1e6, 1e6))
def test_a_number_reads_back_within_its_rounding(value: float) -> None:
    text = words.number(value).replace("−", "-").replace(",", "")
    assert abs(float(text) - value) <= 0.05 + 1e-9
    assert text != "-0.0"


def test_home_folders_are_written_as_a_tilde() -> None:
    assert redact({"a": ["/home/ana/x.tsv:3", "/Users/ana b"]}) == {"a": ["~/x.tsv:3", "~ b"]}
    assert redact("C:\\Users\\Ana\\x.csv") == "~\\x.csv"
    assert redact("data/home/x and /rooted") == "data/home/x and /rooted"

"""How findings and numbers are worded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from dubash.evaluate.behaviour import FLAGS, WARNINGS
from dubash.evaluate.table import scores_table
from dubash.report import card, html, words
from dubash.report.facts import Facts, read_facts, redact
from dubash.report.markdown import as_markdown


def judged(facts: Facts, value: float, low: float, high: float) -> words.Verdict:
    assert facts.scores
    gain = {"against": "S0-cut", "value": value, "low": low, "high": high, "p": 0.2}
    differences = {"S1": {"chrf++": gain, "bleu": {**gain, "against": "S0"}}}
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


def beside_copy(facts: Facts) -> Facts:
    """The same, had the source itself been the best baseline."""
    assert facts.scores
    scores = facts.scores
    copy = {**scores["systems"][0], "name": "copy", "label": "the source itself"}
    scores["systems"].insert(-1, copy)
    scores["baseline"] = scores["differences"]["S1"]["chrf++"]["against"] = "copy"
    return facts


def test_a_difference_from_the_source_itself_is_called_that(build_run: Any, tmp_path: Path) -> None:
    facts = read_facts(build_run())
    table = scores_table(facts.scores or {})
    assert "S1 against S0, in its best form by each metric:" in table
    assert "| S1 − S0 |" in as_markdown(facts)
    assert "better form of S0" in html.render(facts)
    assert "untuned reading with the better chrF++, S0-cut." in card.render(facts, tmp_path)
    facts = beside_copy(facts)
    assert "S1 beats the best baseline (copy) by " in words.verdict(facts).headline
    table = scores_table(facts.scores or {})
    assert "S1 against the best baseline by each metric:" in table
    assert ", against copy" in table
    short = as_markdown(facts)
    assert "| S1 − best baseline |" in short
    assert "p < 0.001 against copy |" in short.replace("\\", "")
    page = " ".join(html.render(facts).split())
    assert "S1 − best baseline <small>difference, by each metric from the best baseline</" in page
    assert "The gain is over the best baseline by chrF++, copy." in card.render(facts, tmp_path)
    for text in (table, short, page):
        assert "S1 − S0" not in text
        assert "form of S0" not in text


def test_a_low_end_just_above_zero_is_not_written_as_zero(build_run: Any) -> None:
    assert "[0.04, 2.10]" in judged(read_facts(build_run()), 1.1, 0.04, 2.1).headline


def test_the_notes_say_it_in_full_and_what_bleu_says(build_run: Any) -> None:
    notes = " ".join(words.verdict(read_facts(build_run())).notes)
    assert re.search(r"In full: S1 .+ chrF\+\+, S0-cut \(untuned", notes)
    assert re.search(r"BLEU says the same: \S+ \[.+?\] against S0\.", notes)


def test_home_folders_are_written_as_a_tilde() -> None:
    assert redact({"a": ["/home/ana/x.tsv:3", "/Users/ana b"]}) == {"a": ["~/x.tsv:3", "~ b"]}
    assert redact("C:\\Users\\Ana\\x.csv") == "~\\x.csv"
    assert redact("data/home/x and /rooted") == "data/home/x and /rooted"


def test_every_behaviour_has_words_and_warnings_a_question_mark() -> None:
    assert tuple(words.BEHAVIOUR) == FLAGS
    assert [flag for flag, said in words.BEHAVIOUR.items() if said.endswith("?")] == list(WARNINGS)

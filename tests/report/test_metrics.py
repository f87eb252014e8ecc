"""Metrics beside chrF++ and BLEU in report and card: direction, digits, and blanks."""

import re
from typing import Any

import pytest

from dubash.core.files import read_json, write_json
from dubash.core.run import RunFolder
from dubash.report import card, html, words
from dubash.report.facts import read_facts
from dubash.report.tables import comparison, signatures

WHY = "/home/ana/comet: there is no such folder or file."


def entry(value: float, spread: float, higher: bool, signature: str) -> dict[str, Any]:
    return {
        "value": value, "low": value - spread, "high": value + spread, "signature": signature,
        "higher_is_better": higher,
    }  # fmt: skip


@pytest.fixture
def run(build_run: Any) -> RunFolder:
    """S1 is better by TER, COMET cannot tell, a metric of the user's own says it is worse."""
    made: RunFolder = build_run()
    scores = read_json(made.scores)
    values = {"S0": (120.0, 0.61, 1.0), "S0-cut": (80.0, 0.6, 2.0), "S1": (40.0, 0.6021, 3.5)}
    for system in scores["systems"]:
        ter, comet, own = values[system["name"]]
        system["scores"] |= {
            "ter": entry(ter, 3, False, "tok:tercom"), "comet": entry(comet, 0.01, True, "model:x"),
            "gap": entry(own, 0.2, False, "gap|command:0"),
            "cometkiwi": {"value": None, "why": WHY},
        }  # fmt: skip
    scores["differences"]["S1"] |= {
        "ter": {"against": "S0-cut", "value": -40.0, "low": -43.0, "high": -37.0, "p": 0.002},
        "comet": {"against": "S0", "value": -0.0079, "low": -0.02, "high": 0.004, "p": 0.2},
        "gap": {"against": "S0", "value": 2.5, "low": 2.1, "high": 2.9, "p": 0.002},
    }
    write_json(made.scores, scores)
    return made


def test_each_has_a_line_with_the_digits_it_needs(run: RunFolder) -> None:
    measures = {each.label: each for each in comparison(read_facts(run))}
    assert list(measures)[:6] == ["chrF++", "BLEU", "TER", "COMET", "gap", "COMETKiwi"]
    assert [cell.text for cell in measures["TER"].cells] == ["120.0", "80.0", "40.0"]
    assert [cell.text for cell in measures["COMET"].cells] == ["0.6100", "0.6000", "0.6021"]
    assert measures["COMET"].cells[0].note == "[0.6000, 0.6200]"
    assert measures["COMET"].gains[0].text == "−0.0079"
    assert measures["COMET"].gains[0].note == "[−0.0200, +0.0040]"
    assert measures["gap"].cells[2].text == "3.500"
    assert "lower is better" in measures["TER"].unit
    assert "lower is better" in measures["gap"].unit
    assert "lower" not in measures["COMET"].unit


def test_the_notes_know_which_way_is_better(run: RunFolder) -> None:
    finding = words.verdict(read_facts(run))
    assert finding.kind == "better"
    assert "TER says the same: −40.0 [−43.0, −37.0] against S0-cut; lower is better." in (
        finding.notes
    )
    assert "COMET shows no clear difference: −0.0079 [−0.0200, +0.0040] against S0." in (
        finding.notes
    )
    assert "gap says the opposite: +2.500 [+2.100, +2.900] against S0; lower is better." in (
        finding.notes
    )


def test_a_blank_stays_blank_and_says_why(run: RunFolder) -> None:
    facts = read_facts(run)
    blank = next(each for each in comparison(facts) if each.label == "COMETKiwi")
    assert {cell.text for cell in (*blank.cells, *blank.gains)} == {"–"}
    assert "COMETKiwi" not in signatures(facts)
    assert signatures(facts)["COMET"] == "model:x"
    why = "COMETKiwi is blank: ~/comet: there is no such folder or file."
    assert html.render(facts).count(why) == 1
    page = card.render(facts, run.model)
    assert f"- {why.replace('~', chr(92) + '~')}" in page
    assert "/home/ana" not in page
    rows = re.findall(r"^\| S1, .*$", page, re.MULTILINE)
    assert rows[0].split(" | ")[5:7] == ["3.500 [3.300, 3.700]", "blank"]


def test_the_cards_metadata_hold_what_was_measured(run: RunFolder) -> None:
    found = card.metadata(read_facts(run), run.model)
    assert found["metrics"] == ["chrf", "bleu", "ter", "comet", "gap"]
    metrics = {each["type"]: each for each in found["model-index"][0]["results"][0]["metrics"]}
    assert metrics["comet"]["value"] == 0.6021
    assert metrics["comet"]["args"]["interval"] == [0.5921, 0.6121]
    assert (metrics["ter"]["name"], metrics["ter"]["value"]) == ("TER", 40.0)


def test_scores_of_before_metrics_could_be_chosen_read_as_ever(build_run: Any) -> None:
    facts = read_facts(build_run())
    assert [each.label for each in comparison(facts)][:2] == ["chrF++", "BLEU"]
    assert list(signatures(facts)) == ["chrF++", "BLEU"]

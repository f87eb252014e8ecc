"""What the report claims of monolingual text: lower is better, and only a clear interval counts."""

import pytest

from dubash.core.files import write_json, write_jsonl, write_text
from dubash.core.run import RunFolder
from dubash.report import bits
from dubash.report.facts import read_facts
from dubash.report.html import render
from dubash.report.worries import worries

RECIPE = "task: text\nlanguages: {source: en, target: es}\n"
HOSTILE = "</table><script>alert(1)</script>"


def system(name, value):
    score = {"value": value, "low": value - 0.1, "high": value + 0.1, "signature": "unit"}
    return {
        "name": name, "label": f"{name} model", "scores": {"bits_per_character": score},
        "bits": 100 * value, "characters": 100,
    }  # fmt: skip


@pytest.fixture
def facts(tmp_path):
    """`facts(value, low, high)`: a scored run whose S1 differs from S0 by this."""

    def make(value, low, high):
        run = RunFolder(tmp_path / "run")
        write_text(run.recipe, RECIPE)
        change = {"against": "S0", "value": value, "low": low, "high": high, "p": 0.01}
        write_json(run.scores, {
            "task": "text", "rows": 30, "rows_fingerprint": "f", "target_language": "es",
            "bootstrap": {"samples": 200, "seed": 1, "confidence": 0.95},
            "systems": [system("S0", 2.0), system("S1", 2.0 + value)], "baseline": "S0",
            "differences": {"S1": {"bits_per_character": change}},
        })  # fmt: skip
        write_jsonl(run.rows, (
            {"row": n, "text": f"{HOSTILE} {n}", "document": "", "gain": (-1) ** n * n / 10,
             "systems": {"S0": {"bits": 9.0, "bits_per_character": 2.0},
                         "S1": {"bits": 8.0, "bits_per_character": 2.0 - (-1) ** n * n / 10}}}
            for n in range(30)
        ))  # fmt: skip
        return read_facts(run)

    return make


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ((-0.5, -0.6, -0.4), "better", ["needs 0.500 bits per character less", "[0.400, 0.600]"]),
        ((0.5, 0.4, 0.6), "worse", ["needs 0.500 bits per character more", "[0.400, 0.600]"]),
        ((-0.1, -0.3, 0.1), "unclear", ["No clear difference", "−0.100", "[−0.300, +0.100]"]),
        ((0.0, 0.0, 0.0), "unclear", ["No clear difference", ": 0.000"]),
    ],
)
def test_the_headline_says_what_the_interval_allows(facts, change, kind, words):
    found = bits.verdict(facts(*change))
    assert found.kind == kind
    assert ("worse" in [each.name for each in worries(facts(*change))]) == (kind == "worse")
    assert [each for each in words if each not in found.headline] == []


def test_the_page_shows_the_rows_that_changed_most_and_escapes_them(facts):
    found = facts(-0.5, -0.6, -0.4)
    changed = bits.most_changed(found)
    assert len(changed) == bits.ROWS
    assert [row["gain"] for row in changed][:2] == [2.8, 2.6]
    assert changed[-1]["gain"] == -2.9
    page = render(found)
    assert HOSTILE not in page
    assert "&lt;/table&gt;" in page
    assert "better on 14 rows" in page
    assert "#behaviour" not in page


def test_a_run_not_scored_yet_says_so(tmp_path):
    run = RunFolder(tmp_path / "run")
    write_text(run.recipe, RECIPE)
    page = render(read_facts(run))
    assert "Nothing is prepared, trained or scored yet" in page
    assert "There are no scored rows to show yet." in page

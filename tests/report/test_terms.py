"""The page's section on terms: there with a glossary, its numbers those of scores.json."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.comparison import Comparison
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import System
from dubash.evaluate.terminology import add_terminology
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import Glossary
from dubash.report.card import write_card
from dubash.report.html import MOST_TERMS, write_report

PAIR = LanguagePair(language("en"), language("es"))
ENTRIES = [
    TermEntry("fever", ("fiebre",), ("calentura",), origin="a:1"),
    TermEntry("<script>alert(1)</script>", ("<script>",), origin="a:2"),
    TermEntry("savings account", ("cuenta de ahorros",), origin="a:3"),
    *(TermEntry(word, (word,)) for word in ("the", "in", "of", "and", "to", "you", "at", "on")),
]


def with_terms(run: RunFolder, entries: list[TermEntry]) -> RunFolder:
    """The run as it would be with a glossary of these entries."""
    compared = Comparison(read_json(run.scores), list(read_jsonl(run.rows)))
    rows = [Pair(row["source"], row["reference"]) for row in compared.rows]
    systems = [
        System(name, "", [], [Hypothesis(row["systems"][name]["text"], "end", 1, 1.0)
                              for row in compared.rows])
        for name in ("S0", "S1")
    ]  # fmt: skip
    glossary = Glossary("terms.csv", PAIR, tuple(entries), (), "0123456789abcdef" * 4)
    found = add_terminology(compared, rows, systems, glossary, EvaluateOptions())
    write_json(run.scores, found.scores)
    write_jsonl(run.rows, found.rows)
    run.note(glossary={"glossary": "terms.csv", "sha256": glossary.sha256})
    return run


def section(page: str) -> str:
    start = page.index('<section id="terms"')
    return page[start : page.index("</section>", start)]


@pytest.fixture
def run(build_run: Any) -> RunFolder:
    return with_terms(build_run(), ENTRIES)


def test_each_term_has_a_line_with_its_counts(run: RunFolder) -> None:
    about = read_json(run.scores)["terminology"]
    page = write_report(run).read_text(encoding="utf-8")
    lines = section(page).split("<tr>")[2:]
    assert len(lines) == len(about["terms"]) > 5
    for line, term in zip(lines, about["terms"], strict=True):
        cells = [each.split(">", 1)[1].split("</td")[0] for each in line.split("<td")[1:]]
        assert unescape(cells[0]) == term["source"]
        counts = [term["occurrences"], term["reference_right"]]
        counts += [each["right"] for each in term["systems"].values()]
        assert [int(cell.split()[0]) for cell in cells[2:]] == counts
    assert '<a href="#terms">Terms</a>' in page
    assert "Terms right" in page
    assert "terms.csv (SHA-256 0123456789abcdef" in page
    assert about["signature"] in page


def test_what_is_in_a_glossary_stays_text(run: RunFolder) -> None:
    page = section(write_report(run).read_text(encoding="utf-8"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</td>" in page
    assert "<script" not in page


def test_only_the_commonest_terms_are_shown(build_run: Any) -> None:
    run = build_run()
    words = {word for row in read_jsonl(run.rows) for word in row["source"].split()}
    entries = [TermEntry(word, (word,)) for word in sorted(words) if word.isalpha()]
    page = section(write_report(with_terms(run, entries)).read_text(encoding="utf-8"))
    assert page.count("<tr>") == MOST_TERMS + 1
    assert f"The {MOST_TERMS} terms that occur most often" in page


def test_a_glossary_that_does_not_occur_is_said_so(build_run: Any) -> None:
    run = with_terms(build_run(), [TermEntry("zzz", ("yyy",))])
    page = write_report(run).read_text(encoding="utf-8")
    assert "No term of terms.csv stands in the test sources." in page
    assert "Terms right" not in page


def test_without_a_glossary_there_is_no_section(build_run: Any) -> None:
    page = write_report(build_run()).read_text(encoding="utf-8")
    assert 'id="terms"' not in page
    assert "term_missed" not in page


def test_the_model_card_has_the_signature(run: RunFolder) -> None:
    text = write_card(run, run.path / "model").read_text(encoding="utf-8")
    assert read_json(run.scores)["terminology"]["signature"] in text

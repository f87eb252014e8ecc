"""The probe's page: what it shows of each question, and that hostile answers stay text."""

import re

import pytest

from dubash.core.languages import language
from dubash.core.types import Hypothesis
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.options import BehaviourOptions
from dubash.evaluate.probe.account import Rules, account
from dubash.evaluate.probe.questions import Question
from dubash.evaluate.probe.rules import DIAGNOSES, OUTCOMES
from dubash.evaluate.probe.table import OUTCOME_WORDS, probe_table
from dubash.report import probe as words
from dubash.report.probe import as_html, headline

QUESTIONS = [
    Question(
        id="kept", language="en", topic="capital", question="What is the capital of Japan?",
        accept=("Tokyo",),
    ),
    Question(
        id="lost", language="hi", topic="chief_minister", accept=("विजयन",), as_of="2024-01-01",
        question="1 जनवरी 2024 को केरल के मुख्यमंत्री कौन थे?",
    ),
]  # fmt: skip
SAID = {
    "S0": ["Tokyo.", "पिनराई विजयन।"],
    "S1": ["It is Tokyo.", "<script>alert(1)</script><img src=x>"],
}


@pytest.fixture(scope="module")
def content():
    options = BehaviourOptions()
    rules = Rules(TrainingIndex([], language("hi"), options), options)
    answers = {
        name: {
            question.question: Hypothesis(text, "end", 5, 0.1)
            for question, text in zip(QUESTIONS, texts, strict=True)
        }
        for name, texts in SAID.items()
    }
    found = account(QUESTIONS, answers, rules, {("S1", 0): 0.25, ("S0", 0): 0.5})
    return found | {"run": "first", "set": "mine.jsonl", "judge": None}


def test_counts_are_those_of_the_rows(content):
    assert content["outcomes"] == {
        "kept": 1, "gained": 0, "lost": 1, "empty_head": 0, "failed": 0
    }  # fmt: skip
    assert [content["systems"][name]["passes"] for name in ("S0", "S1")] == [2, 1]
    assert content["systems"]["S1"]["judge"] == 0.25
    assert headline(content) == (
        "The tuned model passes 1 of 2, the untuned 2; 1 was lost by tuning"
    )


def test_what_was_lost_comes_first_with_its_day_and_evidence(content):
    page = as_html(content)
    assert page.index("Hindi, chief minister · as of 2024-01-01 · lost") < page.index(
        "English, capital · kept"
    )
    assert "none of: विजयन" in page
    assert re.search(r'lang="hi"[^>]*>1 जनवरी 2024', page)


def test_a_hostile_answer_stays_text(content):
    page = as_html(content)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_table_names_what_was_lost(content):
    table = probe_table(content)
    assert "hi chief minister" in table
    assert "kept 1, gained 0, lost 1, empty head 0, failed before and after 0" in table
    assert table.splitlines()[-1].startswith("    S1 <script>")


def test_no_answer_drives_the_terminal_that_the_table_is_printed_on(content):
    row = content["rows"][1]
    said = {**row["answers"]["S1"], "text": "\x1b[2J\x1b]0;owned\x07विजयन\n" + "अ" * 500}
    said["diagnoses"] = {"rejected": "\x9b31m\u202eविजयन"}
    lost = {**row, "question": "कौन\u202e थे?", "answers": {**row["answers"], "S1": said}}
    table = probe_table({**content, "rows": [lost]})
    assert table.splitlines()[-3] == "  कौन थे?"
    last = table.splitlines()[-1]
    assert last.startswith("    S1 [2J ]0;owned विजयन अ")
    assert last.endswith("अ… [rejected: 31m विजयन]")
    assert len(last) < 240
    assert not set("\x1b\x07\x9b\u202e") & set(table)


def test_every_diagnosis_and_outcome_has_words():
    assert set(words.DIAGNOSIS_WORDS) == set(DIAGNOSES)
    assert set(words.OUTCOME_WORDS) == set(words.FIRST) == set(OUTCOMES) == set(OUTCOME_WORDS)

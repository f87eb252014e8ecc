"""What a probe found as a page of its own: each question with the answers before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dubash.core.files import write_text
from dubash.core.languages import language
from dubash.evaluate.probe.account import AFTER, BEFORE
from dubash.evaluate.probe.rules import DIAGNOSES, OUTCOMES
from dubash.report.html import page

DIAGNOSIS_WORDS = {
    "empty": "empty",
    "wrong_language": "wrong language",
    "rejected": "says what it must not",
    "missing": "does not say it",
    "invented": "invented: does not admit not knowing",
    "no_end": "stopped by the token limit",
    "over_long": "over-long",
    "loop": "loop",
    "mimicry": "recites a training row",
}

OUTCOME_WORDS = {
    "kept": ("kept", "passes before and after"),
    "gained": ("gained", "passes after tuning only"),
    "lost": ("lost", "the untuned model passes, the tuned one fails"),
    "empty_head": (
        "empty head",
        "neither model is right, nor is the untuned one in five other wordings",
    ),
    "failed": ("failed", "neither passes, for another reason"),
}

FIRST = ("lost", "failed", "empty_head", "gained", "kept")
"""In this order the page shows the questions: what needs a look comes first."""


def write_probe(content: Mapping[str, Any], path: Path) -> None:
    """Write the page; `content` is that of `probe.json`. Like a run's report it loads nothing."""
    write_text(path, as_html(content))


def as_html(content: Mapping[str, Any]) -> str:
    """The page as text."""
    rows = sorted(content["rows"], key=lambda row: FIRST.index(row["outcome"]))
    return page(
        "probe.html.j2", content=content, rows=rows, before=BEFORE, after=AFTER,
        headline=headline(content), outcomes=OUTCOMES, outcome_words=OUTCOME_WORDS,
        diagnoses=[name for name in DIAGNOSES if _raised(content, name)],
        diagnosis_words=DIAGNOSIS_WORDS,
        names={code: language(code).name for code in _codes(content)},
    )  # fmt: skip


def headline(content: Mapping[str, Any]) -> str:
    """`S1 passes 9 of 24 questions, the untuned model 12; 4 were lost by tuning`."""
    before, after = (content["systems"][name]["passes"] for name in (BEFORE, AFTER))
    lost = content["outcomes"]["lost"]
    tail = f"; {lost} {'was' if lost == 1 else 'were'} lost by tuning" if lost else ""
    return f"The tuned model passes {after} of {content['questions']}, the untuned {before}{tail}"


def _raised(content: Mapping[str, Any], name: str) -> bool:
    return any(name in each["diagnoses"] for each in content["systems"].values())


def _codes(content: Mapping[str, Any]) -> set[str]:
    return {row[key] for row in content["rows"] for key in ("language", "answer_language")}

"""What an audit finds beside what a report says of every run: faults, and what to be careful of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dubash.evaluate.numbers import number
from dubash.memory.lint import Finding as Lint

Severity = Literal["fault", "caution"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: `about` is what was looked at; `evidence`, lines to read."""

    severity: Severity
    about: str
    text: str
    evidence: tuple[str, ...] = ()


def about_rows(account: dict[str, Any]) -> list[Finding]:
    """Leaks between the splits, known benchmarks in training, rows that could not be read."""
    leaks, found = account["leaks"], []
    for splits, each in leaks["exact"].items():
        lines = [
            f"{one['held_out']} = {one['found_in']}: {one['text']}" for one in each["examples"]
        ]
        text = each["summary"]
        if splits == "train-test":
            text += ": they are left out of all scores"
        found.append(Finding("fault", "leaks", text, tuple(lines)))
    for each in account["benchmarks"]:
        text = f"{each['rows']} training rows stand in the known benchmark {each['name']}"
        found.append(Finding("fault", "leaks", text, (f"the first: {each['first']}",)))
    for splits, near in leaks["near_duplicates"].items():
        if near["count"] and splits != "train-test":  # those the report tells of every run
            other, held_out = splits.split("-")
            have = "row has" if near["count"] == 1 else "rows have"
            text = f"{near['count']} {held_out} {have} a near-duplicate in {other}"
            lines = [f"{one['a']} ≈ {one['b']}" for one in near["examples"]]
            found.append(Finding("caution", "leaks", text, tuple(lines)))
    if not account["splits"]["train"]["rows"]:
        text = "no training rows were given: whether test rows stand in them was not looked at"
        found.append(Finding("caution", "leaks", text))
    for reason, count in account["dropped"].items():
        rows = "row was" if count == 1 else "rows were"
        text = f"{count} {rows} left out ({reason}): see data/dropped.jsonl"
        found.append(Finding("caution", "rows", text))
    return found


def about_leaked(whole: dict[str, float], clean: dict[str, Any]) -> Finding:
    """What chrF++ would have been with the rows that leaked: `whole`, by system."""
    values = {each["name"]: each["scores"]["chrf++"]["value"] for each in clean["systems"]}
    shown = ", ".join(
        f"{name} {number(value)} instead of {number(values[name])}"
        for name, value in whole.items()
        if name in values
    )
    return Finding("caution", "leaks", f"with the leaked rows chrF++ would be {shown}")


def about_glossary(lints: Sequence[Lint]) -> list[Finding]:
    """The glossary's lint in one finding."""
    if not lints:
        return []
    counts = Counter(each.kind for each in lints).most_common()
    shown = ", ".join(f"{count} {kind}" for kind, count in counts)
    text = f"{len(lints)} entries of the glossary are doubtful: {shown}"
    return [Finding("caution", "glossary", text, tuple(str(each) for each in lints[:5]))]

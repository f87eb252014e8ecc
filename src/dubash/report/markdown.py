"""A run's result in a few lines of Markdown, for a README or a pull request."""

from __future__ import annotations

import re
from pathlib import Path

from dubash.core.files import write_text
from dubash.core.run import RunFolder
from dubash.evaluate.systems import rival
from dubash.report import bits, leaks, words
from dubash.report.facts import Facts, read_facts
from dubash.report.tables import Cell, comparison, signatures
from dubash.report.worries import summary, worries


def write_markdown(run: RunFolder) -> Path:
    """Write `report.md` into the run folder and return its path.

    Raises DataError as the report does.
    """
    write_text(run.summary, as_markdown(read_facts(run)))
    return run.summary


def as_markdown(facts: Facts) -> str:
    """The headline, the scores, what to know with them, what to worry about, the signatures."""
    verdict = bits.verdict(facts) if facts.is_text else words.verdict(facts)
    lines = [f"**{plain(verdict.headline)}**", ""]
    systems = facts.scores["systems"] if facts.scores else []
    measures = bits.measures(facts) if facts.is_text else comparison(facts)
    if facts.scores and measures:
        other = rival(systems)
        gains = [f"{name} − {other}" for name in facts.scores.get("differences") or {}]
        heads = [each["name"] for each in systems] + gains
        lines += ["| | " + " | ".join(map(plain, heads)) + " |", "|---" * (len(heads) + 1) + "|"]
        for measure in measures:
            cells = [_cell(each) for each in measure.cells + measure.gains]
            lines.append(f"| {plain(measure.label)} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [*(f"- {plain(note)}" for note in verdict.notes), *([""] if verdict.notes else [])]
    found = worries(facts)
    lines += ["**What to worry about**", "", plain(summary(facts, found)), ""]
    lines += [f"- {each.severity}: {plain(each.text)}" for each in found]
    if shared := leaks.in_words(facts):
        lines.append(f"- in common: {plain(shared)}")
    lines.append("")
    lines += [f"- {plain(label)}: `{_code(text)}`" for label, text in signatures(facts).items()]
    return "\n".join(lines) + "\n"


def _cell(cell: Cell) -> str:
    shown = (cell.text, cell.note, cell.p, cell.against)
    return plain(" ".join(each for each in shown if each))


def _code(text: str) -> str:
    """What stands in a code span; a backtick, which would end it, becomes an apostrophe."""
    return " ".join(text.split()).replace("`", "'")


def plain(text: str) -> str:
    """Text that means nothing to Markdown: a table's bars and its other signs stand as they are.

    A bracket does only where it makes a link, an image or a definition: intervals stay readable.
    """
    one_line = " ".join(text.split())
    kept = "".join(f"\\{each}" if each in "\\`*_|<>" else each for each in one_line)
    return re.sub(r"\](?=\s*[(\[:])", r"\\]", kept)

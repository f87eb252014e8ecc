"""What train, dev, test and a glossary's examples have in common, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dubash.evaluate.numbers import percent
from dubash.report.facts import Facts

COLUMNS = (
    ("exact", "source", "same source"),
    ("exact", "target", "same target"),
    ("exact", "crossed", "same text, other side"),
    ("near", "source", "near source"),
    ("near", "target", "near target"),
)
"""How the same, what of it, and the words for it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Two sets of rows; `cells` are counts of rows of the second, of which there are `rows`, by
    `columns`: "0" where none was found, "–" where nothing was counted."""

    between: str
    rows: str
    cells: list[str]


def columns(facts: Facts) -> list[tuple[str, str, str]]:
    """The columns; monolingual text has no source."""
    return [each for each in COLUMNS if not facts.is_text or each[1] == "target"]


def matrix(facts: Facts) -> list[Shared]:
    """A line for each two sets that were held against each other; empty where none were."""
    leaks: dict[str, Any] = (facts.account or {}).get("leaks") or {}
    counted = leaks.get("matrix") or {}
    lines = [
        _line(facts, f"{one} and {other}", counted.get(f"{one}-{other}"))
        for one, other in leaks.get("pairs", [])
    ]
    if shown := (facts.scores or {}).get("glossary_examples"):
        lines.append(_line(facts, "glossary examples and test", shown))
    if overlap := ((facts.scores or {}).get("memory") or {}).get("overlap"):
        lines.append(_line(facts, "translation memory and test", overlap))
    return lines


def in_words(facts: Facts) -> str:
    """The matrix in one line."""
    parts = []
    for line in matrix(facts):
        named = zip(columns(facts), line.cells, strict=True)
        found = [f"{cell} {words}" for (_, _, words), cell in named if cell not in ("0", "–")]
        counted = "nothing" if line.rows != "–" else "not counted by kind"
        parts.append(f"{line.between}: {', '.join(found) or counted}")
    return "; ".join(parts)


def _line(facts: Facts, between: str, found: dict[str, Any] | None) -> Shared:
    """A run of before things were counted by kind and side has no counts."""
    if found is None:
        return Shared(between, "–", ["–" for _ in columns(facts)])
    rows = found["rows"]
    cells = []
    for how, side, _ in columns(facts):
        count = found[how][side]
        cells.append(f"{count:,} ({percent(count, rows)})" if count else "0")
    return Shared(between, f"{rows:,}", cells)

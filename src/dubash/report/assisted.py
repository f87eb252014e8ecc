"""What memory and glossary brought: S2 against what it has to beat, and by nearest match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dubash.evaluate.assisted import ASSISTED
from dubash.evaluate.numbers import chance, interval, number, signed
from dubash.report.facts import Facts


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: its name, what stands beside it, and its cells."""

    name: str
    note: str
    cells: list[str]


def against(facts: Facts) -> list[Line]:
    """A line for each rival of S2: the difference in chrF++, BLEU and terms, with p."""
    rivals = ((facts.scores or {}).get("rivals") or {}).get(ASSISTED) or {}
    lines = []
    for name, found in rivals.items():
        system = facts.system(name) or {}
        cells = [_change(found.get(metric)) for metric in ("chrf++", "bleu", "terminology")]
        lines.append(Line(name, system.get("label", ""), cells))
    return lines


def by_match(facts: Facts) -> tuple[list[str], list[Line]]:
    """The systems, and a line for each stratum: chrF++ of each, then S2 against S1."""
    strata = (facts.scores or {}).get("strata") or []
    names = list(strata[0]["scores"]) if strata else []
    lines = []
    for each in strata:
        cells = [_value(each["scores"].get(name)) for name in names]
        cells.append(_change(each["rivals"].get("S1")))
        lines.append(Line(each["name"], f"{each['rows']:,} rows", cells))
    return names, lines


def _value(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "–"
    return f"{number(score['value'])} {interval(score['low'], score['high'])}"


def _change(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    ends = interval(found["low"], found["high"], sign=True)
    return f"{signed(found['value'])} {ends}, {chance(found['p'])}"

"""The comparison as a table: one line for each measure, one column for each system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dubash.evaluate.numbers import (
    Written,
    chance,
    digits_for,
    interval,
    metrics,
    number,
    percent,
    signed,
)
from dubash.evaluate.terminology import METRIC as TERMS
from dubash.report.facts import Facts, redact
from dubash.report.words import STOPS

PERCENT = Written("Terms right", "% of occurrences")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as it is shown; `value` is exact, as in `scores.json`, None where not measured."""

    value: float | None
    text: str = "–"
    note: str = ""
    p: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table: `cells` by system, then `gains` by compared system."""

    label: str
    unit: str
    cells: list[Cell]
    gains: list[Cell]


def comparison(facts: Facts) -> list[Measure]:
    """A line for each metric, also one that stayed blank, then all lines that at least one system
    has a value for; empty without scores."""
    systems = facts.scores["systems"] if facts.scores else []
    differences: dict[str, Any] = (facts.scores or {}).get("differences") or {}
    scores = [
        Measure(
            written.label,
            written.unit,
            [_score(system["scores"].get(metric), written) for system in systems],
            [gain(difference.get(metric), written.fixed) for difference in differences.values()],
        )
        for metric, written in metrics(systems).items()
    ]
    measures = [
        Measure(
            PERCENT.label,
            PERCENT.unit,
            [_score(system.get(TERMS), PERCENT) for system in systems],
            [gain(difference.get(TERMS)) for difference in differences.values()],
        )
    ]
    none = [Cell(None, "") for _ in differences]
    for stop, words in STOPS.items():
        cells = [_share(system["stops"], stop) for system in systems]
        if stop != "stop_string" or any(cell.value for cell in cells):
            measures.append(Measure(f"Stopped by {words}", "of rows", cells, none))
    for key, label, unit, digits in (
        ("length_ratio", "Length ratio", "characters, hypothesis / reference", 2),
        ("tokens", "Tokens generated", "end tokens counted", 0),
        ("tokens_per_second", "Tokens per second", "", 1),
        ("seconds_per_segment", "Seconds per segment", "mean", 2),
    ):
        cells = [_plain(system.get(key), digits) for system in systems]
        measures.append(Measure(label, unit, cells, none))
    return scores + [
        each for each in measures if any(cell.value is not None for cell in each.cells)
    ]


def signatures(facts: Facts) -> dict[str, str]:
    """Each metric's signature; the systems share it, or the comparison would have been refused."""
    found = {label: score["signature"] for label, score in _each(facts) if score.get("signature")}
    for system in facts.scores["systems"] if facts.scores else []:
        if TERMS in system:
            found["Terms"] = system[TERMS]["signature"]
    return found


def blanks(facts: Facts) -> dict[str, str]:
    """Why each metric without scores has none."""
    return {label: redact(score["why"]) for label, score in _each(facts) if score.get("why")}


def _each(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every score with its metric's name."""
    systems = facts.scores["systems"] if facts.scores else []
    for key, written in metrics(systems).items():
        label = "Bits per character" if facts.is_text else written.label
        yield from ((label, system["scores"][key]) for system in systems if key in system["scores"])


def _score(score: dict[str, Any] | None, written: Written) -> Cell:
    if score is None or score["value"] is None:
        return Cell(None)
    value, low = score["value"], score.get("low")
    note = interval(low, score["high"], digits=written.fixed) if low is not None else ""
    return Cell(value, number(value, max(written.digits, digits_for(value))), note)


def gain(change: dict[str, Any] | None, digits: int | None = None) -> Cell:
    """A difference with its interval, its p and the system that it is from."""
    if change is None:
        return Cell(None)
    value = change["value"]
    shown = signed(value, digits_for(value) if digits is None else digits)
    ends = interval(change["low"], change["high"], sign=True, digits=digits)
    return Cell(value, shown, ends, chance(change["p"]), f"against {change['against']}")


def _share(stops: dict[str, int], stop: str) -> Cell:
    total, count = sum(stops.values()), stops.get(stop, 0)
    if not total:
        return Cell(None)
    return Cell(count, percent(count, total), f"{count:,} of {total:,}")


def _plain(value: float | None, digits: int) -> Cell:
    return Cell(None) if value is None else Cell(value, number(value, digits))

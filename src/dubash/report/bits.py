"""The finding on monolingual text (`task: text`): bits per character, where lower is better."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dubash.evaluate.bits import METRIC
from dubash.evaluate.numbers import interval, number, signed
from dubash.report import charts
from dubash.report.facts import Facts
from dubash.report.tables import Cell, Measure, gain
from dubash.report.words import Verdict, not_scored, one_sided

UNIT = "bits per character"

ROWS = 20
"""Rows shown: those that changed most, gains and losses together."""

_DIGITS = 3


def verdict(facts: Facts) -> Verdict:
    """What the scores say, no more: only an interval clear of 0 makes better or worse."""
    scores = facts.scores
    if not scores:
        return not_scored(facts)
    difference = (scores.get("differences") or {}).get("S1")
    if difference is None:
        return one_sided(facts, METRIC, UNIT, _DIGITS)
    change = difference[METRIC]
    value, low, high = change["value"], change["low"], change["high"]
    amount, notes = number(abs(value), _DIGITS), tuple(_notes(facts, change["against"]))
    if high < 0:
        text = f"S1 needs {amount} {UNIT} less than the untuned model {_ends(-high, -low)}"
        return Verdict("better", text, notes)
    if low > 0:
        text = f"S1 needs {amount} {UNIT} more than the untuned model {_ends(low, high)}"
        return Verdict("worse", text, notes)
    shown = f"{signed(value, _DIGITS)} {UNIT} {_ends(low, high, sign=True)}"
    return Verdict(
        "unclear", f"No clear difference between S1 and the untuned model: {shown}", notes
    )


def measures(facts: Facts) -> list[Measure]:
    """The table's lines; empty without scores."""
    if not facts.scores:
        return []
    systems, differences = facts.scores["systems"], facts.scores["differences"].values()
    scores = [system["scores"][METRIC] for system in systems]
    none = [Cell(None, "") for _ in differences]
    return [
        Measure(
            "Bits per character",
            "lower is better",
            [
                Cell(s["value"], number(s["value"], _DIGITS), _ends(s["low"], s["high"]))
                for s in scores
            ],
            [gain(difference[METRIC], _DIGITS) for difference in differences],
        ),
        Measure("Bits", "all rows, end tokens counted", _counts(systems, "bits"), none),
        Measure("Characters", "all rows", _counts(systems, "characters"), none),
    ]


def picture(facts: Facts) -> dict[str, Markup]:
    """The bars, by name; empty without scores."""
    if not facts.scores:
        return {}
    tones = {"S0": "base"}
    bars = []
    for system in facts.scores["systems"]:
        found, name = system["scores"][METRIC], system["name"]
        text = number(found["value"], _DIGITS)
        tone = tones.get(name, "accent")
        bars.append(charts.Bar(name, found["value"], text, tone, found["low"], found["high"]))
    unit = f"{UNIT}, lower is better"
    return {"bits": charts.bars("fig-bits", "Bits per character", [("", bars)], unit)}


def most_changed(facts: Facts) -> list[dict[str, Any]]:
    """The rows with the largest changes, from the largest gain to the largest loss."""
    changed = [row for row in facts.rows if row["gain"] is not None]
    largest = sorted(changed, key=lambda row: -abs(row["gain"]))[:ROWS]
    return sorted(largest, key=lambda row: -row["gain"])


def _notes(facts: Facts, against: str) -> list[str]:
    notes = []
    tuned, base = facts.system("S1"), facts.system(against)
    if tuned and base:
        ours, theirs = (number(e["scores"][METRIC]["value"], _DIGITS) for e in (tuned, base))
        notes.append(f"In full: S1 (tuned model) {ours}, {against} (untuned model) {theirs}.")
    notes.append(
        "It says how well the model foresees such text, not how well it writes or translates."
    )
    return notes


def _ends(low: float, high: float, sign: bool = False) -> str:
    return interval(low, high, sign, _DIGITS)


def _counts(systems: list[dict[str, Any]], key: str) -> list[Cell]:
    return [Cell(system[key], number(system[key], 0)) for system in systems]

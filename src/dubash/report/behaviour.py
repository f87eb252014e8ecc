"""What the tuned system did wrong in some rows: how many, which, and how many in the base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dubash.evaluate.behaviour import FAULTS, WARNINGS
from dubash.evaluate.numbers import percent
from dubash.evaluate.options import VerdictOptions
from dubash.evaluate.verdict import weigh, yardstick
from dubash.report.facts import Facts
from dubash.report.words import flag
from dubash.report.worry import Severity, Worry, share

NAMED = 5
"""Rows that a caution names, the first ones."""


def endings(facts: Facts, rules: VerdictOptions) -> Iterator[Worry]:
    """Whether the tuned system ends its translations by itself; nothing of a plain file."""
    name, tuned = facts.tuned, facts.system(facts.tuned or "")
    if tuned is None or not (total := sum((tuned.get("stops") or {}).values())):
        return
    ended, show = tuned["stops"].get("end", 0), f"{name} stop limit"
    if ended == 0:
        text = f"{name} never ends a translation by itself."
        yield Worry("fault", "endings", text, "behaviour", show)
    elif ended < rules.least_ended * total:
        text = (
            f"{name} ends only {percent(ended, total)} of its translations by itself (at least "
            f"{rules.least_ended:.0%} are wanted)."
        )
        yield Worry("fault", "endings", text, "behaviour", show)
    elif ended < total:
        rows = [row for row in facts.rows if row["systems"][name]["stop"] != "end"]
        text = f"{name} does not end by itself on {share(total - ended, total)}{_which(rows)}."
        yield Worry("caution", "endings", text, "behaviour", show)


def behaviour(facts: Facts, rules: VerdictOptions) -> Iterator[Worry]:
    """Flags, a line each. A fault is what the verdict calls one; a fault of behaviour on fewer rows
    is a caution, with the rows, where the base has it on fewer still (training data that is
    recited, wherever it is), and after them stands how many rows have any. A warning is at most a
    caution, and none on few rows."""
    scores, tuned = facts.scores or {}, facts.system(facts.tuned or "")
    if tuned is None:
        return
    base, rows = yardstick(scores), scores["rows"]
    told = 0
    for name, count in (tuned.get("behaviour") or {}).items():
        wrong = name in FAULTS and name != "no_end"
        if not (wrong or name in WARNINGS) or not count:
            continue
        before = base["behaviour"].get(name, 0) if base else None
        theirs = None if before is None else before / rows
        weight = weigh(count / rows, theirs, rows, rules)
        if weight or name == "mimicry" or (wrong and count > (before or 0)):
            severity: Severity = "fault" if weight == "fault" and wrong else "caution"
            against = f", {base['name']} on {before:,}" if base else ""
            text = f"{facts.tuned}: {flag(name).rstrip('?')}, on {share(count, rows)}{against}"
            if severity == "caution":
                text += _which(_flagged(facts, tuned["name"], (name,)))
            show = f"{facts.tuned} flag {name}"
            yield Worry(severity, name, f"{text}.", "behaviour", show)
            told += wrong
    if told:
        yield from _in_sum(facts, tuned, base)


def _in_sum(facts: Facts, tuned: dict[str, Any], base: dict[str, Any] | None) -> Iterator[Worry]:
    """How many rows have any fault, where that is more than one flag's rows and the base's."""
    ours = _flagged(facts, tuned["name"], FAULTS)
    most = max((tuned["behaviour"].get(name, 0) for name in FAULTS), default=0)
    theirs = len(_flagged(facts, base["name"], FAULTS)) if base else 0
    if len(ours) > max(most, theirs):
        against = f", {base['name']} on {theirs:,}" if base else ""
        text = f"{tuned['name']} has a fault of some kind on {share(len(ours), len(facts.rows))}"
        yield Worry("caution", "any fault", f"{text}{against}.", "behaviour")


def _flagged(facts: Facts, system: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows on which that system has one of these flags."""
    return [row for row in facts.rows if not set(names).isdisjoint(row["systems"][system]["flags"])]


def _which(rows: Sequence[dict[str, Any]]) -> str:
    """`: rows 3, 9, 12, 20, 31 and 4 more`, numbered as the page does: an audit's by the lines of
    the test file; "" for none."""
    if not rows:
        return ""
    numbers = ", ".join(str(row.get("line", row["row"] + 1)) for row in rows[:NAMED])
    noun = "line" if "line" in rows[0] else "row"
    more = f" and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    return f": {noun}{'' if len(rows) == 1 else 's'} {numbers}{more}"

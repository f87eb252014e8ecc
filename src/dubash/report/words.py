"""Names and findings in words: one place for how each is written; figures: `evaluate.numbers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dubash.evaluate.assisted import ASSISTED
from dubash.evaluate.numbers import (
    Written,
    digits_for,
    higher,
    interval,
    metrics,
    number,
    signed,
)
from dubash.evaluate.systems import UNTUNED, rival
from dubash.report.facts import Facts

STOPS = {"end": "end token", "limit": "token limit", "stop_string": "stop string"}

BEHAVIOUR = {
    "no_end": "no end token",
    "empty": "empty",
    "over_long": "over-long",
    "over_generation": "went on after the translation",
    "too_short": "much too short",
    "copied_source": "copied the source",
    "wrong_script": "wrong script",
    "wrong_language": "wrong language",
    "repetition_loop": "repetition loop",
    "prompt_left_over": "prompt left over",
    "mimicry": "recited training data",
    "link_changed": "link lost or changed",
    "placeholder_changed": "placeholder lost or changed",
    "tag_changed": "tag lost or changed",
    "number_changed": "number lost or changed?",
    "quotes_unbalanced": "quotation mark alone?",
    "brackets_unbalanced": "bracket alone?",
}
"""A question mark is behind warnings: what may be right."""

TERM_FLAGS = {"term_missed": "terms missed", "term_forbidden": "forbidden terms"}

METHODS = {
    "full": "full fine-tuning",
    "lora": "LoRA",
    "qlora": "QLoRA (NF4)",
    "lora-int8": "LoRA on int8 weights",
}


def plural(count: int, noun: str, nouns: str = "") -> str:
    """`1 row`, `1,200 rows`"""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """`42 s`, `3.4 min`, `2.1 h`"""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def flag(name: str) -> str:
    """A behaviour in words."""
    return BEHAVIOUR.get(name, name.replace("_", " "))


def method(name: str) -> str:
    """A method in words."""
    return METHODS.get(name, name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The finding: what kind it is, in one line, and what to know with it."""

    kind: Literal["better", "worse", "unclear", "none"]
    headline: str
    notes: tuple[str, ...] = ()


def verdict(facts: Facts) -> Verdict:
    """What the scores say, no more: only an interval clear of 0 makes better or worse."""
    scores = facts.scores
    if not scores or not scores["systems"]:
        return not_scored(facts)
    name, differences = facts.tuned, scores.get("differences") or {}
    if name is None or "chrf++" not in differences.get(name, {}):
        return one_sided(facts, "chrf++", "chrF++")
    difference = differences[name]
    gain = difference["chrf++"]
    baseline = _baseline(scores["systems"], gain["against"])
    low, high, value = gain["low"], gain["high"], gain["value"]
    amount = number(abs(value), digits_for(value))
    notes = tuple(_notes(facts, name, difference))
    if low > 0:
        text = f"{name} beats {baseline} by {amount} chrF++ {interval(low, high)}"
        return Verdict("better", text, notes)
    if high < 0:
        text = f"{name} is worse than {baseline} by {amount} chrF++ {interval(-high, -low)}"
        return Verdict("worse", text, notes)
    shown = f"{signed(value, digits_for(value))} chrF++ {interval(low, high, sign=True)}"
    return Verdict("unclear", f"No clear difference between {name} and {baseline}: {shown}", notes)


def _baseline(systems: list[dict[str, Any]], against: str) -> str:
    """What the headline's difference is from; where that may be the source itself, by name."""
    if (best := rival(systems)) != UNTUNED:
        return f"the {best} ({against})"
    two = sum(each["name"].startswith(UNTUNED) for each in systems) > 1
    return "the better untuned baseline" if two else "the untuned baseline"


def one_sided(facts: Facts, metric: str, unit: str, digits: int = 1) -> Verdict:
    """What is known where there is nothing to compare with."""
    first = (facts.scores or {})["systems"][0]
    found = first["scores"].get(metric)
    value = f" at {number(found['value'], digits)} {unit}" if found else ""
    if facts.is_file(first["name"]):
        text = f"{first['name']} ({first['label']}){value}, with nothing to compare it with"
        return Verdict("none", text)
    return Verdict("none", f"Only one side is scored so far: {first['name']}{value}")


def not_scored(facts: Facts) -> Verdict:
    """How far a run without scores has come."""
    if facts.of_kind("train"):
        steps = max(each["step"] for each in facts.of_kind("train"))
        return Verdict("none", f"Trained for {plural(steps, 'step')}, not scored yet")
    if facts.account:
        return Verdict("none", "The data is prepared; nothing is trained or scored yet")
    return Verdict("none", "Nothing is prepared, trained or scored yet")


def _notes(facts: Facts, name: str, difference: dict[str, Any]) -> list[str]:
    """What belongs beside the headline, so that it is not read as more than it is."""
    notes = []
    against = difference["chrf++"]["against"]
    tuned, base = facts.system(name), facts.system(against)
    if tuned and base:
        ours, theirs = tuned["scores"]["chrf++"], base["scores"]["chrf++"]
        notes.append(
            f"In full: {name} ({tuned['label']}) {number(ours['value'])} chrF++, "
            f"{against} ({base['label']}) {number(theirs['value'])}."
        )
    for key, written in metrics([tuned] if tuned else []).items():
        if tuned and key in difference and key != "chrf++":
            notes.append(_second(difference, key, written, higher(tuned["scores"][key])))
    helped = ((facts.scores or {}).get("rivals") or {}).get(ASSISTED) or {}
    if change := helped.get("S1", {}).get("chrf++"):
        ends = interval(change["low"], change["high"], sign=True)
        value = signed(change["value"], digits_for(change["value"]))
        notes.append(f"Shown memory and glossary ({ASSISTED}): {value} chrF++ {ends} against S1.")
    return notes


def _second(difference: dict[str, Any], key: str, written: Written, more_is_better: bool) -> str:
    """What another metric says of the difference that the headline is about."""
    change = difference[key]
    digits = max(written.digits, digits_for(change["value"]))
    ends = interval(change["low"], change["high"], sign=True, digits=written.fixed)
    clear = change["low"] > 0 or change["high"] < 0
    better = (change["value"] > 0) == more_is_better
    says = "says the same" if better == (difference["chrf++"]["value"] > 0) else "says the opposite"
    says = says if clear else "shows no clear difference"
    found = f"{signed(change['value'], digits)} {ends} against {change['against']}"
    return f"{written.label} {says}: {found}{'' if more_is_better else '; lower is better'}."

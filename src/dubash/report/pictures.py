"""Which chart shows what: from a run's facts to the page's figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from markupsafe import Markup

from dubash.evaluate.numbers import number
from dubash.evaluate.systems import UNTUNED, UNTUNED_FORMS
from dubash.report import bits, charts
from dubash.report.facts import Facts
from dubash.report.words import STOPS, duration, flag

MOST_POINTS = 200
"""Training loss is averaged over neighbouring steps down to this many points."""

LENGTH_STEP, LENGTH_LAST = 0.1, 3.0

_CHARTED = {"chrf++": "chrF++", "bleu": "BLEU"}
"""The metrics that have bars of their own; of the others the table says all."""


def tone(system: str) -> str:
    """Baselines are grey, tuned systems coloured."""
    name = system.rpartition("/")[2]  # of a comparison of runs: demo/S0
    if name == UNTUNED:
        return "base"
    return "mid" if name in UNTUNED_FORMS else "accent"


def pictures(facts: Facts) -> dict[str, Markup]:
    """Every figure there is something to draw for, by name."""
    drawn: dict[str, Markup] = bits.picture(facts) if facts.is_text else _translations(facts)
    drawn.update(_curves(facts))
    if phases := facts.manifest.get("phases"):
        bars = [
            charts.Bar(name, seconds / 60, duration(seconds), "mid")
            for name, seconds in phases.items()
        ]
        drawn["phases"] = charts.bars("fig-phases", "Minutes by phase", [("", bars)], "minutes", 11)
    if facts.account:
        drawn["split"] = _split(facts.account)
    return drawn


def _translations(facts: Facts) -> dict[str, Markup]:
    """Scores, stops, behaviour and lengths of what was translated."""
    drawn: dict[str, Markup] = {}
    if facts.scores and facts.scores["systems"]:
        systems = facts.scores["systems"]
        for metric, label in _CHARTED.items():
            if bars := score_bars(systems, metric):
                name = metric.replace("+", "p")
                drawn[name] = charts.bars(f"fig-{name}", label, [("", bars)], f"{label}, 0–100")
        if measured := [system for system in systems if system["stops"]]:
            drawn["stops"] = _stops(measured)
        if seen := [name for name in judged(systems) if name not in unseen(systems)]:
            drawn["behaviour"] = _behaviour(systems, seen)
    if panels := _lengths(facts):
        drawn["lengths"] = charts.histogram(
            "fig-lengths", "Length of hypothesis over reference", panels,
            "characters of hypothesis / characters of reference", LENGTH_STEP, LENGTH_LAST, mark=1,
        )  # fmt: skip
    return drawn


def score_bars(systems: Sequence[dict[str, Any]], metric: str) -> list[charts.Bar]:
    """A bar with its interval for each system that has a score by this metric."""
    bars = []
    for system in systems:
        if found := system["scores"].get(metric):
            text, low, high = number(found["value"]), found.get("low"), found.get("high")
            name = system["name"]
            bars.append(charts.Bar(name, found["value"], text, tone(name), low, high))
    return bars


def _stops(systems: Sequence[dict[str, Any]]) -> Markup:
    tones = {"end": "accent", "limit": "warn", "stop_string": "mid"}
    seen = [stop for stop in STOPS if any(system["stops"].get(stop) for system in systems)]
    stacks = [
        (
            system["name"],
            [charts.Part(STOPS[stop], system["stops"].get(stop, 0), tones[stop]) for stop in seen],
        )
        for system in systems
    ]
    return charts.stacked("fig-stops", "Why translations stopped", stacks, "rows")


def judged(systems: Sequence[dict[str, Any]]) -> list[str]:
    """Every behaviour that was looked for in some system."""
    return list(dict.fromkeys(name for system in systems for name in system["behaviour"]))


def unseen(systems: Sequence[dict[str, Any]]) -> list[str]:
    """The behaviours that were looked for and that no system showed in any row."""
    return [
        name
        for name in judged(systems)
        if not any(system["behaviour"].get(name) for system in systems)
    ]


def _behaviour(systems: Sequence[dict[str, Any]], seen: Sequence[str]) -> Markup:
    """A group of bars for each behaviour; what was not counted of a system has no bar."""
    groups = [
        (
            flag(name),
            [
                charts.Bar(system["name"], count, f"{count:,}", tone(system["name"]))
                for system in systems
                if (count := system["behaviour"].get(name)) is not None
            ],
        )
        for name in seen
    ]
    return charts.bars("fig-behaviour", "Behaviour counts", groups, "rows", 9)


def length_ratios(facts: Facts, system: str) -> list[float]:
    """Characters of hypothesis over characters of reference, row by row."""
    return [
        len(row["systems"][system]["text"]) / len(row["reference"])
        for row in facts.rows
        if row["reference"] and system in row["systems"]
    ]


def _lengths(facts: Facts) -> list[charts.Panel]:
    names = {name: None for row in facts.rows for name in row["systems"]}
    panels = []
    for name in names:
        if ratios := length_ratios(facts, name):
            label = f"{name} · median {median(ratios):.2f}"
            panels.append(charts.Panel(label, ratios, tone(name)))
    return panels


def _curves(facts: Facts) -> dict[str, Markup]:
    drawn = {}
    train = [(each["step"], each["loss"]) for each in facts.of_kind("train") if "loss" in each]
    looks = facts.of_kind("dev")
    dev = [(each["step"], each["loss"]) for each in looks if each.get("loss") is not None]
    chrf = [(each["step"], each["chrf"]) for each in looks if each.get("chrf") is not None]
    best = (facts.manifest.get("training") or {}).get("best_step")
    series = []
    if train:
        series.append(charts.Line("train", thin(train, MOST_POINTS), "base"))
    if dev:
        series.append(charts.Line("dev", dev, "accent", marks=True))
    if series:
        drawn["loss"] = charts.lines(
            "fig-loss", "Training and dev loss", series, "step", "nats per supervised token", best
        )
    if chrf:
        line = charts.Line("dev chrF++", chrf, "accent", marks=True)
        drawn["chrf"] = charts.lines(
            "fig-chrf", "Dev chrF++", [line], "step", "chrF++ of the dev sample", best
        )
    return drawn


def thin(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most that many points: means over runs of neighbours where there are more."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    runs = [points[start : start + size] for start in range(0, len(points), size)]
    return [(run[-1][0], sum(y for _, y in run) / len(run)) for run in runs]


def _split(account: dict[str, Any]) -> Markup:
    tones = {"train": "base", "dev": "mid", "test": "accent"}
    parts = [
        charts.Part(name, split["rows"], tones.get(name, "base"))
        for name, split in account["splits"].items()
    ]
    if dropped := sum(account["dropped"].values()):
        parts.append(charts.Part("set aside", dropped, "warn"))
    return charts.stacked("fig-split", "Where the rows went", [("", parts)], "rows")

"""What a system with a memory and a glossary has to beat, and where it does: by nearest match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dubash.core.types import Hypothesis
from dubash.evaluate.systems import System

NEAREST = "nearest"
"""The nearest match's translation as it is, where one is near enough; else the tuned model's."""

APPENDED = "S1-terms"
"""The tuned model's translation with the terms appended that are missing from it."""

DERIVED = (NEAREST, APPENDED)
"""Systems that are made of others' texts, and only rivals."""

ASSISTED = "S2"
RIVALS = {ASSISTED: ("S1", NEAREST, APPENDED)}
"""What a system is held against beside the untuned model."""

STRATA = (("exact", 100), ("85 and more", 85), ("70 to 84", 70), ("below 70", 1), ("none", 0))
"""How near a row's nearest match is, and the least percent of each."""


def nearest(tuned: System, found: Sequence[Mapping[str, Any]], least: int) -> System:
    """The nearest match's translation from `least` percent on, where a translator would take it up;
    by row `found` says what was retrieved, as a run keeps it."""
    texts = [
        each["matches"][0]["target"]
        if each["matches"] and each["matches"][0]["percent"] >= least
        else made.text
        for made, each in zip(tuned.hypotheses, found, strict=True)
    ]
    return _derived(NEAREST, "the nearest match's translation, where there is one", tuned, texts)


def appended(tuned: System, missing: Sequence[Sequence[str]]) -> System:
    """By row `missing` are the approved translations that are not in the tuned model's text."""
    texts = [
        " ".join([made.text, *terms]) for made, terms in zip(tuned.hypotheses, missing, strict=True)
    ]
    return _derived(APPENDED, "tuned model, missing terms appended", tuned, texts)


def _derived(name: str, label: str, tuned: System, texts: Sequence[str]) -> System:
    outputs = [Hypothesis(text, "end", 0, 0.0) for text in texts]
    return System(name, label, tuned.sources, outputs, measured=False)


def stratum(found: Mapping[str, Any]) -> str:
    """Which of `STRATA` a row is in."""
    percent = found["matches"][0]["percent"] if found["matches"] else 0
    return next(name for name, least in STRATA if percent >= least)

"""`dubash verdict`: ship the tuned model, don't, or undecided, and what would decide it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import typer

from dubash.core.errors import ComparisonError, UserError
from dubash.core.files import read_json
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.data.leaks import near_test_count
from dubash.evaluate.behaviour import FAULTS
from dubash.evaluate.table import WIDTH
from dubash.evaluate.verdict import Evidence, Verdict, judge, yardstick
from dubash.recipe.load import read_resolved
from dubash.stages.common import settings_by_key
from dubash.stages.looks import looks
from dubash.stages.translate import existing_run

SHIP, UNDECIDED, DO_NOT = 0, 3, 4
"""Exit statuses; 2 is that of an error, 1 that of Python's own failures."""

JUDGED = {"bootstrap_samples", "seed", "confidence", "few_shot", "behaviour", "verdict"}
"""Settings of the evaluation in which runs that are judged together may not differ."""

SEED = "train.seed"

NOT_SAID = (
    "it is better than what it started from, no more: whether it is good enough for its readers "
    "no score says. Read the rows (report.html)."
)
"""What no verdict to ship says."""


def verdict(folders: Sequence[Path]) -> int:
    """Judge a run, or runs that differ in their training seed alone; returns the exit status.

    Raises UserError for a run that is not scored, and ComparisonError for runs that differ in more.
    """
    runs = [existing_run(folder) for folder in folders]
    refuse_other_settings(runs)
    options = read_resolved(runs[0].recipe).evaluate.verdict
    found = judge([_whole_evidence(run, runs) for run in runs], options)
    for line in describe(found):
        typer.echo(line)
    return {"ship": SHIP, "don't ship": DO_NOT}.get(found.decision, UNDECIDED)


def describe(found: Verdict) -> list[str]:
    """The verdict in lines to read; one to ship always with what that does not say."""
    told = [("because", each) for each in found.reasons]
    told += [("but", NOT_SAID)] if found.decision == "ship" else []
    told += [("mind", each) for each in found.cautions]
    told += [("needed", each) for each in found.needed]
    below = " " * 11  # where the text begins
    return [
        found.decision.upper(),
        *(
            fill(f"  {label:<7}  {text}", WIDTH, subsequent_indent=below, break_on_hyphens=False)
            for label, text in told
        ),
    ]


def refuse_other_settings(runs: Sequence[RunFolder]) -> None:
    """Raise ComparisonError unless the runs differ in nothing but their seeds."""
    recipes = [read_resolved(run.recipe) for run in runs]
    flat = [
        settings_by_key(each) | {"evaluate": each.evaluate.model_dump_json(include=JUDGED)}
        for each in recipes
    ]
    for run, settings in zip(runs[1:], flat[1:], strict=True):
        differ = [
            key
            for key in sorted(flat[0].keys() | settings.keys())
            if key != SEED and flat[0].get(key) != settings.get(key)
        ]
        if differ:
            raise ComparisonError(
                f"it differs from {runs[0].path} in {', '.join(differ)}.", where=str(run.path),
                fix=f"Seeds are judged together where {SEED} alone differs; see dubash compare.",
            )  # fmt: skip
    for split in ("test", "train"):
        rows = [data.load(run.data).account["splits"][split]["fingerprint"] for run in runs]
        if len(set(rows)) > 1:
            raise ComparisonError(
                f"its {split} rows are not those of {runs[0].path}.",
                where=str(next(r.path for r, f in zip(runs, rows, strict=True) if f != rows[0])),
                fix="Seeds are judged together on the same rows only.",
            )
    seeds = [settings[SEED] for settings in flat]
    if len(set(seeds)) < len(seeds):
        raise ComparisonError(f"two of these runs have the same {SEED}.", where=str(runs[0].path))


def _whole_evidence(run: RunFolder, runs: Sequence[RunFolder]) -> Evidence:
    try:
        return evidence(run, runs)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            "its scores are broken, or were made by another version of dubash.",
            where=str(run.scores), fix=f"Run: dubash evaluate {run.path}",
        ) from error  # fmt: skip


def evidence(run: RunFolder, runs: Sequence[RunFolder] = ()) -> Evidence:
    """What a scored run says, where it is judged together with `runs`; UserError where it has no
    tuned model that was scored."""
    if not run.scores.exists():
        raise UserError(
            "it was not scored yet.", where=str(run.path), fix=f"Run: dubash evaluate {run.path}"
        )
    scores = read_json(run.scores)
    change = scores["differences"].get("S1", {}).get("chrf++")
    if change is None:
        raise UserError(
            "it has no tuned model that was compared with its base.", where=str(run.path),
            fix="A verdict is about translations of S1 and S0.",
        )  # fmt: skip
    systems: dict[str, dict[str, Any]] = {each["name"]: each for each in scores["systems"]}
    tuned, base, count = systems["S1"], yardstick(scores), scores["rows"]
    before = base["behaviour"] if base else {}
    return Evidence(
        rows=count,
        gain=change["value"],
        low=change["low"],
        high=change["high"],
        confidence=scores["bootstrap"]["confidence"],
        ended=tuned["stops"]["end"] / count if tuned["stops"] else None,
        faults={
            name: (tuned["behaviour"].get(name, 0) / count, before.get(name, 0) / count)
            for name in FAULTS
            if name != "no_end"
        },
        near_duplicates=near_test_count(data.load(run.data).account["leaks"]),
        looks=max(1, looks([run, *runs], scores["rows_fingerprint"])),
        against=change["against"],
    )

"""`dubash runs`: which runs there are and what became of each; tags; removal."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from dubash.core.errors import UserError
from dubash.core.files import read_json
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.evaluate.numbers import interval, number, signed
from dubash.recipe.load import read_resolved
from dubash.recipe.options import Recipe
from dubash.stages.common import alone_in, at_work
from dubash.stages.translate import existing_run

DEEPEST = 3
"""Folders below the one given in which runs are looked for."""

MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list. `score` and `gain` are [value, low, high] of S1, by `metric`; None where
    nothing was scored. `megabytes` is what the folder takes on the disk."""

    folder: str
    state: str
    languages: str
    model: str
    method: str
    metric: str
    score: list[float] | None
    gain: list[float] | None
    tags: list[str]
    changed: str
    megabytes: float


def list_runs(folder: Path, tag: str | None, as_json: bool) -> None:
    """Print every run below `folder`, the newest last; those with a tag only, if one is given."""
    if not folder.is_dir():
        raise UserError(
            "no such folder.", where=str(folder), fix="Give the folder that holds the runs."
        )
    entries = [entry(run) for run in find(folder)]
    entries = [each for each in entries if tag is None or tag in each.tags]
    entries.sort(key=lambda each: each.changed)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in entries], indent=2, ensure_ascii=False))
    elif not entries:
        typer.echo(f"no runs in {folder}" + (f" with the tag {tag}" if tag else ""))
    else:
        for each in entries:
            typer.echo(_line(each))


def find(folder: Path) -> list[RunFolder]:
    """The run folders at and below `folder`; links to elsewhere are not followed."""
    found = []
    for at, below, files in os.walk(folder):
        if {"recipe.yaml", "manifest.json"} <= set(files):
            found.append(RunFolder(Path(at)))
            below.clear()
        elif len(Path(at).relative_to(folder).parts) >= DEEPEST:
            below.clear()
        below[:] = sorted(each for each in below if not each.startswith("."))
    return found


def entry(run: RunFolder) -> Entry:
    """What the list says of a run, from its folder alone; a broken one is listed as broken."""
    when, size = "", 0.0
    try:
        made = [each for each in (run.recipe, run.metrics, run.model) if each.exists()]
        changed = max(each.stat().st_mtime for each in made)  # not the manifest: tags stand there
        when = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%d %H:%M")
        size = _megabytes(run.path)
        return _whole_entry(run, when, size)
    except (UserError, LookupError, TypeError, AttributeError, ValueError, OSError) as error:
        return Entry(str(run.path), f"broken: {error}", "", "", "", "", None, None, [], when, size)


def _megabytes(folder: Path) -> float:
    """What the folder takes; a file that goes away meanwhile (a checkpoint) counts for nothing."""
    total = 0
    for at, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(at, name)).st_size
    return total / 1e6


def _whole_entry(run: RunFolder, when: str, size: float) -> Entry:
    recipe, manifest = read_resolved(run.recipe), run.read_manifest()
    scores = read_json(run.scores) if run.scores.exists() else None
    metric, score, gain = _result(scores)
    pair = recipe.languages.pair()
    languages = f"{pair.source.code}→{pair.target.code}"
    if recipe.task == "text":
        languages = pair.target.code
    return Entry(
        str(run.path), state(run, recipe), languages, recipe.model.name, recipe.method.name,
        metric, score, gain, list(manifest.get("tags") or []), when, round(size, 1),
    )  # fmt: skip


def state(run: RunFolder, recipe: Recipe) -> str:
    """How far a run has come, and whether a dubash is at work in it."""
    if at_work(run.path):
        return f"running{_reached(run, recipe)}"
    if run.scores.exists():
        scored = {each["name"] for each in read_json(run.scores)["systems"]}
        return "evaluated" if "S1" in scored else "S0 evaluated"
    if run.model.exists():
        return "trained"
    if run.checkpoints.exists():
        return f"stopped{_reached(run, recipe)}"
    return "prepared" if run.data.exists() else "new"


def _reached(run: RunFolder, recipe: Recipe) -> str:
    steps = [each.get("step", 0) for each in run.read_metrics()] if run.metrics.exists() else []
    limit = f" of {recipe.train.max_steps}" if recipe.train.max_steps else ""
    return f" at step {max(steps)}{limit}" if steps else ""


def _result(scores: dict[str, Any] | None) -> tuple[str, list[float] | None, list[float] | None]:
    """The metric, S1's score and its gain; None for a run whose tuned model was not scored."""
    tuned = [each for each in scores["systems"] if each["name"] == "S1"] if scores else []
    if scores is None or not tuned:
        return "", None, None
    metric = "bits_per_character" if scores.get("task") == "text" else "chrf++"
    found = [tuned[0]["scores"][metric][each] for each in ("value", "low", "high")]
    change = scores["differences"].get("S1", {}).get(metric)
    gain = [change[each] for each in ("value", "low", "high")] if change else None
    return metric, found, gain


def _line(each: Entry) -> str:
    parts = [each.changed, each.folder, each.state]
    if each.languages:
        parts += [each.languages, f"{each.model} ({each.method})"]
    if each.score:
        digits = 3 if each.metric == "bits_per_character" else 1
        ends = interval(each.score[1], each.score[2], digits=digits)
        parts.append(f"{each.metric} {number(each.score[0], digits)} {ends}")
        if each.gain:
            ends = interval(each.gain[1], each.gain[2], sign=True, digits=digits)
            parts.append(f"gain {signed(each.gain[0], digits)} {ends}")
    parts.append(f"{each.megabytes:,.0f} MB")
    parts += [f"#{tag}" for tag in each.tags]
    return "  ".join(parts)


def tag_run(folder: Path, tags: Sequence[str], remove: bool) -> None:
    """Add tags to a run, or take them away."""
    run = existing_run(folder)
    for tag in tags:
        if not re.fullmatch(r"[\w.+-]{1,40}", tag):
            raise UserError(f"'{tag}' is no tag: up to 40 letters, digits, and any of . _ + -.")
    with alone_in(folder):
        before = list(run.read_manifest().get("tags") or [])
        if remove and (unknown := [each for each in tags if each not in before]):
            raise UserError(f"the run has no tag {unknown[0]}.", where=str(folder))
        after = [each for each in before if each not in tags]
        after += [] if remove else list(dict.fromkeys(tags))
        if len(after) > MOST_TAGS:
            raise UserError(f"more than {MOST_TAGS} tags.", where=str(folder))
        run.note(tags=after)
    typer.echo(f"{folder}: {' '.join(f'#{each}' for each in after) or 'no tags'}")


def remove_runs(folders: Sequence[Path], sure: bool) -> None:
    """Remove runs with all that they made, after asking; refused while another dubash is at work
    in one. A run is first renamed, so that a kill leaves no half of one behind its name."""
    runs = [existing_run(folder) for folder in dict.fromkeys(f.absolute() for f in folders)]
    for run in runs:
        if run.path.is_symlink():
            raise UserError("this is a link, not the run itself.", where=str(run.path))
        say(_line(entry(run)))
    if not sure:
        if not sys.stdin.isatty():
            raise UserError("nobody is there to be asked.", fix="Add --yes to remove them.")
        typer.confirm(f"Remove {len(runs)} run(s) for good?", abort=True)
    for run in runs:
        with alone_in(run.path):
            aside = run.path.with_name(f".{run.path.name}.removed-{os.getpid()}")
            run.path.rename(aside)
            shutil.rmtree(aside)
        typer.echo(f"removed {run.path}")

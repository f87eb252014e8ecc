"""Runs that differ in a few settings: trained, the best of each chosen on dev, compared on test.

    python experiments/grid.py experiments/methods.yaml FILE.tsv --work runs/methods

FILE holds a pair a line, source and target in its first two columns. Each run folder prepares its
rows by itself, so all of them take one sample of the file, `--most` lines at most.

A grid names a base recipe, its cells (settings over the base), and for each cell the values of one
setting to choose among by the best dev chrF++ that training saw. Only what was chosen translates
the test rows. All work is dubash's own commands, so a stopped grid goes on where it was, and other
settings or rows are refused in the same folder; peak memory and minutes are those of the training's
own process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from dubash.core.files import read_json, write_bytes, write_json
from dubash.core.run import RunFolder

SEED = 7
"""Draws the sample of the file's lines."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A training: what it was given, the best it saw on dev, and what it took; the peak is None
    where nobody watched it train."""

    cell: str
    value: str
    folder: str
    dev: float
    peak_mb: float | None
    minutes: float
    tokens: int


def main() -> None:
    """Train every cell, choose, evaluate, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grid", type=Path)
    parser.add_argument("file", type=Path, help="a TSV of pairs, source and target first")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--most", type=int, default=12_000, help="lines of it that are used")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="NAME=FILE")
    asked = parser.parse_args()
    grid = yaml.safe_load(asked.grid.read_text(encoding="utf-8"))
    asked.work.mkdir(parents=True, exist_ok=True)
    recipe, rows = asked.work / "recipe.yaml", asked.work / "rows.tsv"
    write_bytes(rows, sample(asked.file.read_bytes(), asked.most))
    entry = {"path": str(rows.absolute()), "columns": {"source": 0, "target": 1}}
    base = grid["recipe"]
    base["data"] = {**base["data"], "train": [entry]}
    base["run"] = {"name": "base", "folder": str(asked.work.absolute())}
    recipe.write_text(yaml.safe_dump(base, sort_keys=False), encoding="utf-8")
    chosen = [choose(recipe, asked.work, name, cell, grid) for name, cell in grid["cells"].items()]
    for each in chosen:
        dubash("evaluate", str(asked.work / each.folder))
    runs = [str(asked.work / each.folder) for each in chosen]
    given = [word for other in asked.others for word in ("--with", other)]
    under = ["--under", grid["under"]] if grid.get("under") else []
    out = asked.work / "compared"
    dubash("compare", *runs, *given, "--out", str(out), *under)
    show(chosen, read_json(out / "compare.json"))


def sample(content: bytes, most: int) -> bytes:
    """At most so many of the lines, in their order; the same ones each time."""
    lines = content.splitlines(keepends=True)
    drawn = random.Random(SEED).sample(range(len(lines)), min(most, len(lines)))
    return b"".join(lines[at] for at in sorted(drawn))


def overrides(settings: dict[str, Any]) -> list[str]:
    """The settings as a command's words."""
    return [f"{key}={json.dumps(setting)}" for key, setting in settings.items()]


def choose(
    recipe: Path, work: Path, name: str, cell: dict[str, Any], grid: dict[str, Any]
) -> Trained:
    """The cell's training that was best on dev."""
    key, values = grid["tune"]["key"], cell.get("tune", grid["tune"]["values"])
    found = [train(recipe, work, name, cell.get("set", {}), key, value) for value in values]
    best = max(found, key=lambda each: each.dev)
    write_json(work / f"{name}.json", {"tried": [asdict(each) for each in found]})
    return best


def train(
    recipe: Path, work: Path, name: str, settings: dict[str, Any], key: str, value: Any
) -> Trained:
    """One training, in a process of its own; what was measured of it is kept in its folder.

    The command keeps a model that is there, made of the same, and refuses any other.
    """
    folder = f"{name}-{value}"
    run = RunFolder(work / folder)
    kept, trained = run.path / "taken.json", run.model.exists()
    words = overrides({"run.name": folder, key: value, **settings})
    peak = dubash("train", str(recipe), *words)
    if not trained:
        write_json(kept, {"peak_mb": peak})
    scores = [each["chrf"] for each in run.read_metrics() if "chrf" in each]
    manifest = run.read_manifest()
    return Trained(
        name, str(value), folder, max(scores),
        read_json(kept)["peak_mb"] if kept.exists() else None,
        manifest["phases"]["train"] / 60, manifest["training"]["supervised_tokens"],
    )  # fmt: skip


def dubash(*words: str) -> float:
    """Run a command of dubash's to its end; returns its peak memory in MB."""
    print("$ dubash", " ".join(words), flush=True)
    started = subprocess.Popen([sys.executable, "-m", "dubash", *words])
    _, status, usage = os.wait4(started.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"dubash {words[0]} failed; once that is mended, the same command goes on")
    return usage.ru_maxrss / 1024


def show(chosen: list[Trained], content: dict[str, Any]) -> None:
    """The table, in Markdown."""
    systems = {each["name"]: each for each in content["systems"]}
    print("| cell | chosen | dev chrF++ | test chrF++ | BLEU | own end | peak MB | minutes |")
    print("|---|---|---|---|---|---|---|---|")
    for each in chosen:
        system = systems.pop(f"{each.folder}/S1" if len(chosen) > 1 else "S1")
        peak = "–" if each.peak_mb is None else f"{each.peak_mb:,.0f}"
        taken = f"{peak} | {each.minutes:.1f}"
        print(f"| {each.cell} | {each.value} | {each.dev:.1f} | {scored(system)} | {taken} |")
    for name, system in systems.items():
        print(f"| {name} | | | {scored(system)} | | |")
    print(json.dumps({"rows": content["rows"]}))


def scored(system: dict[str, Any]) -> str:
    """A system's scores on the test rows."""
    chrf, bleu = system["scores"]["chrf++"], system["scores"]["bleu"]
    stops = system["stops"]
    end = f"{stops['end'] / sum(stops.values()):.0%}" if stops else "–"
    return (
        f"{chrf['value']:.1f} [{chrf['low']:.1f}, {chrf['high']:.1f}] | {bleu['value']:.1f} | {end}"
    )


if __name__ == "__main__":
    main()

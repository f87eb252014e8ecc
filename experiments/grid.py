"""Runs that differ in a few settings: trained, the best of each chosen on dev, compared on test.

    python experiments/grid.py experiments/methods.yaml FILE.tsv --work runs/methods

A grid names a base recipe, its cells (settings over the base), and for each cell the values of one
setting to choose among by the best dev chrF++ that training saw. Only what was chosen translates
the test rows. All work is dubash's own commands, so a stopped grid goes on where it was; peak
memory and minutes are those of the training's own process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from dubash.core.files import read_json, write_json
from dubash.core.run import RunFolder


@dataclass(frozen=True, slots=True)
class Trained:
    """A training: what it was given, the best it saw on dev, and what it took."""

    cell: str
    value: str
    folder: str
    dev: float
    peak_mb: float
    minutes: float
    tokens: int


def main() -> None:
    """Train every cell, choose, evaluate, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grid", type=Path)
    parser.add_argument("file", type=Path, help="pairs: source and target in columns 0 and 1")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="NAME=FILE")
    asked = parser.parse_args()
    grid = yaml.safe_load(asked.grid.read_text(encoding="utf-8"))
    asked.work.mkdir(parents=True, exist_ok=True)
    recipe = asked.work / "recipe.yaml"
    entry = {"path": str(asked.file.absolute()), "columns": {"source": 0, "target": 1}}
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
    """One training, in a process of its own; what was measured of it is kept in its folder."""
    folder = f"{name}-{value}"
    run = RunFolder(work / folder)
    kept = run.path / "taken.json"
    if not (run.model.exists() and kept.exists()):
        words = [f"{each}={json.dumps(setting)}" for each, setting in settings.items()]
        peak = dubash("train", str(recipe), f"run.name={folder}", f"{key}={value}", *words)
        write_json(kept, {"peak_mb": peak})
    scores = [each["chrf"] for each in run.read_metrics() if "chrf" in each]
    manifest = run.read_manifest()
    return Trained(
        name, str(value), folder, max(scores), read_json(kept)["peak_mb"],
        manifest["phases"]["train"] / 60, manifest["training"]["supervised_tokens"],
    )  # fmt: skip


def dubash(*words: str) -> float:
    """Run a command of dubash's to its end; returns its peak memory in MB."""
    print("$ dubash", " ".join(words), flush=True)
    started = subprocess.Popen([sys.executable, "-m", "dubash", *words])
    _, status, usage = os.wait4(started.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"dubash {words[0]} failed; run the same command again to go on")
    return usage.ru_maxrss / 1024


def show(chosen: list[Trained], content: dict[str, Any]) -> None:
    """The table, in Markdown."""
    systems = {each["name"]: each for each in content["systems"]}
    print("| cell | chosen | dev chrF++ | test chrF++ | BLEU | own end | peak MB | minutes |")
    print("|---|---|---|---|---|---|---|---|")
    for each in chosen:
        system = systems.pop(f"{each.folder}/S1" if len(chosen) > 1 else "S1")
        taken = f"{each.peak_mb:,.0f} | {each.minutes:.1f}"
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

"""`dubash demo`: the main job on what ships with dubash, and a short account of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import typer

from dubash.core.files import read_jsonl
from dubash.core.progress import say, spell
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe
from dubash.stages.run import run_all, try_it

SAMPLES = 5


def demo(overrides: Sequence[str]) -> None:
    """Run the shipped recipe `demo`, then show sample rows and where the minutes went."""
    say("SmolLM2-135M-Instruct learns English→Spanish from the phrasebook that ships with dubash.")
    folder = run_all(load_recipe("demo", overrides))
    show_samples(folder)
    show_minutes(folder)


def show_samples(folder: RunFolder) -> None:
    """Five rows spread evenly from the largest loss to the largest gain, so none is picked."""
    rows = sorted(read_jsonl(folder.rows), key=lambda row: row["gain"])
    last = max(len(rows) - 1, 1)
    typer.echo(f"\n{SAMPLES} test rows, from S1's largest loss to its largest gain over S0:")
    for number in range(min(SAMPLES, len(rows))):
        row = rows[round(number * last / (SAMPLES - 1))]
        typer.echo("")
        for label, text in (
            ("source", row["source"]),
            ("reference", row["reference"]),
            ("S0", row["systems"]["S0"]["text"]),
            ("S1", row["systems"]["S1"]["text"]),
        ):
            short = textwrap.shorten(" ".join(text.split()), 150, placeholder=" …")
            typer.echo(f"  {label:9} {short}")


def show_minutes(folder: RunFolder) -> None:
    """Seconds by phase, from the manifest."""
    phases = folder.read_manifest()["phases"]
    typer.echo("\nwhere the time went:")
    width = max(14, *(len(name) for name in phases))
    for name, seconds in [*phases.items(), ("all", sum(phases.values()))]:
        typer.echo(f"  {name:{width}} {spell(seconds)}")
    typer.echo(f"\n{try_it(folder, 'Good morning!')}")

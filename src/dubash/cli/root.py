"""The root of the command line, and the arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dubash import __version__

app = typer.Typer(
    name="dubash",
    help="A small language model, a language pair and your data in; a translator you can trust "
    "out. Try `dubash demo`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped one.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings over the recipe's: train.epochs=2"),
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dubash {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    if debug:
        os.environ["DUBASH_DEBUG"] = "1"

"""`dubash glossary …` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

glossary = typer.Typer(no_args_is_help=True, help="Check a glossary before it is used.")


@glossary.callback()
def _glossary() -> None:
    """One command so far: without this, typer would leave out its name."""


@glossary.command(
    epilog="Example: `dubash glossary lint terms.csv --source en --target es --rows pairs.tsv`"
)
def lint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV or TBX.")],
    source: Annotated[str, typer.Option(help="Source language code.")],
    target: Annotated[str, typer.Option(help="Target language code.")],
    rows: Annotated[
        Path | None, typer.Option(help="Pairs, to find terms that their references do not follow.")
    ] = None,
) -> None:
    """Name each faulty entry with its line, the reason and what to do; exits with 1 if there are
    any."""
    from dubash.stages.glossary import lint_glossary

    raise typer.Exit(lint_glossary(file, source, target, rows))

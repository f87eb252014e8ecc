"""`dubash benchmark fingerprint`: make a test set known, so that nobody trains on it unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from dubash.core.errors import DataError
from dubash.data.fingerprints import make, write
from dubash.data.lines import lines
from dubash.data.rows import flaw
from dubash.stages.translate import check_output

TABLES = (".csv", ".json", ".jsonl", ".ndjson")


def fingerprint(files: Sequence[Path], name: str, out: Path) -> None:
    """Write the fingerprint of every segment in these files: a line, or each cell of a TSV."""
    check_output(out)
    for path in files:
        if out.exists() and path.exists() and out.samefile(path):
            raise DataError(
                "this is the test set itself.", where=str(out), fix="Name another --out."
            )
        if path.suffix.lower() in TABLES:
            raise DataError(
                "a table whose cells are not told apart here.", where=str(path),
                fix="Give the segments as text, one a line, or as TSV.",
            )  # fmt: skip
    benchmark = make(name, (cell for path in files for cell in _cells(path)))
    write(benchmark, out)
    typer.echo(f"{out}: {len(benchmark.segments):,} segments of '{name}', as hashes")
    typer.echo(f"in a recipe: data.benchmarks: [{out.name}]")


def _cells(path: Path) -> Iterator[str]:
    for number, line in enumerate(lines(path, str(path)), start=1):
        if reason := flaw(line):
            raise DataError(f"{reason}.", where=f"{path}:{number}", fix="Give UTF-8 text.")
        yield from line.split("\t")

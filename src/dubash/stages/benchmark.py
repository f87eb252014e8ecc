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


def fingerprint(files: Sequence[Path], name: str, out: Path) -> None:
    """Write the fingerprint of every segment in these files: a line, or each cell of a TSV."""
    check_output(out)
    benchmark = make(name, (cell for path in files for cell in _cells(path)))
    write(benchmark, out)
    typer.echo(f"{out}: {len(benchmark.segments):,} segments of '{name}', as hashes")
    typer.echo(f"in a recipe: data.benchmarks: [{out.name}]")


def _cells(path: Path) -> Iterator[str]:
    for number, line in enumerate(lines(path, str(path)), start=1):
        if reason := flaw(line):
            raise DataError(f"{reason}.", where=f"{path}:{number}", fix="Give UTF-8 text.")
        yield from line.split("\t")

"""A file of another tool as units, and units as such a file: by its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.files import write_lines
from dubash.core.languages import LanguagePair
from dubash.data.options import Columns
from dubash.memory.defaults import MemoryFormat
from dubash.memory.exchange.po import read_po, write_po
from dubash.memory.exchange.tables import (
    is_written,
    read_table,
    read_written,
    write_csv,
    write_jsonl,
    write_tsv,
)
from dubash.memory.exchange.tmx import read_tmx, write_tmx
from dubash.memory.exchange.units import UnitRow
from dubash.memory.exchange.xliff import read_xliff
from dubash.memory.exchange.xliff_written import write_xliff, write_xliff2
from dubash.memory.tm.unit import TranslationUnit

_ENDINGS: dict[str, MemoryFormat] = {
    ".tmx": "tmx", ".xliff": "xliff", ".xlf": "xliff", ".mxliff": "xliff",
    ".po": "po", ".pot": "po", ".tsv": "tsv", ".tab": "tsv", ".txt": "tsv", ".csv": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip

_WRITERS: dict[
    MemoryFormat, Callable[[Iterable[TranslationUnit], LanguagePair], Iterator[str]]
] = {
    "tmx": write_tmx, "xliff": write_xliff, "xliff2": write_xliff2, "po": write_po,
    "tsv": write_tsv, "csv": write_csv, "jsonl": write_jsonl,
}  # fmt: skip


def format_of(name: str) -> MemoryFormat:
    """The format by the file's ending. Raises DataError for one that says nothing."""
    ending = Path(name).suffix.lower()
    if found := _ENDINGS.get(ending):
        return found
    raise DataError(
        f"the ending '{ending}' does not say how the file is written.",
        where=name, fix=f"Give --format: {', '.join(_WRITERS)}.",
    )  # fmt: skip


def read_units(
    path: Path,
    name: str,
    languages: LanguagePair,
    kind: MemoryFormat | None = None,
    columns: Columns | None = None,
) -> Iterator[UnitRow]:
    """The units of a file, streamed, and as BadRow what could be none.

    The format is that of the ending unless given; `columns` are those of a table. Raises DataError
    as the readers of the format do.
    """
    match kind or format_of(name):
        case "tmx":
            return read_tmx(path, name, languages)
        case "xliff" | "xliff2":
            return read_xliff(path, name, languages)
        case "po":
            return read_po(path, name, languages)
        case "jsonl" if columns is None and is_written(path, name):
            return read_written(path, name, languages)
        case ("tsv" | "csv" | "jsonl") as table:
            return read_table(path, name, table, columns, languages)


def write_units(
    path: Path,
    units: Iterable[TranslationUnit],
    languages: LanguagePair,
    kind: MemoryFormat | None = None,
) -> None:
    """Write units to a file, which stands there once it is whole."""
    write = _WRITERS[kind or format_of(path.name)]
    write_lines(path, write(units, languages))

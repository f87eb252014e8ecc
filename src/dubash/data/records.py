"""TSV and CSV as records: a row's first line, its cells, and what stood there."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from dubash.data.lines import lines
from dubash.data.rows import BadRow, flaw, writable

PEEK = 100
"""Rows looked at to learn the columns of a file."""


class Record(NamedTuple):
    """A row of a table: its first line, its cells, and what stood there."""

    number: int
    cells: list[str]
    raw: str


def _wrong_width(found: int, width: int) -> str:
    return f"{found} column{'' if found == 1 else 's'} where {width} are expected"


def tsv_records(path: Path, name: str, width: int | None) -> Iterator[Record | BadRow]:
    """The lines of a TSV as records; with a `width`, those of another are bad rows.

    Raises DataError as `lines` does.
    """
    for number, line in enumerate(lines(path, name), start=1):
        cells = line.split("\t")
        if width is not None and len(cells) != width and line:
            reason = flaw(line) or _wrong_width(len(cells), width)
            yield BadRow(f"{name}:{number}", reason, writable(line))
        elif line:
            yield Record(number, cells, line)


class _Feed:
    """Lines for `csv.reader`, with those of the record at hand remembered and given back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source, self._again, self.number = source, deque[str](), 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source) + "\n"
        self.number += 1
        self.taken.append(line)
        return line

    def give_back_all_but_first(self) -> None:
        """Read the lines after the first again, as records of their own."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


def csv_separator(path: Path, name: str, headed: bool) -> str:
    """`;`, which spreadsheets write where the comma is for decimals, or `,`.

    A header tells by parting into more names at `;` than at `,`. Without one, `;` must part all of
    the first rows alike, and `,` must not.
    """

    def rows(separator: str) -> list[list[str]]:
        found = islice(csv_records(path, name, None, separator), 1 if headed else PEEK)
        return [each.cells for each in found if isinstance(each, Record)]

    def names(separator: str) -> int:
        return sum(1 for cells in rows(separator) for cell in cells if cell.strip())

    def parts_alike(separator: str) -> bool:
        widths = {len(cells) for cells in rows(separator)}
        return len(widths) == 1 and widths != {1}

    if headed:
        return ";" if names(";") > names(",") else ","
    return ";" if parts_alike(";") and not parts_alike(",") else ","


def csv_records(
    path: Path, name: str, width: int | None, separator: str = ","
) -> Iterator[Record | BadRow]:
    """The records of a CSV; what is no CSV and, with a `width`, records of another are bad rows.

    A stray quote swallows the lines after it up to the next one: such a record costs its first
    line only, and the others are read again. Raises DataError as `lines` does.
    """
    feed = _Feed(lines(path, name))
    reader = csv.reader(feed, strict=True, delimiter=separator)
    while True:
        feed.taken.clear()
        start = feed.number + 1
        reason = ""
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"not valid CSV ({error})"
        if not reason and width is not None and cells and len(cells) != width:
            reason = _wrong_width(len(cells), width)
        if reason:
            feed.give_back_all_but_first()
            raw = feed.taken[0].rstrip("\n") if feed.taken else ""
            yield BadRow(f"{name}:{start}", flaw(raw) or reason, writable(raw))
        elif cells:
            yield Record(start, cells, "".join(feed.taken).rstrip("\n"))

"""Readers: every kind of file as a stream of pairs and bad rows."""

from __future__ import annotations

import csv
import json
from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.data.columns import Picked, default_columns, find_columns, make_row, names_in
from dubash.data.lines import lines
from dubash.data.options import Columns, FileFormat
from dubash.data.rows import BadRow, Row, flaw, writable

_ENDINGS: dict[str, FileFormat] = {
    ".tsv": "tsv", ".tab": "tsv", ".txt": "tsv", ".csv": "csv", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip

_PEEK = 100
"""Rows looked at to learn the columns of a file."""


class Record(NamedTuple):
    """A row of a table: its first line, its cells, and what stood there."""

    number: int
    cells: list[str]
    raw: str


def guess_format(name: str, task: str) -> FileFormat:
    """The format by the file's ending; DataError for an ending that says nothing."""
    ending = Path(name).suffix.lower()
    if ending not in _ENDINGS:
        known = "text, jsonl, csv or tsv" if task == "text" else "tsv, csv, jsonl or alpaca"
        raise DataError(
            f"the ending '{ending}' does not say how the file is written.", where=name,
            fix=f"Add format: {known}.",
        )  # fmt: skip
    if task == "text" and ending == ".txt":
        return "text"
    found = _ENDINGS[ending]
    return "alpaca" if found == "jsonl" and task == "instruction" else found


def read_file(
    path: Path,
    name: str,
    kind: FileFormat,
    columns: Columns | None,
    pair: LanguagePair,
    task: str,
) -> Iterator[Row]:
    """The rows of a file, streamed; a row's origin is `name:line`.

    Raises DataError for a file that is no text, is empty, or has not the columns named.
    """
    if kind == "text":
        return _read_text(path, name)
    defaults = default_columns("instruction" if kind == "alpaca" else task, pair)
    if kind in ("tsv", "csv"):
        return _read_table(path, name, kind, columns, defaults)
    return _read_jsonl(path, name, columns, defaults)


def _read_text(path: Path, name: str) -> Iterator[Row]:
    """Monolingual text, one segment a line; blank lines are no rows."""
    for number, line in enumerate(lines(path, name), start=1):
        if reason := flaw(line):
            yield BadRow(f"{name}:{number}", reason, writable(line))
        elif line.strip():
            yield Pair("", line, "", f"{name}:{number}")


def _read_table(
    path: Path, name: str, kind: str, columns: Columns | None, defaults: list[Picked]
) -> Iterator[Row]:
    split = tsv_records
    if kind == "csv":
        headed = columns is None or not columns.numbered
        split = partial(csv_records, separator=csv_separator(path, name, headed))
    head = [each for each in islice(split(path, name, None), _PEEK) if isinstance(each, Record)]
    first = [cell.strip() for cell in head[0].cells] if head else []
    headed = _is_header(kind, first, columns, defaults)
    if headed:
        picked = find_columns(columns, defaults, first, f"{name}:{head[0].number}")
        width = len(first)
        for column in picked.sides:
            if first.count(str(column)) > 1:
                raise DataError(f"the header names '{column}' twice.", where=name)
    else:
        counted = Counter(len(each.cells) for each in head)
        width = counted.most_common(1)[0][0] if head else 2
        picked = _numbered(columns, width, name)
    for record in split(path, name, width):
        if isinstance(record, BadRow):
            yield record
        elif not (headed and record.number == head[0].number):
            labels: list[Any] = list(first) if headed else list(range(width))
            labelled = dict(zip(labels, record.cells, strict=True))
            yield make_row(labelled, picked, f"{name}:{record.number}", record.raw)


def _is_header(
    kind: str, first: list[str], columns: Columns | None, defaults: list[Picked]
) -> bool:
    """A CSV has a header unless its columns are numbered: to take one for a row would train on
    it. A TSV of pairs mostly has none."""
    if columns is not None:
        return not columns.numbered
    if kind == "csv" or defaults[0].source is None:  # text would not know which column it is
        return True
    return any(all(side in first for side in each.sides) for each in defaults)


def _numbered(columns: Columns | None, width: int, name: str) -> Picked:
    """Columns by number: 0 and 1, and 2 as the document where it is there, unless named."""
    picked = Picked(0, 1, 2 if width > 2 else None)
    if columns is not None:
        picked = Picked(columns.source, columns.target, columns.document)
    for column in (picked.source, picked.target, picked.document):
        if isinstance(column, int) and column >= width:
            raise DataError(
                f"no column {column}: the rows have {width} column(s), numbered from 0.",
                where=name,
                fix="Set columns, or format if it was guessed wrong (tsv, csv, jsonl, alpaca).",
            )
    return picked


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
        found = islice(csv_records(path, name, None, separator), 1 if headed else _PEEK)
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


def _read_jsonl(
    path: Path, name: str, columns: Columns | None, defaults: list[Picked]
) -> Iterator[Row]:
    objects = _json_objects(path, name)
    head = [each for each in islice(objects, _PEEK) if not isinstance(each, BadRow)]
    found = {label: None for _, record, _ in head for label in names_in(record)}
    picked = find_columns(columns, defaults, found, name) if head else defaults[0]
    for each in _json_objects(path, name):
        if isinstance(each, BadRow):
            yield each
        else:
            number, record, raw = each
            yield make_row(record, picked, f"{name}:{number}", raw)


def _json_objects(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any], str] | BadRow]:
    for number, line in enumerate(lines(path, name), start=1):
        if not line.strip():
            continue
        if number == 1 and line.strip() in ("[", "[{"):
            raise DataError(
                "a JSON array, not JSON Lines.", where=name,
                fix="Write one object a line: jq -c '.[]' rows.json > rows.jsonl.",
            )  # fmt: skip
        reason = ""
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            reason = f"broken JSON ({error.msg} at column {error.colno})"
        except (ValueError, RecursionError):
            reason = "broken JSON"
        else:
            if isinstance(record, dict):
                yield number, record, line
                continue
            reason = "not a JSON object"
        yield BadRow(f"{name}:{number}", flaw(line) or reason, writable(line))


def read_moses(source: Path, target: Path, source_name: str, target_name: str) -> Iterator[Row]:
    """Line n of one file with line n of the other; DataError where one is longer."""
    both = zip_longest(lines(source, source_name), lines(target, target_name))
    for number, (left, right) in enumerate(both, start=1):
        if left is None or right is None:
            longer = number + sum(1 for _ in both)
            counts = (number - 1, longer) if left is None else (longer, number - 1)
            raise DataError(
                f"{source_name} has {counts[0]} lines and {target_name} has {counts[1]}.",
                where="Moses files",
                fix="Line n of one must be the translation of line n of the other.",
            )
        bad = next(((n, r) for n, t in ((source_name, left), (target_name, right))
                    if (r := flaw(t))), None)  # fmt: skip
        if bad:
            yield BadRow(f"{bad[0]}:{number}", bad[1], writable(f"{left}\t{right}"))
        else:
            yield Pair(left, right, "", f"{source_name}:{number}")

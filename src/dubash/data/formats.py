"""Readers: every kind of file as a stream of pairs and bad rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.data.columns import (
    Picked,
    default_columns,
    find_columns,
    make_row,
    names_columns,
    names_in,
)
from dubash.data.lines import encoding_hint, lines
from dubash.data.options import Columns, FileFormat
from dubash.data.records import PEEK, Record, csv_records, csv_separator, tsv_records
from dubash.data.rows import HEADER, NOT_UTF8, BadRow, Row, flaw, writable

_ENDINGS: dict[str, FileFormat] = {
    ".tsv": "tsv", ".tab": "tsv", ".txt": "tsv", ".csv": "csv", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip


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
        return _read_table(path, name, kind, columns, defaults, pair)
    return _read_jsonl(path, name, columns, defaults)


def _read_text(path: Path, name: str) -> Iterator[Row]:
    """Monolingual text, one segment a line; blank lines are no rows."""
    for number, line in enumerate(lines(path, name), start=1):
        if reason := flaw(line):
            yield BadRow(f"{name}:{number}", reason, writable(line))
        elif line.strip():
            yield Pair("", line, "", f"{name}:{number}")


def _read_table(
    path: Path,
    name: str,
    kind: str,
    columns: Columns | None,
    defaults: list[Picked],
    pair: LanguagePair,
) -> Iterator[Row]:
    split = tsv_records
    if kind == "csv":
        headed = columns is None or not columns.numbered
        split = partial(csv_records, separator=csv_separator(path, name, headed))
    head = [each for each in islice(split(path, name, None), PEEK) if isinstance(each, Record)]
    first = [cell.strip() for cell in head[0].cells] if head else []
    headed = _is_header(kind, first, columns, defaults)
    if headed and not head:
        raise DataError(f"none of the first {PEEK} rows can be read.", where=name)
    first_at = head[0].number if head else None
    if headed:
        if broken := flaw(head[0].raw):
            raise DataError(
                f"{broken}{encoding_hint(path, pair) if broken.startswith(NOT_UTF8) else ''}.",
                where=f"{name}:{head[0].number}",
                fix="Save it as UTF-8.",
            )
        picked = find_columns(columns, defaults, first, f"{name}:{head[0].number}")
        width = len(first)
        for column in picked.sides:
            if first.count(str(column)) > 1:
                raise DataError(f"the header names '{column}' twice.", where=name)
    else:
        counted = Counter(len(each.cells) for each in head)
        width = counted.most_common(1)[0][0] if head else 2
        picked = _numbered(columns, width, name)
    labels: list[Any] = list(first) if headed else list(range(width))
    for record in split(path, name, width):
        if isinstance(record, BadRow):
            yield record
            continue
        is_first, origin = record.number == first_at, f"{name}:{record.number}"
        if headed and is_first:
            continue
        labelled = dict(zip(labels, record.cells, strict=True))
        if is_first and names_columns(labelled, picked, pair):
            yield BadRow(origin, HEADER, writable(record.raw))
        else:
            yield make_row(labelled, picked, origin, record.raw)


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


def _read_jsonl(
    path: Path, name: str, columns: Columns | None, defaults: list[Picked]
) -> Iterator[Row]:
    objects = json_objects(path, name)
    head = [each for each in islice(objects, PEEK) if not isinstance(each, BadRow)]
    found = {label: None for _, record, _ in head for label in names_in(record)}
    picked = find_columns(columns, defaults, found, name) if head else defaults[0]
    for each in json_objects(path, name):
        if isinstance(each, BadRow):
            yield each
        else:
            number, record, raw = each
            yield make_row(record, picked, f"{name}:{number}", raw)


def json_objects(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any], str] | BadRow]:
    """The objects of a JSON Lines file, each with its line's number and the line itself.

    Raises DataError for a JSON array, and as `lines` does.
    """
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

"""Translation memories as tables: TSV and CSV as data is, and JSON Lines that hold it all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dubash.core.languages import LanguagePair
from dubash.data.formats import json_objects, read_file
from dubash.data.options import Columns, FileFormat
from dubash.data.rows import BadRow
from dubash.memory.exchange.units import UnitRow, unit_of
from dubash.memory.languages import are_in
from dubash.memory.tm.store import TEXTS
from dubash.memory.tm.unit import TranslationUnit, content_as_json, content_from_json

_SHOWN = ("source", "target", "document", "created", "changed", "creator")
"""The columns of a table."""


def read_table(
    path: Path, name: str, kind: FileFormat, columns: Columns | None, languages: LanguagePair
) -> Iterator[UnitRow]:
    """A unit for each pair of a TSV, CSV or JSON Lines file, read as training data is."""
    for row in read_file(path, name, kind, columns, languages, "translation"):
        if isinstance(row, BadRow):
            yield row
        else:
            yield unit_of(
                (row.source,), (row.target,), row.origin, document=row.document,
                source_language=languages.source.code, target_language=languages.target.code,
            )  # fmt: skip


def is_written(path: Path, name: str) -> bool:
    """Whether a JSON Lines file holds units as `write_jsonl` writes them."""
    first = next((each for each in json_objects(path, name) if not isinstance(each, BadRow)), None)
    return first is not None and {"source_language", "target_language"} <= first[1].keys()


def read_written(path: Path, name: str, languages: LanguagePair) -> Iterator[UnitRow]:
    """The units of a file that `write_jsonl` wrote; a line that is none comes as a BadRow."""
    for each in json_objects(path, name):
        if isinstance(each, BadRow):
            yield each
            continue
        number, record, raw = each
        try:
            unit = _unit(record, f"{name}:{number}")
        except (TypeError, ValueError, KeyError, IndexError):
            yield BadRow(f"{name}:{number}", "no unit of a translation memory", raw)
            continue
        if isinstance(unit, TranslationUnit) and not are_in(
            unit.source_language, unit.target_language, languages
        ):
            pair = f"{unit.source_language} into {unit.target_language}"
            yield BadRow(f"{name}:{number}", f"in other languages ({pair})", raw)
        else:
            yield unit


def _unit(record: dict[str, Any], origin: str) -> UnitRow:
    texts = {key: record.get(key, "") for key in TEXTS}
    if not all(isinstance(each, str) for each in texts.values()):
        raise TypeError
    source, target = texts.pop("source"), texts.pop("target")
    return unit_of(
        content_from_json(record.get("source_content")) or (source,),
        content_from_json(record.get("target_content")) or (target,),
        texts.pop("origin") or origin,
        facts=tuple((str(key), str(value)) for key, value in record.get("facts", ())),
        **texts,
    )


def write_jsonl(units: Iterable[TranslationUnit], _: LanguagePair) -> Iterator[str]:
    """A JSON object a line with all that is known of a unit, and nothing that is empty."""
    for unit in units:
        record: dict[str, Any] = {key: getattr(unit, key) for key in TEXTS}
        record["source_content"] = content_as_json(unit.source_content)
        record["target_content"] = content_as_json(unit.target_content)
        record["facts"] = unit.facts
        yield json.dumps({key: each for key, each in record.items() if each}, ensure_ascii=False)


def write_tsv(units: Iterable[TranslationUnit], _: LanguagePair) -> Iterator[str]:
    """Tab-separated values with a header: the texts without their tags, document and dates."""
    for row in _rows(units):
        yield "\t".join(" ".join(cell.split()) for cell in row)  # a TSV has no way to quote


def write_csv(units: Iterable[TranslationUnit], _: LanguagePair) -> Iterator[str]:
    """Comma-separated values with a header: the texts without their tags, document and dates."""
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="")
    for row in _rows(units):
        writer.writerow(row)
        yield held.getvalue()
        held.seek(0)
        held.truncate()


def _rows(units: Iterable[TranslationUnit]) -> Iterator[Sequence[str]]:
    yield _SHOWN
    for unit in units:
        yield [getattr(unit, key) for key in _SHOWN]

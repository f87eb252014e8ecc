"""The translation memory in one SQLite file, searched by FTS5's trigrams: any script.

A unit's number is its length and a running number in one, `length << 32 | n`. A match of at least p
percent is between p and 1/p times as long as what is looked for, so that the lengths that can match
are one range of numbers, and the index passes over the rest of a trigram's list.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.memory.tm.store import (
    BATCH,
    COLUMNS,
    Added,
    batches,
    identity_of,
    read,
    written,
)
from dubash.memory.tm.trigrams import indexed, rarest, trigrams
from dubash.memory.tm.unit import TranslationUnit

VERSION = 1
_APPLICATION = 0x6475626D  # "dubm", so that no other database is taken for a memory
_LENGTH = 32
_SCHEMA = """
CREATE TABLE units (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL, target TEXT NOT NULL,
    source_language TEXT NOT NULL, target_language TEXT NOT NULL,
    document TEXT NOT NULL, previous TEXT NOT NULL, following TEXT NOT NULL,
    origin TEXT NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL, creator TEXT NOT NULL,
    source_content TEXT NOT NULL, target_content TEXT NOT NULL, facts TEXT NOT NULL,
    identity BLOB NOT NULL UNIQUE
);
CREATE INDEX by_source ON units (source);
CREATE VIRTUAL TABLE trigrams USING fts5 (
    source, content='', tokenize='trigram case_sensitive 1', detail=none, columnsize=0
);
CREATE TABLE frequency (trigram TEXT PRIMARY KEY, units INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (last INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
"""


class SqliteMemory:
    """A memory in a file that is made where there is none, if `new`; else it is only read.

    Raises DataError for a file that is no memory, or one of a later version. It may be read by
    several processes; one writes at a time.
    """

    def __init__(self, path: Path, *, new: bool = True) -> None:
        self.path = path
        try:
            mode = "rwc" if new else "ro"
            self._base = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", 30, uri=True)
            self._open(new)
        except sqlite3.Error as error:
            raise DataError(f"no translation memory ({error}).", where=str(path)) from error

    def _open(self, new: bool) -> None:
        """Make the tables, or see that they are ours; nothing is written to what is not."""
        self._base.execute("PRAGMA cache_size = -65536")
        if new and self._is_empty():
            with self._writing():
                if self._is_empty():  # nobody has made them meanwhile
                    for statement in _SCHEMA.split(";"):
                        self._base.execute(statement)
                    self._base.execute(f"PRAGMA application_id = {_APPLICATION}")
                    self._base.execute(f"PRAGMA user_version = {VERSION}")
        if self._value("PRAGMA application_id") != _APPLICATION:
            raise DataError("no translation memory.", where=str(self.path))
        if (version := self._value("PRAGMA user_version")) > VERSION:
            raise DataError(
                f"a memory of version {version}; this dubash knows {VERSION}.",
                where=str(self.path), fix="Update dubash.",
            )  # fmt: skip
        if new:
            self._base.execute("PRAGMA journal_mode = WAL")
            # what was acknowledged outlives a power cut
            self._base.execute("PRAGMA synchronous = FULL")

    def _is_empty(self) -> bool:
        unknown = self._value("PRAGMA application_id") == 0
        return unknown and not self._value("SELECT count(*) FROM sqlite_master")

    def __enter__(self) -> SqliteMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def __len__(self) -> int:
        return self._value("SELECT count(*) FROM units")

    def add(self, units: Iterable[TranslationUnit]) -> Iterator[Added]:
        """See `Store`; each batch is on the disk when its counts come."""
        yield from map(self._add, batches(units, BATCH))

    def _add(self, batch: Sequence[TranslationUnit]) -> Added:
        by_identity = {identity_of(unit): unit for unit in batch}
        with self._writing():
            for known in self._known(list(by_identity)):
                del by_identity[known]
            first = self._value("SELECT last FROM counter") + 1
            rows: list[tuple[Any, ...]] = [
                (len(unit.source) << _LENGTH | at, *written(unit), identity)
                for at, (identity, unit) in enumerate(by_identity.items(), start=first)
            ]
            rows.sort(key=lambda row: row[0])  # FTS5 begins a new piece where a number is lower
            marks = ", ".join("?" * (COLUMNS.count(",") + 3))
            self._base.executemany(
                f"INSERT INTO units (number, {COLUMNS}, identity) VALUES ({marks})", rows
            )
            self._base.executemany(
                "INSERT INTO trigrams (rowid, source) VALUES (?, ?)",
                ((number, indexed(source)) for number, source, *_ in rows),
            )
            self._base.execute("UPDATE counter SET last = last + ?", [len(rows)])
            counts: Counter[str] = Counter()
            for unit in by_identity.values():
                counts.update(trigrams(unit.source))
            self._base.executemany(
                "INSERT INTO frequency VALUES (?, ?) "
                "ON CONFLICT (trigram) DO UPDATE SET units = units + excluded.units",
                sorted(counts.items()),
            )
        return Added(len(rows), len(batch) - len(rows))

    def _known(self, identities: Sequence[bytes]) -> list[bytes]:
        """Those of the identities that the memory has."""
        marks = ", ".join("?" * len(identities))
        query = f"SELECT identity FROM units WHERE identity IN ({marks})"
        return [identity for (identity,) in self._base.execute(query, identities)]

    def all(self) -> Iterator[TranslationUnit]:
        """Every unit, in the order in which they were added."""
        for _, unit in self._units("true ORDER BY number & 0xFFFFFFFF", []):
            yield unit

    def count(self, *fields: str) -> dict[tuple[str, ...], int]:
        """How many units there are of each value of the fields, most first."""
        columns = ", ".join(each for each in COLUMNS.split(", ") if each in fields)
        query = f"SELECT count(*), {columns} FROM units GROUP BY {columns} ORDER BY 1 DESC, 2"
        return {tuple(values): number for number, *values in self._base.execute(query)}

    def exact(self, text: str) -> Iterator[tuple[int, TranslationUnit]]:
        """The units with exactly this source."""
        return self._units("source = ?", [text])

    def alike(self, text: str, least: int) -> Iterator[tuple[int, TranslationUnit]]:
        """See `Store`."""
        shared = self._sharing(text, least)
        numbers = [number for number, _ in shared.most_common()]
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            yield from self._units(f"number IN ({', '.join('?' * len(some))})", some)

    def _sharing(self, text: str, least: int) -> Counter[int]:
        """How many of the text's rarest trigrams each unit of a fitting length has."""
        low = len(text) * least // 100 << _LENGTH
        high = (len(text) * 100 // max(least, 1) + 1) << _LENGTH
        shared: Counter[int] = Counter()
        for trigram in rarest(text, self._frequencies(list(trigrams(text)))):
            found = self._base.execute(
                "SELECT rowid FROM trigrams WHERE trigrams MATCH ? AND rowid BETWEEN ? AND ?",
                (_quoted(trigram), low, high),
            )
            shared.update(number for (number,) in found)
        return shared

    def _frequencies(self, wanted: Sequence[str]) -> dict[str, int]:
        """How many units have each of the trigrams, of those that any has."""
        found: dict[str, int] = {}
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ", ".join("?" * len(some))
            query = f"SELECT trigram, units FROM frequency WHERE trigram IN ({marks})"
            found.update(self._base.execute(query, some))
        return found

    def _units(self, where: str, given: Sequence[object]) -> Iterator[tuple[int, TranslationUnit]]:
        query = f"SELECT number, {COLUMNS} FROM units WHERE {where}"
        for number, *columns in self._base.execute(query, given):
            yield number, read(columns)

    def _value(self, query: str) -> int:
        [value] = self._base.execute(query).fetchone()
        return int(value)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.rollback()
            raise
        self._base.commit()


def _quoted(trigram: str) -> str:
    """As a string of FTS5's query language."""
    return '"' + trigram.replace('"', '""') + '"'

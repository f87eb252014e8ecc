"""The translation memory in a PostgreSQL database that several share, searched through pg_trgm.

pg_trgm counts letters and digits only and drops the rest: blanks, punctuation, the vowel signs of
Indic scripts. What it is given is therefore a text whose every character stands for one of ours and
is a letter to it (`letters`), so that its trigrams are ours, whatever the script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from dubash.core.errors import DataError, UserError
from dubash.memory.defaults import holds_password
from dubash.memory.tm.store import (
    BATCH,
    CANDIDATES,
    COLUMNS,
    Added,
    batches,
    identity_of,
    read,
    written,
)
from dubash.memory.tm.trigrams import indexed, rarest, trigrams
from dubash.memory.tm.unit import TranslationUnit

if TYPE_CHECKING:
    import psycopg

VERSION = 1
_LOCK = 0x64756D  # of ours among a database's advisory locks
CONNECT_SECONDS = 10
MOST_FETCHED = 10 * CANDIDATES
"""Units fetched for a search, of whatever languages; those of the pair are picked from them."""

_FIRST, _IDEOGRAPHS = 0x4E00, 20_900
_SCHEMA = f"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA dubash;
CREATE TABLE dubash.about (version integer NOT NULL);
INSERT INTO dubash.about VALUES ({VERSION});
CREATE TABLE dubash.units (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    {", ".join(f"{column} text NOT NULL" for column in COLUMNS.split(", "))},
    identity bytea NOT NULL UNIQUE,
    letters text NOT NULL
);
CREATE INDEX by_source ON dubash.units USING hash (source);
CREATE INDEX by_letters ON dubash.units USING gin (letters gin_trgm_ops);
CREATE TABLE dubash.frequency (trigram text COLLATE "C" PRIMARY KEY, units bigint NOT NULL);
"""


def letters(text: str) -> str:
    """A text as the index has it, each character as an ideograph; two far-off ones may share one,
    which brings a candidate more and loses none."""
    return _mapped(indexed(text))


def _mapped(text: str) -> str:
    return "".join(chr(_FIRST + ord(each) % _IDEOGRAPHS) for each in text)


class PostgresMemory:
    """A memory in the schema `dubash` of a database, which is made there if `new`.

    Raises UserError for an address that holds a password and where psycopg is missing, and
    DataError where the server cannot be reached, its database has no memory, or one of a later
    version, or knows no letters beyond ASCII.
    """

    def __init__(self, address: str, *, new: bool) -> None:
        self.address = address
        if holds_password(address):
            raise UserError(
                "an address with a password in it would stand in logs and reports.",
                where="the memory's address", fix="Put it into PGPASSWORD or ~/.pgpass.",
            )  # fmt: skip
        try:
            import psycopg
        except ImportError:
            raise UserError(
                "PostgreSQL needs psycopg.", fix="pip install 'dubash[postgres]'"
            ) from None
        try:
            self._base: psycopg.Connection[Any] = psycopg.connect(
                address, connect_timeout=CONNECT_SECONDS, autocommit=True
            )
            self._open(new)
        except psycopg.Error as error:
            raise DataError(_said(error), where=address) from error

    def _open(self, new: bool) -> None:
        """Make the tables, or see that they are ours."""
        if self._value("SELECT to_regclass('dubash.about') IS NULL"):
            if not new:
                raise DataError(
                    "a database without a translation memory.", where=self.address,
                    fix="Fill one: dubash tm import ADDRESS FILE --languages en-es.",
                )  # fmt: skip
            with self._base.transaction():
                self._base.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
                if self._value("SELECT to_regclass('dubash.about') IS NULL"):
                    self._base.execute(_SCHEMA)
        if (version := self._value("SELECT max(version) FROM dubash.about")) > VERSION:
            raise DataError(
                f"a memory of version {version}; this dubash knows {VERSION}.",
                where=self.address, fix="Update dubash.",
            )  # fmt: skip
        if not self._value("SELECT cardinality(show_trgm(%s))", [letters("abc")]):
            raise DataError(
                "this database takes no character beyond ASCII for a letter, so that pg_trgm "
                "would find nothing.",
                where=self.address, fix="Make it with a UTF-8 locale: createdb --locale=C.UTF-8.",
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def __len__(self) -> int:
        return int(self._value("SELECT count(*) FROM dubash.units"))

    def add(self, units: Iterable[TranslationUnit]) -> Iterator[Added]:
        """See `Store`; each batch is committed when its counts come."""
        yield from map(self._add, batches(units, BATCH))

    def _add(self, batch: Sequence[TranslationUnit]) -> Added:
        by_identity = {identity_of(unit): unit for unit in batch}
        columns = f"{COLUMNS}, identity, letters"
        with self._base.transaction():
            # two that write at once would wait for each other's trigrams in another order
            self._base.execute("LOCK TABLE dubash.frequency IN EXCLUSIVE MODE")
            self._base.execute(
                "CREATE TEMP TABLE arriving (LIKE dubash.units) ON COMMIT DROP;"
                "ALTER TABLE arriving ALTER number DROP NOT NULL"
            )
            with self._base.cursor().copy(f"COPY arriving ({columns}) FROM STDIN") as copy:
                for identity, unit in by_identity.items():
                    copy.write_row((*written(unit), identity, letters(unit.source)))
            kept = self._base.execute(
                f"INSERT INTO dubash.units ({columns}) SELECT {columns} FROM arriving "
                "ON CONFLICT (identity) DO NOTHING RETURNING identity"
            )
            new = [by_identity[identity] for (identity,) in kept]
            counts: Counter[str] = Counter()
            for unit in new:
                counts.update(trigrams(unit.source))
            self._base.execute(
                "INSERT INTO dubash.frequency SELECT * FROM unnest(%s::text[], %s::bigint[]) "
                "ON CONFLICT (trigram) DO UPDATE SET units = frequency.units + excluded.units",
                [list(counts), list(counts.values())],
            )
        return Added(len(new), len(batch) - len(new))

    def all(self) -> Iterator[TranslationUnit]:
        """Every unit, in the order in which they were added."""
        with self._base.transaction(), self._base.cursor("all_units") as cursor:
            cursor.itersize = BATCH
            for columns in cursor.execute(f"SELECT {COLUMNS} FROM dubash.units ORDER BY number"):
                yield read(columns)

    def count(self, *fields: str) -> dict[tuple[str, ...], int]:
        """How many units there are of each value of the fields, most first."""
        columns = ", ".join(each for each in COLUMNS.split(", ") if each in fields)
        query = (
            f"SELECT count(*), {columns} FROM dubash.units GROUP BY {columns} ORDER BY 1 DESC, 2"
        )
        return {tuple(values): number for number, *values in self._base.execute(query)}

    def exact(self, text: str) -> Iterator[tuple[int, TranslationUnit]]:
        """The units with exactly this source."""
        return self._units("source = %s", [text])

    def alike(self, text: str, least: int) -> Iterator[tuple[int, TranslationUnit]]:
        """See `Store`."""
        frequencies = dict(
            self._base.execute(
                "SELECT trigram, units FROM dubash.frequency WHERE trigram = ANY(%s)",
                [list(trigrams(text))],
            ).fetchall()
        )
        known = indexed(text)
        patterns = [f"%{_mapped(trigram)}%" for trigram in rarest(text, frequencies)]
        if not patterns:
            return iter(())
        low, high = len(known) * least // 100, len(known) * 100 // max(least, 1) + 1
        # a part for each: with LIKE ANY each row found would be held against all of them
        having = (
            "SELECT number FROM dubash.units WHERE letters LIKE %s AND length(letters) BETWEEN "
        )
        parts = " UNION ALL ".join([having + f"{low} AND {high}"] * len(patterns))
        return self._units(
            f"number IN (SELECT number FROM ({parts}) AS sharing GROUP BY number "
            f"ORDER BY count(*) DESC LIMIT {MOST_FETCHED})",
            patterns,
        )

    def _units(self, where: str, given: Sequence[Any]) -> Iterator[tuple[int, TranslationUnit]]:
        query = f"SELECT number, {COLUMNS} FROM dubash.units WHERE {where}"
        for number, *columns in self._base.execute(query, given):
            yield number, read(columns)

    def _value(self, query: str, given: Sequence[Any] = ()) -> Any:
        row = self._base.execute(query, given).fetchone()
        return row[0] if row else None


def _said(error: Exception) -> str:
    """The server's words, one line."""
    return " ".join(str(error).split())[:300]

"""Scores of single rows that were computed before, kept in the cache by what they are of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from dubash.core.errors import MetricError
from dubash.core.files import sha256_text
from dubash.evaluate.rowwise import Segment


class KeptScores:
    """The scores of one metric: its signature says the model's content and the program's version,
    so that a score is only ever found again for the same of both and the same three texts."""

    def __init__(self, path: Path, signature: str) -> None:
        self.path, self.signature = path, signature

    def known(self, segments: Sequence[Segment]) -> dict[Segment, float]:
        """The scores there are of these segments."""
        with self._open() as database:
            question = "SELECT score FROM scores WHERE key = ?"
            found = ((each, database.execute(question, self._key(each))) for each in segments)
            return {each: row[0] for each, answer in found if (row := answer.fetchone())}

    def keep(self, scores: Iterable[tuple[Segment, float]]) -> None:
        """Add scores; they last when this returns."""
        with self._open() as database, database:
            rows = [(*self._key(each), score) for each, score in scores]
            database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows)

    def _key(self, segment: Segment) -> tuple[bytes]:
        return (bytes.fromhex(sha256_text(self.signature, *segment)),)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as database:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS scores "
                    "(key BLOB PRIMARY KEY, score REAL NOT NULL) WITHOUT ROWID"
                )
                yield database
        except sqlite3.DatabaseError as error:
            raise MetricError(
                f"the scores kept of earlier evaluations cannot be read or written ({error}).",
                where=str(self.path),
                fix="Remove the file; what is in it will be computed again.",
            ) from error

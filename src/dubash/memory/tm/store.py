"""Where units are kept: what every kind of store can do, and how a unit becomes its columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, Self

from dubash.memory.tm.unit import TranslationUnit, content_as_json, content_from_json

BATCH = 20_000
"""Units that are committed together: those that were acknowledged are never lost."""

CANDIDATES = 1000
"""Units compared by edit distance, those that share most of the trigrams read."""

TEXTS = (
    "source", "target", "source_language", "target_language", "document", "previous", "following",
    "origin", "created", "changed", "creator",
)  # fmt: skip
COLUMNS = ", ".join((*TEXTS, "source_content", "target_content", "facts"))

Found = Iterator[tuple[int, TranslationUnit]]
"""Units, each with the number by which its store knows it."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of units handed over: how many are new, and how many were there already."""

    new: int
    known: int


class Store(Protocol):
    """A file, or a server that several share. To be closed by leaving `with`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def __len__(self) -> int: ...

    def add(self, units: Iterable[TranslationUnit]) -> Iterator[Added]:
        """Add units, `BATCH` at a time; each batch is safe when its counts come.

        A unit is known already where texts, tags, languages, document and neighbours are the same.
        """
        ...

    def all(self) -> Iterator[TranslationUnit]:
        """Every unit, in the order in which they were added."""
        ...

    def count(self, *fields: str) -> dict[tuple[str, ...], int]:
        """How many units there are of each value of the fields, most first."""
        ...

    def exact(self, text: str) -> Found:
        """The units with exactly this source."""
        ...

    def alike(self, text: str, least: int) -> Found:
        """Units whose source may be at least `least` percent alike to the text, those that share
        most of the trigrams read first. Not all of them need be: the edit distance decides."""
        ...


def batches(units: Iterable[TranslationUnit], size: int) -> Iterator[list[TranslationUnit]]:
    """The units, so many at a time, as they come."""
    waiting = iter(units)
    while batch := list(islice(waiting, size)):
        yield batch


def written(unit: TranslationUnit) -> tuple[str, ...]:
    """A unit as the values of `COLUMNS`."""
    texts = [getattr(unit, each) for each in TEXTS]
    return (
        *texts, _packed(content_as_json(unit.source_content)),
        _packed(content_as_json(unit.target_content)), _packed(unit.facts),
    )  # fmt: skip


def _packed(pieces: Sequence[Any]) -> str:
    return json.dumps(pieces, ensure_ascii=False) if pieces else ""


def read(columns: Sequence[str]) -> TranslationUnit:
    """The reverse."""
    *texts, source, target, facts = columns
    return TranslationUnit(
        **dict(zip(TEXTS, texts, strict=True)),
        source_content=content_from_json(json.loads(source)) if source else (),
        target_content=content_from_json(json.loads(target)) if target else (),
        facts=tuple((name, value) for name, value in json.loads(facts)) if facts else (),
    )


def identity_of(unit: TranslationUnit) -> bytes:
    """16 bytes that two units share only where they say the same of the same place."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (
        unit.source, unit.target, unit.source_language, unit.target_language, unit.document,
        unit.previous, unit.following, _packed(content_as_json(unit.source_content)),
        _packed(content_as_json(unit.target_content)),
    ):  # fmt: skip
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.digest()

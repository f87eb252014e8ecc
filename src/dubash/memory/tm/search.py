"""What in a memory is most like a segment: exact first, then by edit distance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dubash.memory.tm.match import EXACT, Match, Query, best
from dubash.memory.tm.unit import TranslationUnit

Found = Iterator[tuple[int, TranslationUnit]]


class Store(Protocol):
    """Where units are kept: a file, or a server that several share."""

    def exact(self, text: str) -> Found:
        """The units with exactly this source, each with its number."""
        ...

    def alike(self, text: str, least: int) -> Found:
        """Units whose source may be at least `least` percent alike to the text."""
        ...


def search(memory: Store, query: Query, least: int, most: int) -> list[Match]:
    """The `most` best matches of at least `least` percent, best first."""
    exact = best(query, memory.exact(query.text), least, most)
    if len(exact) >= most:
        return exact
    fuzzy = best(query, memory.alike(query.text, least), least, most + len(exact))
    return (exact + [each for each in fuzzy if each.percent < EXACT])[:most]

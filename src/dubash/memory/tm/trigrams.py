"""Which units may be like a text: those that share its rarer runs of three characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

POSTINGS = 120_000
"""Places in the index that one search reads, about."""


def indexed(text: str) -> str:
    """A text as an index has it: in lower case, between marks of its beginning and end, so that of
    two short texts that differ in the middle (保存する, 保有する) a trigram is the same."""
    return f"\x02{text.lower()}\x03"


def trigrams(text: str) -> set[str]:
    """The runs of three characters in a text as an index has it."""
    known = indexed(text)
    return set(map("".join, zip(known, known[1:], known[2:], strict=False)))


def rarest(text: str, units: Mapping[str, int]) -> Iterator[str]:
    """The text's trigrams to look up, rarest first, until their `units` come to `POSTINGS`; those
    that `units` does not count are in no unit.

    Those that overlap with a rarer one come last: one changed character spoils all of them alike.
    """
    known = indexed(text)
    places = [at for at in range(len(known) - 2) if known[at : at + 3] in units]
    places.sort(key=lambda at: units[known[at : at + 3]])
    taken: set[int] = set()
    apart: list[str] = []
    overlapping: list[str] = []
    for at in places:
        span = range(at, at + 3)
        if taken.isdisjoint(span):
            apart.append(known[at : at + 3])
            taken.update(span)
        else:
            overlapping.append(known[at : at + 3])
    read = 0
    for trigram in dict.fromkeys(apart + overlapping):
        if read and read + units[trigram] > POSTINGS:
            return
        read += units[trigram]
        yield trigram

"""Exact search for near-duplicates: Jaccard similarity of character 5-grams, with no misses.

Prefix filtering (Bayardo, Ma, Srikant 2007, "Scaling Up All Pairs Similarity Search"; Xiao et al.
2008, PPJoin): with all grams in one order, two sets of sizes a and b whose Jaccard similarity is
at least t share a gram among the first a - ceil(t·a) + 1 of one and the first b - ceil(t·b) + 1 of
the other. With the rarest grams first, few sets meet there, and those are compared in full.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

GRAM = 5
_ROUNDING = 1e-9


def grams(text: str) -> set[str]:
    """The character 5-grams of a key; a shorter text is its own one gram."""
    if len(text) <= GRAM:
        return {text} if text else set()
    return {text[start : start + GRAM] for start in range(len(text) - GRAM + 1)}


def jaccard(left: set[str], right: set[str]) -> float:
    """Shared members over all members, 0 to 1; 0 for two empty sets."""
    shared = len(left & right)
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0


def count_grams(sets: Iterable[set[str]]) -> Counter[str]:
    """In how many of the sets each gram stands."""
    counts: Counter[str] = Counter()
    for each in sets:
        counts.update(each)
    return counts


class NearIndex:
    """Sets that can be searched for those at least `threshold` similar to another set."""

    def __init__(self, counts: Counter[str], threshold: float) -> None:
        """`counts` says how many of the sets to be added hold each gram (others hold none)."""
        ordered = sorted(counts, key=lambda gram: (counts[gram], gram))
        self._rank = {gram: rank for rank, gram in enumerate(ordered)}
        self._threshold = threshold
        self._members: list[tuple[int, ...]] = []
        self._sizes: list[int] = []
        self._found_under: dict[int, list[int]] = {}

    def ranked(self, members: Iterable[str]) -> tuple[int, ...]:
        """A set as `add` and `near` take it: the ranks of its grams, rarest first; those that no
        added set holds are -1 each, and so come first.
        """
        rank = self._rank
        return tuple(sorted([rank.get(member, -1) for member in members]))

    def _prefix(self, size: int) -> int:
        return size - math.ceil(self._threshold * size - _ROUNDING) + 1

    def add(self, ranked: tuple[int, ...]) -> int:
        """Add a set; returns its number, counted from 0."""
        number = len(self._members)
        self._members.append(ranked)
        self._sizes.append(len(ranked))
        for rank in ranked[: self._prefix(len(ranked))]:
            self._found_under.setdefault(rank, []).append(number)
        return number

    def near(self, ranked: tuple[int, ...]) -> Iterator[tuple[int, float]]:
        """All added sets at least `threshold` similar to this one: (number, similarity)."""
        size = len(ranked)
        if not size:
            return
        lists = [
            self._found_under[rank]
            for rank in ranked[: self._prefix(size)]
            if rank in self._found_under
        ]
        if not lists:
            return
        least, most = self._threshold * size - _ROUNDING, size / self._threshold + _ROUNDING
        sizes, shared_with = self._sizes, set(ranked).intersection
        alike = [each for each in set().union(*lists) if least <= sizes[each] <= most]
        for number in sorted(alike):
            shared = len(shared_with(self._members[number]))
            similarity = shared / (size + sizes[number] - shared)
            if similarity >= self._threshold:
                yield number, similarity

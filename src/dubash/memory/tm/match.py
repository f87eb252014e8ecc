"""How alike a segment and one in the memory are, as translators count it.

101 is the same text between the same neighbours, 100 the same text, below that the percentage of
characters that stay by edit distance (Levenshtein: insertions, deletions and substitutions over the
length of the longer one), rounded down and at most 99. Formatting tags do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from dubash.memory.tm.unit import TranslationUnit

IN_CONTEXT = 101
EXACT = 100


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: a source segment, and its neighbours where they are known."""

    text: str
    previous: str = ""
    following: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A unit of the memory, its `percent`, and the number by which the memory knows it."""

    unit: TranslationUnit
    percent: int
    number: int


def percent(query: Query, unit: TranslationUnit, least: int = 0) -> int:
    """The likeness of a query to a unit's source; 0 where it is below `least`."""
    if query.text == unit.source:
        around = (query.previous, query.following)
        same = any(around) and around == (unit.previous, unit.following)
        return IN_CONTEXT if same else EXACT
    return fuzzy(query.text, unit.source, least)


def fuzzy(one: str, other: str, least: int = 0) -> int:
    """The percentage of two different texts, rounded down; 0 where it is below `least`."""
    longer = max(len(one), len(other))
    most = longer * (100 - least) // 100
    distance = Levenshtein.distance(one, other, score_cutoff=most)
    return 0 if distance > most else min(99, 100 * (longer - distance) // longer)


def best(
    query: Query, found: Iterable[tuple[int, TranslationUnit]], least: int, most: int
) -> list[Match]:
    """The best matches among what a memory found, best first; of equals the newest."""
    matches = [Match(unit, percent(query, unit, least), number) for number, unit in found]
    kept = [each for each in matches if each.percent >= least]
    kept.sort(
        key=lambda each: (each.percent, each.unit.changed or each.unit.created, each.number),
        reverse=True,
    )
    return kept[:most]

"""Mimicry: long pieces of training targets in a hypothesis whose source does not call for them.

A collapsed model answers with what it was trained on. A piece is copied where a hypothesis shares
at least so many characters in a row with a training target; it is called for where the source of
a training row that holds it is like the source at hand. Characters, not words, so that it works
for scripts without spaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dubash.core.languages import Language, script_of
from dubash.core.types import Pair
from dubash.evaluate.behaviour.text import WIDE_SCRIPTS, folded
from dubash.evaluate.options import BehaviourOptions

_MOST_ROWS = 100
"""Training rows that are looked at for one piece: a limit on the work."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A piece of a hypothesis that stands in the target of a training row as well."""

    start: int
    end: int
    row: Pair


class TrainingIndex:
    """The training targets, searchable for long pieces that a text shares with them.

    Of each target, the hashes of pieces of half the wanted length are kept, so far apart that
    every piece of the wanted length holds a whole one. Memory: 16 bytes for each, about three a
    row for sentences, and the folded targets themselves.
    """

    def __init__(self, rows: Sequence[Pair], target: Language, options: BehaviourOptions) -> None:
        """`rows` are the training rows; of empty ones there is nothing to find."""
        wide = target.scripts[0] in WIDE_SCRIPTS
        self.least = options.mimicry_characters // (2 if wide else 1)
        self._seed = self.least // 2
        self._rows = rows
        self._options = options
        self._targets = [folded(row.target) for row in rows]
        hashes, places = [], []
        stride = self.least - self._seed + 1
        for number, text in enumerate(self._targets):
            for start in range(0, len(text) - self._seed + 1, stride):
                hashes.append(hash(text[start : start + self._seed]))
                places.append((number, start))
        order = np.argsort(np.array(hashes, dtype=np.int64), kind="stable")
        self._hashes = np.array(hashes, dtype=np.int64)[order]
        self._places = np.array(places, dtype=np.int32).reshape(-1, 2)[order]

    def uncalled(self, text: str, row: Pair) -> tuple[str, Pair] | None:
        """The longest piece of the hypothesis that is copied and not called for, with the training
        row that it stands in; None where there is none. The reference calls for what it says."""
        inside = folded(text)
        found = list(self._copied(inside))
        if not found:
            return None
        called = [False] * len(inside)
        strange: list[Copied] = []
        asked, reference = _grams(row.source), folded(row.target)
        for copied in found:
            if inside[copied.start : copied.end] in reference or self._is_called_for(copied, asked):
                called[copied.start : copied.end] = [True] * (copied.end - copied.start)
            else:
                strange.append(copied)
        pieces = ((self._left(each, called), each.row) for each in strange)
        (start, end), source = max(
            pieces, key=lambda found: found[0][1] - found[0][0], default=((0, 0), None)
        )
        if source is None or end - start < self.least:
            return None
        return inside[start:end], source

    def _copied(self, text: str) -> Iterator[Copied]:
        """Every piece of the wanted length or more that a training target shares, once a row."""
        size = self._seed
        if len(text) < self.least or not len(self._hashes):
            return
        wanted = np.array([hash(text[i : i + size]) for i in range(len(text) - size + 1)])
        first = np.searchsorted(self._hashes, wanted)
        inside = np.minimum(first, len(self._hashes) - 1)
        seen: set[tuple[int, int]] = set()
        for start in np.flatnonzero(self._hashes[inside] == wanted).tolist():
            place = int(first[start])
            last = min(place + _MOST_ROWS, len(self._hashes))
            while place < last and self._hashes[place] == wanted[start]:
                number, there = self._places[place].tolist()
                place += 1
                if (number, start - there) not in seen:
                    seen.add((number, start - there))
                    begin, end = _stretch(text, start, self._targets[number], there, size)
                    if end - begin >= self.least:
                        yield Copied(begin, end, self._rows[number])

    def _is_called_for(self, copied: Copied, asked: set[str]) -> bool:
        """Whether the training row's source is like the source at hand, as far as the piece is of
        its target (counted as half of it at least)."""
        theirs = _grams(copied.row.source)
        part = (copied.end - copied.start) / max(1, len(folded(copied.row.target)))
        wanted = self._options.mimicry_source * max(part, 0.5)
        return len(theirs & asked) >= wanted * len(theirs)

    def _left(self, copied: Copied, called: list[bool]) -> tuple[int, int]:
        """The longest part of the piece that nothing called for."""
        best, start = (copied.start, copied.start), copied.start
        for place in range(copied.start, copied.end + 1):
            if place == copied.end or called[place]:
                if place - start > best[1] - best[0]:
                    best = (start, place)
                start = place + 1
        return best


def _grams(source: str) -> set[str]:
    """The 5-grams of a source; pairs of characters where it is Chinese, Japanese or Korean."""
    text = folded(source)
    size = 2 if any(script_of(each) in WIDE_SCRIPTS for each in text) else 5
    return {text[start : start + size] for start in range(max(1, len(text) - size + 1))}


def _stretch(text: str, here: int, other: str, there: int, size: int) -> tuple[int, int]:
    """The longest common piece around a common one: where it begins and ends in the text."""
    if text[here : here + size] != other[there : there + size]:
        return here, here
    begin, end = here, here + size
    offset = there - here
    while begin and begin + offset and text[begin - 1] == other[begin - 1 + offset]:
        begin -= 1
    while end < len(text) and end + offset < len(other) and text[end] == other[end + offset]:
        end += 1
    return begin, end

"""What rows have in common with other rows: exact by key, near by similarity, on either side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from dubash.core.progress import silent
from dubash.core.types import Advance, Pair
from dubash.data.normalise import key
from dubash.data.similarity import NearIndex, count_grams, grams

SHOWN = 5
"""Examples of near-duplicates kept."""

Side = Literal["source", "target"]
SIDES: tuple[Side, Side] = ("source", "target")

Kind = Literal["pair", "source", "target", "crossed"]
KINDS: tuple[Kind, ...] = ("pair", "source", "target", "crossed")
"""What is the same: `crossed` is a text that stands on the other side, as data of the reversed
direction has it."""


class Keyed:
    """A split with the keys of its sides, worked out once."""

    def __init__(self, rows: Sequence[Pair]) -> None:
        self.rows = rows
        self.keys = {
            "source": [key(row.source) for row in rows],
            "target": [key(row.target) for row in rows],
        }
        self.first = {
            side: {each: i for i, each in reversed(list(enumerate(keys)))}
            for side, keys in self.keys.items()
        }


def in_common(other: Sequence[Pair], held_out: Sequence[Pair], threshold: float) -> dict[str, Any]:
    """What the held-out rows have in common with others, as `counts` has it. A side of the others
    may be empty."""
    one, two = Keyed(other), Keyed(held_out)
    return counts(one, two, near_rows(one, two, threshold, silent))


NearRows = dict[tuple[int, Side], tuple[float, int]]
"""By held-out row and side: how near the nearest row of the other split is, and which it is."""


def near_rows(other: Keyed, held_out: Keyed, threshold: float, advance: Advance) -> NearRows:
    """Held-out rows with a near-duplicate in the other split; those with the same key not."""
    best: NearRows = {}
    for side in SIDES:
        nearest = _nearest(list(held_out.first[side]), other.first[side], threshold, advance)
        advance(len(other.rows) - len(other.first[side]))  # repeated texts are looked up once
        for i, text in enumerate(held_out.keys[side]):
            if text in nearest:
                similarity, found = nearest[text]
                best[i, side] = (similarity, other.first[side][found])
    return best


def examples(other: Keyed, held_out: Keyed, near: NearRows) -> dict[str, Any]:
    """How many held-out rows have a near-duplicate, and the nearest of them."""
    ordered = sorted(near.items(), key=lambda item: (-item[1][0], item[0]))
    examples = [
        {
            "a": getattr(other.rows[found], side),
            "b": getattr(held_out.rows[i], side),
            "similarity": round(similarity, 4),
            "side": side,
            "a_origin": other.rows[found].origin,
            "b_origin": held_out.rows[i].origin,
        }
        for (i, side), (similarity, found) in ordered[:SHOWN]
    ]
    return {"count": len({i for i, _ in near}), "examples": examples}


def counts(other: Keyed, held_out: Keyed, near: NearRows) -> dict[str, Any]:
    """How many of the held-out `rows` share what with the others.

    `exact` counts by `Kind`, by key and whatever the length; a row counts once for each that holds
    of it, and as `crossed` only for a text that does not stand on its own side as well. `near`
    counts near-duplicates by side.
    """
    pairs = set(zip(other.keys["source"], other.keys["target"], strict=True))
    exact: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    for source, target in zip(held_out.keys["source"], held_out.keys["target"], strict=True):
        there = {
            (side, text): bool(text) and text in other.first[side]
            for side in SIDES
            for text in (source, target)
        }
        exact["pair"] += bool(source) and (source, target) in pairs
        exact["source"] += there["source", source]
        exact["target"] += there["target", target]
        exact["crossed"] += (there["source", target] and not there["target", target]) or (
            there["target", source] and not there["source", source]
        )
    sides = [side for _, side in near]
    return {
        "rows": len(held_out.rows),
        "exact": exact,
        "near": {side: sides.count(side) for side in SIDES},
    }


def _nearest(
    held_out: list[str], other: dict[str, int], threshold: float, advance: Advance
) -> dict[str, tuple[float, str]]:
    """For each held-out key with a near one in `other`: the highest similarity, and that key."""
    sets = [grams(text) for text in held_out]
    index = NearIndex(count_grams(sets), threshold)
    for members in sets:
        index.add(index.ranked(members))
    nearest: dict[str, tuple[float, str]] = {}
    for text in other:
        for number, similarity in index.near(index.ranked(grams(text))):
            mine = held_out[number]
            if mine != text and similarity > nearest.get(mine, (0.0, ""))[0]:
                nearest[mine] = (similarity, text)
        advance(1)
    return nearest

"""The leak guard: rows of dev and test that stand in train, or in each other, stop the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dubash.core.errors import LeakError
from dubash.core.progress import silent
from dubash.core.types import Advance, Pair
from dubash.data.normalise import key
from dubash.data.similarity import NearIndex, count_grams, grams
from dubash.data.splits import SHORT_TARGET, Splits

SPLIT_PAIRS = (("train", "test"), ("train", "dev"), ("dev", "test"))
"""Which splits are held against each other; the second of each is the one to be held out."""

SHORT_SHARE = 0.01
"""Of the held-out rows: so many may share a source of fewer than `SHORT_TARGET` characters ("Oh
no!") with the other split, as any two corpora do. More would raise the score."""

SHOWN = 5
"""Rows shown in an error, and examples of near-duplicates kept."""

Kind = Literal["pair", "source", "target", "crossed"]
"""What is the same: `crossed` is a text that stands on the other side, as data of the reversed
direction has it."""

_WORDS: dict[Kind, str] = {
    "pair": "the same pair", "source": "the same source", "target": "the same target",
    "crossed": "the same text on the other side",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-out row and the row it was found in; `kind` is what of it is the same, and `side` the
    held-out row's own side of that."""

    kind: Kind
    held_out: Pair
    found_in: Pair
    side: Literal["source", "target"] = "source"


class _Keyed:
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


def guard(splits: Splits, threshold: float, advance: Advance = silent) -> dict[str, Any]:
    """Check train against test, train against dev, and dev against test.

    Raises LeakError where a held-out row's pair, its source, or its target of at least
    `SHORT_TARGET` characters stands in the other split, by key, or a side that long on the other
    side; but for a few short ones (`SHORT_SHARE`). Rows without a source (monolingual text) are
    held by their targets alone. Otherwise returns the account: short segments in common, and
    near-duplicates on either side (Jaccard similarity of character
    5-grams ≥ `threshold`) counted in held-out rows, with the nearest as examples. `advance` is
    called up to `steps(splits)`.
    """
    keyed = {name: _Keyed(rows) for name, rows in splits._asdict().items()}
    checked = [pair for pair in SPLIT_PAIRS if all(keyed[name].rows for name in pair)]
    short = {}
    found: dict[tuple[str, str], list[Leak]] = {}
    for pair in checked:
        leaks, short["-".join(pair)] = _exact(keyed[pair[0]], keyed[pair[1]])
        if leaks:
            found[pair] = leaks
    if found:
        raise _error(found)
    near = {
        "-".join(pair): _near(keyed[pair[0]], keyed[pair[1]], threshold, advance)
        for pair in checked
    }
    return {
        "pairs": [list(pair) for pair in checked],
        "near_duplicates": near,
        "short_targets": short,
        "threshold": threshold,
    }


def steps(splits: Splits) -> int:
    """How many segments `guard` looks up, for progress."""
    named = splits._asdict()
    return sum(2 * len(named[one]) for one, other in SPLIT_PAIRS if named[one] and named[other])


def _exact(other: _Keyed, held_out: _Keyed) -> tuple[list[Leak], int]:
    """Held-out rows that stand in the other split, and how many share but a short segment."""
    pairs = {
        sides: i
        for i, sides in enumerate(zip(other.keys["source"], other.keys["target"], strict=True))
    }
    leaks, short = [], 0
    for i, row in enumerate(held_out.rows):
        source, target = held_out.keys["source"][i], held_out.keys["target"][i]
        kind: Kind
        side: Literal["source", "target"] = "source"
        if source and (source, target) in pairs:
            kind, found = "pair", pairs[source, target]
        elif source and source in other.first["source"]:
            kind, found = "source", other.first["source"][source]
        elif target in other.first["target"] and len(target) >= SHORT_TARGET:
            kind, side, found = "target", "target", other.first["target"][target]
        elif target in other.first["source"] and len(target) >= SHORT_TARGET:
            kind, side, found = "crossed", "target", other.first["source"][target]
        elif source in other.first["target"] and len(source) >= SHORT_TARGET:
            kind, found = "crossed", other.first["target"][source]
        else:
            short += target in other.first["target"]
            continue
        leaks.append(Leak(kind, row, other.rows[found], side))
    long = [
        leak
        for leak in leaks
        if leak.kind in ("target", "crossed")
        or len(key(leak.held_out.source)) >= SHORT_TARGET
        or (
            len(target := key(leak.held_out.target)) >= SHORT_TARGET
            and target in other.first["target"]
        )
    ]
    brief = len(leaks) - len(long)
    return (long, short + brief) if brief <= SHORT_SHARE * len(held_out.rows) else (leaks, short)


def _error(found: dict[tuple[str, str], list[Leak]]) -> LeakError:
    """One message for all leaks: counts by kind, the first rows with where they were read."""
    summary, rows = [], []
    for (other, held_out), leaks in found.items():
        kinds = [leak.kind for leak in leaks]
        counts = ", ".join(
            f"{kinds.count(kind)} with {words}" for kind, words in _WORDS.items() if kind in kinds
        )  # fmt: skip
        stand = "row stands" if len(leaks) == 1 else "rows stand"
        summary.append(f"{len(leaks)} {held_out} {stand} in {other} ({counts})")
        rows += [
            f"  {leak.held_out.origin} ({held_out}) = {leak.found_in.origin} ({other}), "
            f"{_WORDS[leak.kind].removeprefix('the ')}: {_excerpt(leak)}"
            for leak in leaks
        ]
    more = f"\n  … and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return LeakError(
        f"leak: {'; '.join(summary)}. Case, punctuation, white space and Unicode form aside:\n"
        + "\n".join(rows[:SHOWN])
        + more
        + "\n",
        fix="A score on rows that were trained on says nothing. Take these rows out of the "
        "training data, or leave data.dev and data.test out, so that dubash cuts splits that "
        "share nothing.",
    )


def _excerpt(leak: Leak) -> str:
    text = getattr(leak.held_out, leak.side)
    line = " ".join(text.split())
    return f"“{line if len(line) <= 80 else line[:79] + '…'}”"


def _near(other: _Keyed, held_out: _Keyed, threshold: float, advance: Advance) -> dict[str, Any]:
    """Held-out rows with a near-duplicate in the other split; those with the same key not."""
    best: dict[tuple[int, str], tuple[float, int]] = {}
    for side in ("source", "target"):
        nearest = _nearest(list(held_out.first[side]), other.first[side], threshold, advance)
        advance(len(other.rows) - len(other.first[side]))  # repeated texts are looked up once
        for i, text in enumerate(held_out.keys[side]):
            if text in nearest:
                similarity, found = nearest[text]
                best[i, side] = (similarity, other.first[side][found])
    ordered = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
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
    return {"count": len({i for i, _ in best}), "examples": examples}


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

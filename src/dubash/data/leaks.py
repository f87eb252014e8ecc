"""The leak guard: rows of dev and test that stand in train, or in each other, stop the run.

`find` says what the splits have in common, `guard` refuses what no score would survive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dubash.core.errors import LeakError
from dubash.core.progress import silent
from dubash.core.types import Advance, Pair
from dubash.data.normalise import key
from dubash.data.overlap import Keyed, Kind, Side, counts, examples, near_rows
from dubash.data.splits import SHORT_TARGET, Splits

SPLIT_PAIRS = (("train", "test"), ("train", "dev"), ("dev", "test"))
"""Which splits are held against each other; the second of each is the one to be held out."""

SHORT_SHARE = 0.01
"""Of the held-out rows: so many may share a source of fewer than `SHORT_TARGET` characters ("Oh
no!") with the other split, as any two corpora do. More would raise the score."""

SHOWN = 5
"""Rows shown in an error."""

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
    side: Side = "source"


@dataclass(frozen=True, slots=True)
class Found:
    """What splits have in common.

    `leaks` holds what `guard` refuses, by (other split, held-out split), and no empty list. By
    `other-held_out`, such as `train-test`: `short`, held-out rows that share but a short segment;
    `near`, held-out rows with a near-duplicate (`count`) and the nearest (`examples`); `matrix`,
    what `overlap.counts` counts.
    """

    pairs: tuple[tuple[str, str], ...]
    leaks: dict[tuple[str, str], list[Leak]]
    short: dict[str, int]
    near: dict[str, dict[str, Any]]
    matrix: dict[str, dict[str, Any]]
    threshold: float

    def account(self) -> dict[str, Any]:
        """It as the data's account keeps it."""
        return {
            "pairs": [list(pair) for pair in self.pairs],
            "near_duplicates": self.near,
            "short_targets": self.short,
            "matrix": self.matrix,
            "threshold": self.threshold,
        }


def guard(splits: Splits, threshold: float, advance: Advance = silent) -> dict[str, Any]:
    """Check train against test, train against dev, and dev against test.

    Raises LeakError for what `find` calls a leak, before near-duplicates are looked for. Otherwise
    returns the account (`Found.account`). `advance` is called up to `steps(splits)`.
    """
    keyed = _checked(splits)
    exact = {pair: _exact(*both) for pair, both in keyed.items()}
    if any(leaks for leaks, _ in exact.values()):
        raise _error({pair: leaks for pair, (leaks, _) in exact.items() if leaks})
    return _found(keyed, exact, threshold, advance).account()


def find(splits: Splits, threshold: float, advance: Advance = silent) -> Found:
    """What train and test, train and dev, and dev and test have in common; refuses nothing.

    A leak is a held-out row whose pair, source, or target of at least `SHORT_TARGET` characters
    stands in the other split, by key, or a side that long on the other side; but for a few short
    ones (`SHORT_SHARE`). Rows without a source (monolingual text) are held by their targets alone.
    Near-duplicates have on either side a Jaccard similarity of character 5-grams ≥ `threshold`.
    `advance` is called up to `steps(splits)`.
    """
    keyed = _checked(splits)
    exact = {pair: _exact(*both) for pair, both in keyed.items()}
    return _found(keyed, exact, threshold, advance)


def _checked(splits: Splits) -> dict[tuple[str, str], tuple[Keyed, Keyed]]:
    """The splits that are held against each other, those without rows left out."""
    keyed = {name: Keyed(rows) for name, rows in splits._asdict().items() if rows}
    return {
        (other, held_out): (keyed[other], keyed[held_out])
        for other, held_out in SPLIT_PAIRS
        if other in keyed and held_out in keyed
    }


def _found(
    keyed: dict[tuple[str, str], tuple[Keyed, Keyed]],
    exact: dict[tuple[str, str], tuple[list[Leak], int]],
    threshold: float,
    advance: Advance,
) -> Found:
    near, matrix = {}, {}
    for pair, (other, held_out) in keyed.items():
        rows = near_rows(other, held_out, threshold, advance)
        near["-".join(pair)] = examples(other, held_out, rows)
        matrix["-".join(pair)] = counts(other, held_out, rows)
    return Found(
        tuple(keyed),
        {pair: leaks for pair, (leaks, _) in exact.items() if leaks},
        {"-".join(pair): short for pair, (_, short) in exact.items()},
        near,
        matrix,
        threshold,
    )


def leaked_test_rows(leaks: Mapping[str, Any]) -> list[int]:
    """The numbers, from 0, of the test rows that stand in training, by the `leaks` of an account:
    an audit scores none of them, and in a run there are none."""
    exact: Mapping[str, Any] = leaks.get("exact") or {}
    return sorted((exact.get("train-test") or {}).get("rows", []))


def near_test_rows(leaks: Mapping[str, Any]) -> list[int]:
    """The numbers among the scored rows, from 0, of those with a near-duplicate in training."""
    found: Mapping[str, Any] = (leaks.get("matrix") or {}).get("train-test") or {}
    out = leaked_test_rows(leaks)
    kept = [each for each in found.get("near_rows", []) if each not in set(out)]
    return [each - sum(gone < each for gone in out) for each in kept]


def near_test_count(leaks: Mapping[str, Any]) -> int:
    """How many of the scored rows have a near-duplicate in training; of all test rows in an account
    that an earlier version wrote, which did not number them."""
    if "train-test" in (leaks.get("matrix") or {}):
        return len(near_test_rows(leaks))
    found: Mapping[str, Any] = (leaks.get("near_duplicates") or {}).get("train-test") or {}
    return int(found.get("count", 0))


def steps(splits: Splits) -> int:
    """How many segments `guard` looks up, for progress."""
    named = splits._asdict()
    return sum(2 * len(named[one]) for one, other in SPLIT_PAIRS if named[one] and named[other])


def _exact(other: Keyed, held_out: Keyed) -> tuple[list[Leak], int]:
    """Held-out rows that stand in the other split, and how many share but a short segment."""
    pairs = {
        sides: i
        for i, sides in enumerate(zip(other.keys["source"], other.keys["target"], strict=True))
    }
    leaks, short = [], 0
    for i, row in enumerate(held_out.rows):
        source, target = held_out.keys["source"][i], held_out.keys["target"][i]
        kind: Kind
        side: Side = "source"
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


def summary(pair: tuple[str, str], leaks: Sequence[Leak]) -> str:
    """`3 test rows stand in train (2 with the same pair, 1 with the same target)`"""
    other, held_out = pair
    kinds = [leak.kind for leak in leaks]
    counts = ", ".join(
        f"{kinds.count(kind)} with {words}" for kind, words in _WORDS.items() if kind in kinds
    )
    stand = "row stands" if len(leaks) == 1 else "rows stand"
    return f"{len(leaks)} {held_out} {stand} in {other} ({counts})"


def excerpt(leak: Leak) -> str:
    """The beginning of the held-out row's text that leaked, in quotes."""
    text = getattr(leak.held_out, leak.side)
    line = " ".join(text.split())
    return f"“{line if len(line) <= 80 else line[:79] + '…'}”"


def _error(found: dict[tuple[str, str], list[Leak]]) -> LeakError:
    """One message for all leaks: counts by kind, the first rows with where they were read."""
    told = [summary(pair, leaks) for pair, leaks in found.items()]
    rows = [
        f"  {leak.held_out.origin} ({held_out}) = {leak.found_in.origin} ({other}), "
        f"{_WORDS[leak.kind].removeprefix('the ')}: {excerpt(leak)}"
        for (other, held_out), leaks in found.items()
        for leak in leaks
    ]
    more = f"\n  … and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return LeakError(
        f"leak: {'; '.join(told)}. Case, punctuation, white space and Unicode form aside:\n"
        + "\n".join(rows[:SHOWN])
        + more
        + "\n",
        fix="A score on rows that were trained on says nothing. Take these rows out of the "
        "training data, or leave data.dev and data.test out, so that dubash cuts splits that "
        "share nothing.",
    )

"""Splits: cut from one corpus so that nothing that belongs together is parted, and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dubash.core.errors import DataError
from dubash.core.files import sha256_text
from dubash.core.types import Pair
from dubash.data.normalise import key

SHORT_TARGET = 20
"""Characters of a target's key. Shorter ones ("Of course.") are common property, no leak."""


class Splits(NamedTuple):
    """Rows of each split, in the order they were read."""

    train: list[Pair]
    dev: list[Pair]
    test: list[Pair]


def fingerprint(rows: Iterable[Pair]) -> str:
    """Hex SHA-256 over source, target and document of the rows, in order (not their origins)."""
    return sha256_text(*(part for row in rows for part in (row.source, row.target, row.document)))


def groups(rows: Sequence[Pair]) -> list[list[int]]:
    """Row numbers that must stay together: same document, same source, or same long target.

    An empty source, as monolingual text has, is none. Same means: same key. What holds for a and b,
    and for b and c, joins a and c (union-find).
    """
    parent = list(range(len(rows)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        source, target = key(row.source), key(row.target)
        ties = [("source", source)] if source else []
        if row.document:
            ties.append(("document", row.document))
        if len(target) >= SHORT_TARGET:
            ties.append(("target", target))
        for tie in ties:
            parent[root(i)] = root(first.setdefault(tie, i))
    members: dict[int, list[int]] = {}
    for i in range(len(rows)):
        members.setdefault(root(i), []).append(i)
    return list(members.values())


def cut(rows: Sequence[Pair], dev_rows: int, test_rows: int, seed: int, told: str = "") -> Splits:
    """Cut at most `test_rows` and `dev_rows` rows off for test and dev, whole groups only.

    Groups (see `groups`) come in an order drawn from the seed and their texts, so each is as
    likely as the other and the order of the rows plays no part; test takes each that still fits,
    then dev of what is left. `told` says what the rows are left of, for messages. Raises DataError
    where there are too few rows, or no group fits.
    """
    if dev_rows + test_rows >= len(rows):
        asked = [("test_rows", test_rows), ("dev_rows", dev_rows)]
        named = " and ".join(f"data.{name} ({count})" for name, count in asked if count)
        raise DataError(
            f"{len(rows)} {'row is' if len(rows) == 1 else 'rows are'} too few"
            f"{f' ({told})' if told else ''}: {named} would leave none to train on.",
            fix="Set them lower, give data.dev and data.test, or give more data.",
        )
    digests = [_digest(seed, row) for row in rows]
    drawn = sorted(groups(rows), key=lambda group: sha256_text(*sorted(digests[i] for i in group)))
    test = _take(drawn, test_rows, "test")
    dev = _take([group for group in drawn if group[0] not in test], dev_rows, "dev")
    return Splits(
        [row for i, row in enumerate(rows) if i not in test and i not in dev],
        [row for i, row in enumerate(rows) if i in dev],
        [row for i, row in enumerate(rows) if i in test],
    )


def _take(drawn: list[list[int]], limit: int, split: str) -> set[int]:
    taken: set[int] = set()
    for group in drawn:
        if len(taken) + len(group) <= limit:
            taken.update(group)
    if limit and not taken:
        smallest = min(len(group) for group in drawn)
        raise DataError(
            f"no {split} rows can be cut: rows of one document, or with the same source or target, "
            f"stay together, and the smallest such group has {smallest} rows.",
            fix=f"Raise data.{split}_rows from {limit}, or check the document column.",
        )
    return taken


def cap(rows: Sequence[Pair], most: int | None, seed: int) -> tuple[list[Pair], list[Pair]]:
    """At most `most` rows, drawn by the seed whatever their order, and the rest of them."""
    if most is None or len(rows) <= most:
        return list(rows), []
    drawn = sorted(range(len(rows)), key=lambda i: _digest(seed, rows[i]))
    kept = set(drawn[:most])
    return (
        [row for i, row in enumerate(rows) if i in kept],
        [row for i, row in enumerate(rows) if i not in kept],
    )


def _digest(seed: int, row: Pair) -> str:
    return sha256_text(str(seed), row.source, row.target, row.document)

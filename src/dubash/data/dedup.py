"""Duplicates within a corpus: the same row again, and nearly the same row again."""

from __future__ import annotations

from collections.abc import Sequence

from dubash.core.progress import silent
from dubash.core.types import Advance, Pair
from dubash.data.normalise import key
from dubash.data.rows import Dropped
from dubash.data.similarity import NearIndex, count_grams, grams, jaccard


def remove_duplicates(
    rows: Sequence[Pair], threshold: float, advance: Advance = silent
) -> tuple[list[Pair], list[Dropped]]:
    """The rows without repetitions, in their order, and those taken out.

    A row goes when a kept row has the same key on both sides ("duplicate") or is at least
    `threshold` similar on both sides ("near-duplicate"). Which one stays hangs on the texts, not
    on the order of the rows: the last in code point order, so that of two spellings the one with
    accents, lower case and closing punctuation is kept.
    """
    order = sorted(
        range(len(rows)),
        key=lambda i: (rows[i].source, rows[i].target, rows[i].document),
        reverse=True,
    )
    first: dict[tuple[str, str], int] = {}
    gone: dict[int, Dropped] = {}
    for i in order:
        kept = first.setdefault((key(rows[i].source), key(rows[i].target)), i)
        if kept != i:
            gone[i] = Dropped(rows[i], "duplicate", f"of {rows[kept].origin}")
    advance(len(gone))
    gone |= _near_duplicates(rows, {i: sides for sides, i in first.items()}, threshold, advance)
    kept_rows = [row for i, row in enumerate(rows) if i not in gone]
    return kept_rows, [gone[i] for i in sorted(gone)]


def _near_duplicates(
    rows: Sequence[Pair], keys: dict[int, tuple[str, str]], threshold: float, advance: Advance
) -> dict[int, Dropped]:
    """Rows near an earlier kept one, in the order of `keys` (row number → source, target key).

    Both sides' grams, told apart, are searched as one set: where each side's similarity is at
    least t, so is that of the two together, so none is missed; each find is then checked by side.
    """
    counts = count_grams(_both(source, target) for source, target in keys.values())
    index = NearIndex(counts, threshold)
    numbers: list[int] = []
    gone: dict[int, Dropped] = {}
    for i, (source, target) in keys.items():
        ranked = index.ranked(_both(source, target))
        for number, _ in index.near(ranked):
            kept = numbers[number]
            if _near(source, keys[kept][0], threshold) and _near(target, keys[kept][1], threshold):
                gone[i] = Dropped(rows[i], "near-duplicate", f"of {rows[kept].origin}")
                break
        else:
            index.add(ranked)
            numbers.append(i)
        advance(1)
    return gone


def _both(source: str, target: str) -> set[str]:
    # no key holds a tab, so the target's grams cannot meet the source's
    return grams(source) | {f"\t{gram}" for gram in grams(target)}


def _near(left: str, right: str, threshold: float) -> bool:
    return left == right or jaccard(grams(left), grams(right)) >= threshold

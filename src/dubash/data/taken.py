"""Rows that another tool has used, as they are: none is refused for what it holds, all is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dubash.core.languages import LanguagePair
from dubash.core.progress import progress
from dubash.core.types import Pair
from dubash.data.fingerprints import find as find_known
from dubash.data.fingerprints import read, shipped
from dubash.data.frozen import Prepared, reuse, write
from dubash.data.leaks import Leak, excerpt, find, steps, summary
from dubash.data.options import DataOptions, map_paths
from dubash.data.reading import Entries, Reading, account_of, hashes_of, made_of
from dubash.data.splits import Splits

SHOWN = 20
"""Leaks that are kept as examples, for each pair of splits."""


def take(
    entries: Entries, options: DataOptions, pair: LanguagePair, folder: Path, *, unused: bool
) -> Prepared:
    """Read the rows of train, dev and test, where they are given, and write them to `folder`.

    No row is filtered, taken out as a duplicate or cut off; only malformed ones and those with an
    empty side are set aside. Of `options` counts what is no place of rows. The account is that of
    `prepare`; its `leaks` hold besides, as `exact`, the leaks that `prepare` would have refused,
    and `benchmarks` the known test sets that training rows stand in. A folder is reused as by
    `prepare`. Raises DataError for files that cannot be read.
    """
    hashes = hashes_of(entries, pair, Path())
    made = made_of(options, pair, "translation", hashes)
    given = {
        split: [each.model_dump(mode="json") for each in entries.get(split, ())]
        for split in Splits._fields
    }
    made["options"] |= map_paths(given, lambda path: Path(path).name)
    if found := reuse(folder, made, unused=unused):
        known = {"benchmarks": _known(found.train, options)}  # more may be known than then
        return replace(found, account=found.account | known)
    reading = Reading(options, pair, "translation", Path(), hashes, as_given=True)
    rows = {split: reading.split(split, each) for split, each in entries.items()}
    splits = Splits(*(rows.get(name, []) for name in Splits._fields))
    with progress("leak guard", steps(splits), "segments") as advance:
        leaks = find(splits, options.near_duplicate, advance)
    exact = {"-".join(each): _told(each, leaks.leaks[each], splits) for each in leaks.leaks}
    account = account_of(reading, reading.dropped, splits) | {
        "leaks": leaks.account() | {"exact": exact},
        "benchmarks": _known(splits.train, options),
        "made_of": made,
    }
    write(folder, splits, reading.dropped, account)
    return Prepared(*splits, account)


def _told(pair: tuple[str, str], leaks: Sequence[Leak], splits: Splits) -> dict[str, Any]:
    """The leaks of two splits, as the account keeps them; `rows` are held-out rows by number."""
    leaked = {id(each.held_out) for each in leaks}
    held_out = splits._asdict()[pair[1]]
    return {
        "summary": summary(pair, leaks),
        "rows": [number for number, row in enumerate(held_out) if id(row) in leaked],
        "examples": [
            {
                "kind": each.kind,
                "held_out": each.held_out.origin,
                "found_in": each.found_in.origin,
                "text": excerpt(each),
            }
            for each in leaks[:SHOWN]
        ],
    }


def _known(train: Sequence[Pair], options: DataOptions) -> list[dict[str, Any]]:
    """The known test sets that training rows stand in, the most frequent first."""
    hits = find_known(train, [*shipped(), *(read(Path(each)) for each in options.benchmarks)])
    first = {each.benchmark: each.row.origin for each in reversed(hits)}
    counts = Counter(each.benchmark for each in hits)
    return [
        {"name": name, "rows": count, "first": first[name]} for name, count in counts.most_common()
    ]

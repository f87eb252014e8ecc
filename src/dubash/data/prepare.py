"""From the recipe's data to frozen splits on disk, with an account of every row."""

from __future__ import annotations

from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.core.progress import progress
from dubash.core.types import Pair
from dubash.data.benchmarks import refuse_benchmarks
from dubash.data.dedup import remove_duplicates
from dubash.data.fingerprints import read, refuse_known, shipped
from dubash.data.frozen import Prepared, load, reuse, write
from dubash.data.leaks import guard, steps
from dubash.data.options import DataOptions, Entry
from dubash.data.reading import Reading, account_of, hashes_of, made_of, told
from dubash.data.rows import Dropped
from dubash.data.splits import Splits, cap, cut

__all__ = ["Prepared", "load", "prepare"]


def prepare(
    options: DataOptions,
    pair: LanguagePair,
    task: str,
    base: Path,
    folder: Path,
    *,
    unused: bool = False,
) -> Prepared:
    """Read, normalise, filter, deduplicate, split and guard the rows; write them to `folder`.

    `task` is "translation", "instruction" or "text"; relative paths start from `base`. A folder
    with the result for the same options and files is loaded as it is: frozen rows stay frozen, or,
    where they are `unused`, are made again. Raises DataError for data that cannot be used, or that
    differs from what the folder was made of, and LeakError as the leak guard does, or where
    training rows stand in a known benchmark; nothing is then written.
    """
    if task not in ("translation", "instruction", "text"):
        raise DataError(f"no data is prepared for the task '{task}'.")
    if reason := options.unfit(task):
        raise DataError(f"{reason}.")
    refuse_benchmarks(options.train, options.allow_benchmarks)
    hashes = hashes_of(_entries(options), pair, base)
    made = made_of(options, pair, task, hashes)
    known = [*shipped(), *(read(base / each) for each in options.benchmarks)]
    if found := reuse(folder, made, unused=unused):
        refuse_known(found.train, known, options.allow_benchmarks)
        return found
    reading = Reading(options, pair, task, base, hashes)
    rows = {split: reading.split(split, entries) for split, entries in _entries(options).items()}
    splits, left_out = _split(rows, options, reading)
    refuse_known(splits.train, known, options.allow_benchmarks)
    with progress("leak guard", steps(splits), "segments") as advance:
        leaks = guard(splits, options.near_duplicate, advance)
    dropped = reading.dropped + left_out
    account = account_of(reading, dropped, splits) | {"leaks": leaks, "made_of": made}
    write(folder, splits, dropped, account)
    return Prepared(*splits, account)


def _entries(options: DataOptions) -> dict[str, tuple[Entry, ...]]:
    given = {"train": options.train, "dev": options.dev, "test": options.test}
    return {split: entries for split, entries in given.items() if entries is not None}


def _split(
    rows: dict[str, list[Pair]], options: DataOptions, reading: Reading
) -> tuple[Splits, list[Dropped]]:
    """Deduplicate train, cut off what was not given, cap it; also the rows left out by this."""
    with progress("removing duplicates", len(rows["train"])) as advance:
        train, left_out = remove_duplicates(rows["train"], options.near_duplicate, advance)
    dev, test = rows.get("dev"), rows.get("test")
    if dev is None or test is None:
        dev_rows = options.dev_rows if dev is None else 0
        test_rows = options.test_rows if test is None else 0
        came_to = told(reading.train_count, reading.train_dropped + left_out)
        made = cut(train, dev_rows, test_rows, options.seed, came_to)
        train = made.train
        dev = made.dev if dev is None else dev
        test = made.test if test is None else test
    train, rest = cap(train, options.max_rows, options.seed)
    left_out += [Dropped(row, "past max_rows") for row in rest]
    return Splits(train, dev, test), left_out

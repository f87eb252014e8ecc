"""From the recipe's data to frozen splits on disk, with an account of every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.core.files import sha256_file
from dubash.core.languages import LanguagePair
from dubash.core.progress import progress
from dubash.core.types import Pair
from dubash.data.benchmarks import refuse_benchmarks
from dubash.data.dedup import remove_duplicates
from dubash.data.filters import drop_reason, text_drop_reason
from dubash.data.fingerprints import read, refuse_known, shipped
from dubash.data.frozen import Prepared, load, reuse, write
from dubash.data.leaks import guard, steps
from dubash.data.normalise import normalise, normalise_lines
from dubash.data.options import DataOptions, Entry, map_paths
from dubash.data.read import entry_files, read_entry
from dubash.data.rows import BadRow, Dropped
from dubash.data.splits import Splits, cap, cut, fingerprint

__all__ = ["Prepared", "load", "prepare"]

_NOT_ROWS = {"allow_benchmarks", "benchmarks", "max_bad_rows"}
"""Settings that may change without changing the frozen rows."""

_SHOWN = 5


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
    hashes = _hashes(options, pair, base)
    made_of = _made_of(options, pair, task, hashes)
    known = [*shipped(), *(read(base / each) for each in options.benchmarks)]
    if found := reuse(folder, made_of, unused=unused):
        refuse_known(found.train, known, options.allow_benchmarks)
        return found
    reading = _Reading(options, pair, task, base, hashes)
    rows = {split: reading.split(split, entries) for split, entries in _entries(options).items()}
    splits, left_out = _split(rows, options, reading)
    refuse_known(splits.train, known, options.allow_benchmarks)
    with progress("leak guard", steps(splits), "segments") as advance:
        leaks = guard(splits, options.near_duplicate, advance)
    dropped = reading.dropped + left_out
    account = {
        "read": reading.count,
        "files": reading.files,
        "dropped": dict(Counter(each.reason for each in dropped).most_common()),
        "splits": {name: _describe(kept) for name, kept in splits._asdict().items()},
        "leaks": leaks,
        "made_of": made_of,
    }
    write(folder, splits, dropped, account)
    return Prepared(*splits, account)


def _entries(options: DataOptions) -> dict[str, tuple[Entry, ...]]:
    given = {"train": options.train, "dev": options.dev, "test": options.test}
    return {split: entries for split, entries in given.items() if entries is not None}


def _hashes(options: DataOptions, pair: LanguagePair, base: Path) -> dict[str, str]:
    """The hash of each file, by its name as the recipe writes it."""
    return {
        name: sha256_file(path)
        for entries in _entries(options).values()
        for entry in entries
        for name, path in entry_files(entry, pair, base)
    }


def _made_of(
    options: DataOptions, pair: LanguagePair, task: str, hashes: dict[str, str]
) -> dict[str, Any]:
    """What the frozen rows hang on: settings, languages with their scripts, and what is in the
    files. Those go by their bare names: where they stand makes no difference."""
    files: dict[str, list[str]] = {}
    for name, digest in hashes.items():
        files.setdefault(Path(name).name, []).append(digest)
    settings = options.model_dump(mode="json", exclude=_NOT_ROWS)
    return {
        "options": map_paths(settings, lambda path: Path(path).name),
        "languages": [[each.code, *each.scripts] for each in (pair.source, pair.target)],
        "task": task,
        "files": files,
    }


@dataclass(slots=True)
class _Reading:
    """The reading of all splits, and what it has brought so far."""

    options: DataOptions
    pair: LanguagePair
    task: str
    base: Path
    hashes: dict[str, str]
    files: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    count: int = 0
    train_count: int = 0
    train_dropped: list[Dropped] = field(default_factory=list)

    def split(self, split: str, entries: Sequence[Entry]) -> list[Pair]:
        """The normalised, filtered rows of a split's entries."""
        check = self._check_train if split == "train" else self._check_held_out
        read, before = self.count, len(self.dropped)
        kept = [row for entry in entries for row in self._entry(split, entry, check)]
        count, dropped = self.count - read, self.dropped[before:]
        if split == "train":
            self.train_count, self.train_dropped = count, dropped
        if not kept:
            raise DataError(f"no row is left of {_told(count, dropped)}.", where=f"data.{split}")
        return kept

    def _entry(self, split: str, entry: Entry, check: Callable[[Pair], str | None]) -> list[Pair]:
        tidy = normalise_lines if self.task == "instruction" else normalise
        total, rows = read_entry(entry, self.pair, self.task, self.base)
        kept: list[Pair] = []
        bad: list[BadRow] = []
        count = 0
        with progress(f"reading {entry.name}", total) as advance:
            for row in rows:
                count += 1
                advance(1)
                if isinstance(row, BadRow):
                    bad.append(row)
                    raw = Pair(row.raw, "", "", row.origin)
                    self.dropped.append(Dropped(raw, "malformed", row.reason))
                    continue
                clean = replace(row, source=tidy(row.source), target=tidy(row.target))
                if reason := check(clean):
                    self.dropped.append(Dropped(clean, reason))
                else:
                    kept.append(clean)
            advance.total = count  # the lines counted before held a header or blank lines
        _refuse_bad(entry, bad, count, self.options.max_bad_rows)
        self.count += count
        facts = {"rows": count, "bad_rows": len(bad), "split": split}
        files = [(name, {"sha256": self.hashes[name]})
                 for name, _ in entry_files(entry, self.pair, self.base)]  # fmt: skip
        for name, digest in files or [(entry.name, {})]:
            self.files.append({"name": name, **digest, **facts})
        return kept

    def _check_train(self, row: Pair) -> str | None:
        if self.task == "text":
            return text_drop_reason(row.target, self.options.filters, self.pair.target)
        languages = self.pair if self.task == "translation" else None
        return drop_reason(row, self.options.filters, languages)

    def _check_held_out(self, row: Pair) -> str | None:
        """Given dev and test rows go only where a side is empty: never made fewer unasked."""
        return None if row.target and (row.source or self.task == "text") else "empty"


def _refuse_bad(entry: Entry, bad: list[BadRow], count: int, share: float) -> None:
    if not count:
        raise DataError("no rows in it.", where=entry.name)
    if len(bad) / count <= share:
        return
    shown = "; ".join(f"{each.origin}: {each.reason}" for each in bad[:_SHOWN])
    more = "; …" if len(bad) > _SHOWN else ""
    raise DataError(
        f"{len(bad)} of {count} rows are malformed, and data.max_bad_rows allows {share:.2%}: "
        f"{shown}{more}.",
        where=entry.name,
        fix="Mend them, check format and columns, or raise data.max_bad_rows.",
    )


def _told(count: int, dropped: Sequence[Dropped]) -> str:
    """What became of rows: `60 read, 59 dropped: 59 duplicate`."""
    reasons = Counter(each.reason for each in dropped).most_common()
    named = ", ".join(f"{number} {reason}" for reason, number in reasons)
    return f"{count} read" + (f", {len(dropped)} dropped: {named}" if dropped else "")


def _split(
    rows: dict[str, list[Pair]], options: DataOptions, reading: _Reading
) -> tuple[Splits, list[Dropped]]:
    """Deduplicate train, cut off what was not given, cap it; also the rows left out by this."""
    with progress("removing duplicates", len(rows["train"])) as advance:
        train, left_out = remove_duplicates(rows["train"], options.near_duplicate, advance)
    dev, test = rows.get("dev"), rows.get("test")
    if dev is None or test is None:
        dev_rows = options.dev_rows if dev is None else 0
        test_rows = options.test_rows if test is None else 0
        told = _told(reading.train_count, reading.train_dropped + left_out)
        made = cut(train, dev_rows, test_rows, options.seed, told)
        train = made.train
        dev = made.dev if dev is None else dev
        test = made.test if test is None else test
    train, rest = cap(train, options.max_rows, options.seed)
    left_out += [Dropped(row, "past max_rows") for row in rest]
    return Splits(train, dev, test), left_out


def _describe(rows: Sequence[Pair]) -> dict[str, Any]:
    return {
        "rows": len(rows),
        "documents": len({row.document for row in rows if row.document}),
        "source_characters": sum(len(row.source) for row in rows),
        "target_characters": sum(len(row.target) for row in rows),
        "fingerprint": fingerprint(rows),
    }

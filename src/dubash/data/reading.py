"""Reading the rows of all splits: normalised, filtered, each one that goes with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.core.files import sha256_file
from dubash.core.languages import LanguagePair
from dubash.core.progress import progress, say
from dubash.core.types import Pair
from dubash.data.filters import drop_reason, text_drop_reason
from dubash.data.lines import encoding_hint
from dubash.data.normalise import normalise, normalise_lines
from dubash.data.options import DataOptions, Entry, map_paths
from dubash.data.read import entry_files, read_entry
from dubash.data.rows import HEADER, NOT_UTF8, BadRow, Dropped
from dubash.data.sides import Sample, doubt
from dubash.data.splits import Splits, fingerprint

Entries = Mapping[str, Sequence[Entry]]
"""Where the rows of each split are."""

NOT_ROWS = {"allow_benchmarks", "benchmarks", "max_bad_rows"}
"""Settings that may change without changing the frozen rows."""

SHOWN = 5
"""Malformed rows that a refusal names."""


@dataclass(slots=True)
class Reading:
    """The reading of all splits, and what it has brought so far. Of training rows `as_given` none
    is filtered, as with held-out ones, and none refused for its languages: `doubts` are those."""

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
    as_given: bool = False
    doubts: list[str] = field(default_factory=list)

    def split(self, split: str, entries: Sequence[Entry]) -> list[Pair]:
        """The normalised, filtered rows of a split's entries."""
        filtered = split == "train" and not self.as_given
        check = self._check_train if filtered else self._check_held_out
        read, before = self.count, len(self.dropped)
        kept = [row for entry in entries for row in self._entry(split, entry, check)]
        count, dropped = self.count - read, self.dropped[before:]
        if split == "train":
            self.train_count, self.train_dropped = count, dropped
        if not kept:
            raise DataError(f"no row is left of {told(count, dropped)}.", where=f"data.{split}")
        return kept

    def _entry(self, split: str, entry: Entry, check: Callable[[Pair], str | None]) -> list[Pair]:
        tidy = normalise_lines if self.task == "instruction" else normalise
        total, rows = read_entry(entry, self.pair, self.task, self.base)
        kept: list[Pair] = []
        bad: list[BadRow] = []
        count = 0
        sample = Sample(self.options.seed)
        with progress(f"reading {entry.name}", total) as advance:
            for row in rows:
                count += 1
                advance(1)
                if isinstance(row, BadRow):
                    raw = Pair(row.raw, "", "", row.origin)
                    if row.reason == HEADER:
                        self.dropped.append(Dropped(raw, HEADER))
                        continue
                    bad.append(row)
                    self.dropped.append(Dropped(raw, "malformed", row.reason))
                    continue
                clean = replace(row, source=tidy(row.source), target=tidy(row.target))
                if clean.source != clean.target:  # untranslated rows are dropped for that
                    sample.add(clean)
                if reason := check(clean):
                    self.dropped.append(Dropped(clean, reason))
                else:
                    kept.append(clean)
            advance.total = count  # the lines counted before held a header or blank lines
        self._refuse_bad(entry, bad, count)
        self._check_languages(split, entry, sample)
        self.count += count
        facts = {"rows": count, "bad_rows": len(bad), "split": split}
        files = [(name, {"sha256": self.hashes[name]})
                 for name, _ in entry_files(entry, self.pair, self.base)]  # fmt: skip
        for name, digest in files or [(entry.name, {})]:
            self.files.append({"name": name, **digest, **facts})
        return kept

    def _refuse_bad(self, entry: Entry, bad: list[BadRow], count: int) -> None:
        """DataError for an entry without rows, or with more malformed ones than its share. Where so
        many are not UTF-8, that is the cause."""
        if not count:
            raise DataError("no rows in it.", where=entry.name)
        share = self.options.max_bad_rows
        if len(bad) / count <= share:
            return
        undecoded = [each for each in bad if each.reason.startswith(NOT_UTF8)]
        if len(undecoded) / count > share:
            first = undecoded[0]
            path = dict(entry_files(entry, self.pair, self.base)).get(
                first.origin.rpartition(":")[0]
            )
            raise DataError(
                f"{NOT_UTF8}{encoding_hint(path, self.pair) if path else ''}: {len(undecoded)} of "
                f"{count} rows cannot be read, first '{first.raw[:80]}'.",
                where=first.origin,
                fix="Save it as UTF-8.",
            )
        shown = "; ".join(f"{each.origin}: {each.reason}" for each in bad[:SHOWN])
        more = "; …" if len(bad) > SHOWN else ""
        raise DataError(
            f"{len(bad)} of {count} rows are malformed, and data.max_bad_rows allows {share:.2%}: "
            f"{shown}{more}.",
            where=entry.name,
            fix="Mend them, check format and columns, or raise data.max_bad_rows.",
        )

    def _check_languages(self, split: str, entry: Entry, sample: Sample) -> None:
        """Refuse sides in each other's language, and say what else is doubtful."""
        told = self.task == "translation" and self.options.check_languages
        found = doubt(sample.rows, self.pair) if told and not entry.phrasebook else None
        if found is None:
            return
        if self.as_given or found.kind == "other":
            self.doubts.append(f"{entry.name}: {found.text}")
            say(f"  warning: {entry.name}: {found.text}")
            return
        sides = "source_path and target_path" if entry.source_path else "columns source and target"
        mend = f"Swap {sides}" if found.kind == "swapped" else f"Check {sides}"
        raise DataError(
            f"{found.text}.",
            where=entry.name,
            fix=f"{mend} in data.{split}; if you know better, set data.check_languages: false.",
        )

    def _check_train(self, row: Pair) -> str | None:
        if self.task == "text":
            return text_drop_reason(row.target, self.options.filters, self.pair.target)
        languages = self.pair if self.task == "translation" else None
        return drop_reason(row, self.options.filters, languages)

    def _check_held_out(self, row: Pair) -> str | None:
        """Given dev and test rows go only where a side is empty: never made fewer unasked."""
        return None if row.target and (row.source or self.task == "text") else "empty"


def told(count: int, dropped: Sequence[Dropped]) -> str:
    """What became of rows: `60 read, 59 dropped: 59 duplicate`."""
    reasons = Counter(each.reason for each in dropped).most_common()
    named = ", ".join(f"{number} {reason}" for reason, number in reasons)
    return f"{count} read" + (f", {len(dropped)} dropped: {named}" if dropped else "")


def hashes_of(entries: Entries, pair: LanguagePair, base: Path) -> dict[str, str]:
    """The hash of each file, by its name as the recipe writes it."""
    return {
        name: sha256_file(path)
        for each in entries.values()
        for entry in each
        for name, path in entry_files(entry, pair, base)
    }


def made_of(
    options: DataOptions, pair: LanguagePair, task: str, hashes: dict[str, str]
) -> dict[str, Any]:
    """What the frozen rows hang on: settings, languages with their scripts, and what is in the
    files. Those go by their bare names: where they stand makes no difference."""
    files: dict[str, list[str]] = {}
    for name, digest in hashes.items():
        files.setdefault(Path(name).name, []).append(digest)
    settings = options.model_dump(mode="json", exclude=NOT_ROWS)
    if settings["check_languages"]:  # rows of a folder that was there before this setting stay
        del settings["check_languages"]
    return {
        "options": map_paths(settings, lambda path: Path(path).name),
        "languages": [[each.code, *each.scripts] for each in (pair.source, pair.target)],
        "task": task,
        "files": files,
    }


def account_of(reading: Reading, dropped: Sequence[Dropped], splits: Splits) -> dict[str, Any]:
    """What was read, what became of it, and what each split holds."""
    return {
        "read": reading.count,
        "files": reading.files,
        "dropped": dict(Counter(each.reason for each in dropped).most_common()),
        "doubts": reading.doubts,
        "splits": {name: _describe(kept) for name, kept in splits._asdict().items()},
    }


def _describe(rows: Sequence[Pair]) -> dict[str, Any]:
    return {
        "rows": len(rows),
        "documents": len({row.document for row in rows if row.document}),
        "source_characters": sum(len(row.source) for row in rows),
        "target_characters": sum(len(row.target) for row in rows),
        "fingerprint": fingerprint(rows),
    }

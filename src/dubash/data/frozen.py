"""Prepared data on disk: written whole, loaded only as it was frozen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.core.files import new_folder, read_json, read_jsonl, write_json, write_jsonl
from dubash.core.progress import say
from dubash.core.types import Pair
from dubash.data.rows import Dropped
from dubash.data.splits import Splits, fingerprint

ACCOUNT = "account.json"
_FIX = (
    "Take a new run.name (of an audit, another --out), or remove the whole folder to start afresh."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The frozen splits, and the account of what was read, dropped and kept."""

    train: list[Pair]
    dev: list[Pair]
    test: list[Pair]
    account: dict[str, Any]


def write(
    folder: Path, splits: Splits, dropped: Sequence[Dropped], account: dict[str, Any]
) -> None:
    """Write the splits, the dropped rows and the account; the folder is whole or not there."""
    with new_folder(folder) as temporary:
        for name, rows in splits._asdict().items():
            write_jsonl(temporary / f"{name}.jsonl", (asdict(row) for row in rows))
        notes = ({"reason": each.reason, "detail": each.detail} for each in dropped)
        rows_and_notes = zip(dropped, notes, strict=True)
        write_jsonl(
            temporary / "dropped.jsonl", (asdict(each.row) | note for each, note in rows_and_notes)
        )
        write_json(temporary / ACCOUNT, account)


def load(folder: Path) -> Prepared:
    """The splits as they were frozen; DataError where they are missing or not what they were."""
    if not (folder / ACCOUNT).is_file():
        raise DataError("no prepared data.", where=str(folder), fix="Run dubash prepare first.")
    account = read_json(folder / ACCOUNT)
    train, dev, test = (_load_split(folder / f"{name}.jsonl", account) for name in Splits._fields)
    return Prepared(train, dev, test, account)


def typical_sources(folder: Path, most: int) -> list[str]:
    """Sources of training rows, at most so many, evenly spread over them: the first would be those
    of one document. None where no data is there."""
    path = folder / "train.jsonl"
    if not path.is_file():
        return []
    every = -(-read_json(folder / ACCOUNT)["splits"]["train"]["rows"] // most) or 1
    with path.open(encoding="utf-8") as lines:  # those between need not be understood
        rows = [json.loads(line) for line in islice(lines, 0, None, every)]
    return [row["source"] for row in rows if row.get("source")]


def _load_split(path: Path, account: dict[str, Any]) -> list[Pair]:
    if not path.is_file():
        raise DataError("a frozen split is missing.", where=str(path), fix=_FIX)
    try:
        rows = [Pair(**row) for row in read_jsonl(path)]
        frozen = account["splits"][path.stem]["fingerprint"]
    except (TypeError, KeyError) as error:
        raise DataError("not written by dubash.", where=str(path), fix=_FIX) from error
    if fingerprint(rows) != frozen:
        raise DataError("the frozen rows have been changed.", where=str(path), fix=_FIX)
    return rows


def reuse(folder: Path, made_of: dict[str, Any], *, unused: bool = False) -> Prepared | None:
    """What `folder` holds, if it was made of the same; None where there is nothing yet, or where
    it was made of something else and is `unused`: nothing hangs on those rows.

    `made_of` has "options", "languages", "task" and "files" (bare name → hashes). Raises DataError
    where one of them differs, since the frozen rows would change, and for a folder of other things.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return None
    if not (folder / ACCOUNT).is_file():
        raise DataError("the folder holds other things than data.", where=str(folder), fix=_FIX)
    prepared = load(folder)
    before = prepared.account["made_of"]
    changes = [
        f"data.{name} is another"
        for name in before["options"] | made_of["options"]
        if before["options"].get(name) != made_of["options"].get(name)
    ]
    changes += [
        f"{name} is another" for name in ("task", "languages") if before[name] != made_of[name]
    ]
    changes += [
        f"the file {name} has changed"
        for name, digest in made_of["files"].items()
        if before["files"].get(name, digest) != digest
    ]
    if changes and unused:
        say(f"  the rows are frozen anew: {'; '.join(changes)}; nothing was made with them yet")
        return None
    if changes:
        what = f"the frozen rows of this run would change: {'; '.join(changes)}."
        raise DataError(what, where=str(folder), fix=_FIX)
    return prepared

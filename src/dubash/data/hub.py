"""Data sets of the hub, through the library `datasets`, which is imported only here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.data.columns import default_columns, find_columns, make_row, names_in
from dubash.data.options import Entry
from dubash.data.rows import Row

_TROUBLE = (OSError, ValueError, RuntimeError, LookupError)
"""What `datasets` raises, beside errors of its own, for a wrong name, split or no network."""


def read_hub(entry: Entry, pair: LanguagePair, task: str) -> tuple[int, Iterator[Row]]:
    """How many rows a hub data set has, and the rows; origin is `owner/name#row`, from 0.

    Raises DataError where the library is missing, the hub is out of reach (or HF_HUB_OFFLINE is
    set and the data set is not in the cache), the name, split or columns are wrong.
    """
    data = _load(entry)
    defaults = default_columns(task, pair)
    found = list(names_in(data[0])) if len(data) else list(data.column_names)
    picked = find_columns(entry.columns, defaults, found, entry.name)

    def rows() -> Iterator[Row]:
        for number, record in enumerate(data):
            raw = json.dumps(record, ensure_ascii=False, default=str)
            yield make_row(record, picked, f"{entry.hub}#{number}", raw)

    return len(data), rows()


def _load(entry: Entry) -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError(
            "data sets of the hub need the library 'datasets', which is not installed.",
            where=entry.name,
            fix="In dubash's folder run: pip install -e '.[hub]'.",
        ) from None
    try:
        return datasets.load_dataset(
            entry.hub, entry.config, split=entry.hub_split, revision=entry.revision
        )
    except (*_TROUBLE, datasets.exceptions.DatasetsError) as error:
        if _offline():
            what = "not in the cache, and HF_HUB_OFFLINE is set, so it cannot be fetched."
            fix = "Unset HF_HUB_OFFLINE once to fetch it, or give a file instead."
        else:
            message = next(iter(str(error).strip().splitlines()), type(error).__name__)
            what = f"cannot be loaded: {message[:300]}"
            what += "" if what.endswith((".", "!", "?")) else "."
            fix = "Check owner/name, config, split and the network."
        raise DataError(what, where=entry.name, fix=fix) from error


def _offline() -> bool:
    given = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
    return any(value.upper() in {"1", "ON", "YES", "TRUE"} for value in given)

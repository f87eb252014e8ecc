"""The phrasebooks that ship with dubash."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.data.options import Columns


def folder() -> Path:
    """Where the phrasebooks stand in the installed package."""
    return Path(str(files("dubash.phrasebook")))


def phrasebook(name: str, pair: LanguagePair) -> tuple[Path, Columns]:
    """The file of `en-es` and its columns; the other direction (es-en) reads it the other way.

    Raises DataError for a phrasebook that does not exist, or is not of the recipe's languages.
    """
    codes = name.split("-")
    for order in (codes, codes[::-1]):
        path = folder() / f"{'-'.join(order)}.tsv"
        if path.is_file():
            break
    else:
        there = ", ".join(sorted(each.stem for each in folder().glob("*.tsv"))) or "none"
        raise DataError(f"no phrasebook '{name}'.", fix=f"There are: {there}.")
    wanted = [pair.source.code, pair.target.code]
    if wanted == order:
        return path, Columns(source="source", target="target", document="document")
    if wanted == order[::-1]:
        return path, Columns(source="target", target="source", document="document")
    raise DataError(
        f"the phrasebook '{name}' is not of the recipe's languages, {' to '.join(wanted)}.",
        fix="Name data of these languages.",
    )

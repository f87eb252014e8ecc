"""What `dubash trim` is told: the pair of languages, the columns, and the rows of its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dubash.core.errors import DataError, RecipeError
from dubash.core.languages import LanguagePair, language
from dubash.core.options import validate
from dubash.core.progress import progress, say
from dubash.core.types import Pair
from dubash.data.filters import in_scripts
from dubash.data.normalise import normalise
from dubash.data.options import Columns, Entry, FilterOptions
from dubash.data.read import read_entry
from dubash.data.rows import HEADER, BadRow


def read_pair(languages: str) -> LanguagePair:
    """The pair of `--languages`, as `pair_codes` reads it; RecipeError for what is none."""
    source, target = pair_codes(languages, "--languages")
    return LanguagePair(language(source), language(target))


def pair_codes(languages: str, where: str) -> tuple[str, str]:
    """The codes of `en-es`, or of `en:zh-Hant` where a code has parts; RecipeError for what is no
    pair."""
    codes = languages.split(":" if ":" in languages else "-")
    if len(codes) != 2:
        raise RecipeError(
            f"'{languages}' is no pair of languages.",
            where=where,
            fix="Give two codes, such as en-es, or en:zh-Hant where a code has parts.",
        )
    return codes[0], codes[1]


def read_columns(columns: str) -> Columns | None:
    """The columns of `english,spanish` or `0,2`; None where none are named. Raises RecipeError."""
    if not columns:
        return None
    names = [name.strip() for name in columns.split(",")]
    if len(names) != 2 or not all(names):
        raise RecipeError(
            f"'{columns}' does not name two columns.",
            where="--columns",
            fix="Give names or numbers from 0: english,spanish or 0,1.",
        )
    source, target = (int(name) if name.isdecimal() else name for name in names)
    return validate(Columns, {"source": source, "target": target}, "--columns", {})


def read_rows(
    path: Path, pair: LanguagePair, columns: Columns | None = None, scripts: tuple[str, ...] = ()
) -> list[Pair]:
    """The normalised rows of a file of pairs, or the lines of a text (.txt) as targets.

    Malformed ones are left out and counted, and so are those of which a side is neither in a script
    of the pair nor in one of `scripts`, by the rule of the data's filters: their tokens would be
    kept for nothing. Raises DataError where no row is left.
    """
    text = path.suffix.lower() == ".txt"
    entry = Entry(path=str(path), columns=None if text else columns)
    total, rows = read_entry(entry, pair, "text" if text else "translation", Path())
    wanted = (*pair.source.scripts, *pair.target.scripts, *scripts)
    found, bad, foreign = [], 0, 0
    with progress(f"reading {path.name}", total) as advance:
        for row in rows:
            advance(1)
            if isinstance(row, BadRow):
                bad += row.reason != HEADER
                continue
            sides = normalise(row.source), normalise(row.target)
            if all(in_scripts(side, wanted, FilterOptions()) for side in sides):
                found.append(replace(row, source=sides[0], target=sides[1]))
            else:
                foreign += 1
    count = bad + foreign + len(found)
    codes = f"{pair.source.code} or {pair.target.code}"
    if not found and foreign:
        raise DataError(
            f"{foreign} of {count} rows are in no script of {codes}.",
            where=str(path),
            fix="Give text of the pair, or name a script that is to stay with --scripts.",
        )
    if not found:
        raise DataError(
            "no rows in it.", where=str(path), fix="Give a file of pairs, or a .txt of lines."
        )
    if bad:
        say(f"  {bad} of {count} rows of {path.name} are malformed and left out")
    if foreign:
        say(f"  {foreign} of {count} rows of {path.name} are in no script of {codes}: left out")
    return found

"""An entry of the recipe as a stream of rows, and as files to be hashed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dubash.core.languages import LanguagePair
from dubash.data.formats import guess_format, read_file, read_moses
from dubash.data.hub import read_hub
from dubash.data.lines import check_text, count_lines
from dubash.data.options import Entry
from dubash.data.phrasebook import phrasebook
from dubash.data.rows import Row


def entry_files(entry: Entry, pair: LanguagePair, base: Path) -> list[tuple[str, Path]]:
    """The files of an entry: (name as the recipe writes it, path); none for a hub data set.

    Relative paths are taken from `base`. Raises DataError for one that is no text file.
    """
    if entry.phrasebook:
        path, _ = phrasebook(entry.phrasebook, pair)
        return [(f"phrasebook/{path.name}", path)]
    names = [each for each in (entry.path, entry.source_path, entry.target_path) if each]
    found = [(name, base / Path(name).expanduser()) for name in names]
    for name, path in found:
        check_text(path, name)
    return found


def read_entry(
    entry: Entry, pair: LanguagePair, task: str, base: Path
) -> tuple[int, Iterator[Row]]:
    """About how many rows an entry has (its lines), and the rows, streamed.

    Raises DataError as the readers do: see `formats`, `hub` and `phrasebook`.
    """
    if entry.hub:
        return read_hub(entry, pair, task)
    files = entry_files(entry, pair, base)
    name, path = files[0]
    total = count_lines(path)
    if entry.phrasebook:
        columns = phrasebook(entry.phrasebook, pair)[1]
        return total, read_file(path, name, "tsv", columns, pair, task)
    if len(files) == 2:
        return total, read_moses(path, files[1][1], name, files[1][0])
    kind = entry.format or guess_format(name, task)
    return total, read_file(path, name, kind, entry.columns, pair, task)

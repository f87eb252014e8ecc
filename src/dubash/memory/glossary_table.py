"""Glossaries in CSV and TSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.data.lines import encoding_hint, lines
from dubash.data.records import Record, csv_records, csv_separator, tsv_records
from dubash.data.rows import NOT_UTF8, BadRow, flaw
from dubash.memory.entry import TermEntry

COLUMNS = {
    "source": ("source", "source_term", "term"),
    "target": ("target", "target_term", "translation"),
    "forbidden": ("forbidden", "deprecated", "do_not_use"),
    "note": ("note", "notes", "comment"),
    "part_of_speech": ("part_of_speech", "pos"),
    "domain": ("domain", "subject", "subject_field"),
    "example": ("example", "examples", "context"),
    "target_example": ("target_example", "target_examples", "target_context"),
}
"""What columns are called. Case does not count, and a blank is an underscore; the sides also go by
their language's code or English name."""

EXAMPLES = ("example", "target_example")
"""What several columns may hold: all of them are read."""

SEPARATOR = "|"
"""Between several translations, or examples, in one cell."""

_HEADERLESS = ("source", "target", "note")


def read_table(path: Path, name: str, languages: LanguagePair) -> Iterator[TermEntry | BadRow]:
    """The entries of a CSV or TSV file.

    A CSV has a header, and commas or semicolons; a TSV may do without a header and has then two
    columns, source and target, or three, with a note. Other columns are not read. Raises DataError
    for what is no text in UTF-8, for sides without a column, and for a column one slip away from a
    known name other than those of examples.
    """
    for number, line in enumerate(lines(path, name), start=1):
        if broken := flaw(line):
            hint = encoding_hint(path, languages) if broken.startswith(NOT_UTF8) else ""
            raise DataError(f"{broken}{hint}.", where=f"{name}:{number}", fix="Save it as UTF-8.")
    is_csv = path.suffix.lower() == ".csv"
    split = tsv_records
    if is_csv:
        split = partial(csv_records, separator=csv_separator(path, name, headed=True))
    first = next(split(path, name, None))
    if isinstance(first, BadRow):
        raise DataError(f"the first row cannot be read: {first.reason}.", where=first.origin)
    place = f"{name}:{first.number}"
    columns = _by_name(first.cells, languages, place)
    headed = {"source", "target"} <= columns.keys()
    if not headed:
        columns = _by_place(first.cells, is_csv, languages, place)
    for record in split(path, name, len(first.cells)):
        if isinstance(record, BadRow):
            yield record
        elif not (headed and record.number == first.number):
            yield _entry(record, columns, f"{name}:{record.number}")


def _by_name(cells: Sequence[str], languages: LanguagePair, where: str) -> dict[str, list[int]]:
    """Which columns hold what, as far as the first row's cells are known names."""
    known = {name: kind for kind, names in COLUMNS.items() for name in names}
    for kind, language in (("source", languages.source), ("target", languages.target)):
        known |= {language.code: kind, language.name.lower(): kind}
        if language.variant:
            known[f"{language.code}_{language.variant}".lower()] = kind
    found: dict[str, list[int]] = {}
    unknown = []
    for place, cell in enumerate(cells):
        label = "_".join(cell.lower().replace("-", " ").replace("_", " ").split())
        if label not in known:
            unknown.append(label)
        elif known[label] in found and known[label] not in EXAMPLES:
            column = known[label].replace("_", " ")
            raise DataError(f"two columns hold the {column}.", where=where)
        else:
            found.setdefault(known[label], []).append(place)
    if {"source", "target"} <= found.keys():
        # a column that is nearly called `context` is more likely another one: `content`
        names = [name for name, kind in known.items() if kind not in EXAMPLES]
        _refuse_slips(unknown, names, where)
    return found


def _refuse_slips(unknown: Sequence[str], known: Sequence[str], where: str) -> None:
    """A misspelt column would be left out without a word, and with it what is forbidden."""
    from rapidfuzz.distance import OSA  # here, since only a column that is not known needs it

    for label in unknown:
        near = [each for each in known if len(each) > 3 and OSA.distance(label, each) == 1]
        if near:
            raise DataError(
                f"unknown column '{label}'.", where=where, fix=f"Did you mean '{near[0]}'?"
            )


def _by_place(
    cells: Sequence[str], is_csv: bool, languages: LanguagePair, where: str
) -> dict[str, list[int]]:
    """The columns of a file without a header."""
    if not is_csv and 2 <= len(cells) <= len(_HEADERLESS):
        return {kind: [place] for place, kind in enumerate(_HEADERLESS[: len(cells)])}
    shown = ", ".join(f"'{cell[:40]}'" for cell in cells[:8])
    codes = f"{languages.source.code}, {languages.target.code}"
    without = "a CSV has" if is_csv else "a TSV of more or fewer than two or three columns has"
    raise DataError(
        f"no columns for source and target; {without} a header, and the first row is {shown}.",
        where=where,
        fix=f"Call them source, target or {codes}; further ones: forbidden, note, "
        "part_of_speech, domain, example, target_example.",
    )


def _entry(record: Record, columns: dict[str, list[int]], origin: str) -> TermEntry:
    cells = {
        kind: SEPARATOR.join(record.cells[place] for place in places)
        for kind, places in columns.items()
    }
    return TermEntry(
        cells["source"],
        tuple(cells["target"].split(SEPARATOR)),
        tuple(cells.get("forbidden", "").split(SEPARATOR)),
        cells.get("note", ""),
        cells.get("part_of_speech", ""),
        cells.get("domain", ""),
        origin,
        tuple(cells.get("example", "").split(SEPARATOR)),
        tuple(cells.get("target_example", "").split(SEPARATOR)),
    )

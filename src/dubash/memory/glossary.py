"""A glossary: terms of a language pair, each with its approved and its forbidden translations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.files import sha256_file
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.data.lines import read_head
from dubash.data.normalise import normalise
from dubash.data.rows import BadRow
from dubash.memory.entry import TermEntry
from dubash.memory.glossary_table import read_table
from dubash.memory.glossary_tbx import read_tbx
from dubash.memory.units import tidy, units

MAX_BYTES = 64 << 20
"""Size of the largest file that is read."""

MAX_ENTRIES = 100_000
"""Entries of the largest glossary; those set aside count too."""

MAX_TERM = 200
"""Characters of the longest term. More is a sentence, which is no term."""

Read = Callable[[Path, str, LanguagePair], Iterator[TermEntry | BadRow]]
_READERS: dict[str, Read] = {
    ".csv": read_table, ".tsv": read_table, ".tab": read_table, ".txt": read_table,
    ".tbx": read_tbx, ".xml": read_tbx,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Glossary:
    """The entries of a file in its order, and what was set aside of it.

    `name` is what messages call the file, `sha256` the hash of its bytes.
    """

    name: str
    languages: LanguagePair
    entries: tuple[TermEntry, ...]
    bad_rows: tuple[BadRow, ...]
    sha256: str

    @property
    def examples(self) -> list[Pair]:
        """The sentences that it gives as examples, each once; the other side is empty."""
        found: dict[tuple[str, str], Pair] = {}
        for entry in self.entries:
            sides = [(text, "") for text in entry.examples]
            for each in (*sides, *(("", text) for text in entry.target_examples)):
                found.setdefault(each, Pair(*each, "", entry.origin))
        return list(found.values())


def read_glossary(path: Path, name: str, languages: LanguagePair) -> Glossary:
    """Read a CSV, TSV or TBX file by its ending.

    An entry without a side, with a side that is too long, or without an approved translation is
    set aside with its reason. Raises DataError for a file that is missing, too large, not what its
    ending says, hostile, or holds no entry.
    """
    read_head(path, name)
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise DataError(
            f"the ending '{ending}' is none of a glossary.", where=name,
            fix="Give a .csv, a .tsv or a .tbx file.",
        )  # fmt: skip
    if (size := path.stat().st_size) > MAX_BYTES:
        raise DataError(
            f"{size / 2**20:,.0f} MB; a glossary has {MAX_BYTES >> 20} at the most.", where=name,
            fix="Keep the entries of this pair and this domain only.",
        )  # fmt: skip
    entries, bad = [], []
    for row in _limited(_READERS[ending](path, name, languages)):
        checked = row if isinstance(row, BadRow) else _check(row, languages)
        if isinstance(checked, BadRow):
            bad.append(checked)
        else:
            entries.append(checked)
    if not entries:
        first = f" The first: {bad[0].origin}: {bad[0].reason}." if bad else ""
        raise DataError(f"no entry in it can be used.{first}", where=name)
    return Glossary(name, languages, tuple(entries), tuple(bad), sha256_file(path))


def _limited(rows: Iterable[TermEntry | BadRow]) -> Iterator[TermEntry | BadRow]:
    for number, row in enumerate(rows, start=1):
        if number > MAX_ENTRIES:
            raise DataError(
                f"more than {MAX_ENTRIES:,} entries.", where=row.origin,
                fix="Keep the entries of this pair and this domain only.",
            )  # fmt: skip
        yield row


def _check(entry: TermEntry, languages: LanguagePair) -> TermEntry | BadRow:
    """The entry tidied, or why it cannot be used."""
    source = normalise(entry.source)
    targets, forbidden, examples, target_examples = (
        tuple(dict.fromkeys(text for each in side if (text := normalise(each))))
        for side in (entry.targets, entry.forbidden, entry.examples, entry.target_examples)
    )
    if reason := _flaw(source, targets, forbidden, languages):
        shown = " → ".join(text for text in (source, *targets, *forbidden) if text)
        return BadRow(entry.origin, reason, shown)
    return TermEntry(
        source, targets, forbidden, normalise(entry.note), normalise(entry.part_of_speech),
        normalise(entry.domain), entry.origin, examples, target_examples,
    )  # fmt: skip


def _flaw(
    source: str, targets: tuple[str, ...], forbidden: tuple[str, ...], languages: LanguagePair
) -> str | None:
    if not source:
        return f"no term in {languages.source.name}"
    if not targets:
        extra = ", only forbidden ones" if forbidden else ""
        return f"no approved term in {languages.target.name}{extra}"
    sides = ((languages.source, (source,)), (languages.target, (*targets, *forbidden)))
    for language, texts in sides:
        for text in texts:
            if len(text) > MAX_TERM:
                return f"a term of {len(text)} characters; {MAX_TERM} are the most"
            if not units(tidy(text, language.code), language.code):
                return f"'{text}' has neither letter, digit nor symbol"
    return None

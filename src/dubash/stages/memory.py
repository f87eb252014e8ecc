"""`dubash tm`: a translation memory filled from files, searched, written to files, counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from dubash.core.errors import DataError, UserError
from dubash.core.files import check_writable, read_jsonl, write_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.core.progress import progress, say
from dubash.core.terminal import safe_line
from dubash.data.lines import read_head
from dubash.data.normalise import normalise
from dubash.data.options import Columns
from dubash.data.rows import HEADER, BadRow, flaw
from dubash.memory.defaults import MemoryFormat
from dubash.memory.exchange.files import format_of, read_units, write_units
from dubash.memory.exchange.units import UnitRow
from dubash.memory.languages import are_in
from dubash.memory.tm.match import Match, Query
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.search import search
from dubash.memory.tm.store import Store
from dubash.memory.tm.unit import TranslationUnit

SHOWN = 5
"""Rows set aside that are named, of each file; and documents and people of a memory."""

_PAIR = ("source_language", "target_language")


def import_files(
    address: str,
    files: Sequence[Path],
    languages: LanguagePair,
    kind: MemoryFormat | None = None,
    columns: Columns | None = None,
) -> None:
    """Add the units of files to a memory, which is made where there is none.

    What could be no unit is counted, named, and kept in a file beside the memory. Raises DataError
    as the readers do; what was said to be added stays.
    """
    for file in files:
        read_head(file, str(file))  # before anything is made
    kinds = [kind or format_of(file.name) for file in files]  # before the first is read
    with open_memory(address, new=True) as memory:
        for file, its_kind in zip(files, kinds, strict=True):
            bad: list[BadRow] = []
            new = known = 0
            with progress(f"import {file.name}", 0, "units") as advance:
                rows = read_units(file, str(file), languages, its_kind, columns)
                for added in memory.add(_units(rows, bad)):
                    new, known = new + added.new, known + added.known
                    advance(added.new + added.known)
            say(f"{file}: {new:,} new, {known:,} known already, {len(bad):,} set aside")
            for row in bad[:SHOWN]:
                say(f"  {row.origin}: {row.reason}")
            if bad:
                kept = set_aside_file(address)
                before = read_jsonl(kept) if kept.exists() else ()
                write_jsonl(kept, [*before, *map(asdict, bad)])
                say(f"  set aside, each with its reason: {kept}")
        say(f"{address}: {len(memory):,} units")


def set_aside_file(address: str) -> Path:
    """Where an import keeps what could be no unit: beside the file, or here for a server."""
    path = Path("memory" if "://" in address else address)
    return path.with_name(f"{path.name}.set-aside.jsonl")


def _units(rows: Iterable[UnitRow], bad: list[BadRow]) -> Iterator[TranslationUnit]:
    """The units among rows; the others are added to `bad`."""
    for row in rows:
        if isinstance(row, TranslationUnit):
            yield row
        elif row.reason != HEADER:
            bad.append(row)


def search_memory(
    address: str,
    text: str,
    least: int,
    most: int,
    as_json: bool,
    languages: LanguagePair | None = None,
) -> int:
    """Print the matches of a segment, best first; the exit code is 1 where there are none."""
    if reason := flaw(text):
        raise DataError(f"{reason}.", where="the text given")
    with open_memory(address) as memory:
        matches = search(memory, Query(normalise(text)), least, most, languages)
    for match in matches:
        typer.echo(json.dumps(_as_json(match), ensure_ascii=False) if as_json else _shown(match))
    if not matches:
        say(f"no match of {least}% or more")
    return 0 if matches else 1


def _as_json(match: Match) -> dict[str, object]:
    return {"percent": match.percent} | {k: v for k, v in asdict(match.unit).items() if v}


def _shown(match: Match) -> str:
    unit = match.unit
    about = " · ".join(part for part in (unit.origin, unit.changed or unit.created) if part)
    return "\n".join(
        f"{head:>5} {safe_line(text)}"
        for head, text in ((f"{match.percent}%", unit.source), ("", unit.target), ("", about))
        if text
    )


def export(
    address: str, out: Path, languages: LanguagePair | None, kind: MemoryFormat | None = None
) -> None:
    """Write the units of a memory to a file, all or those of a pair.

    Raises UserError where there are units of several pairs, of which the format could hold one.
    """
    kind = kind or format_of(out.name)
    if "://" not in address and out.exists() and out.samefile(address):
        raise UserError("that is the memory itself.", where=str(out), fix="Take another file.")
    check_writable(out)
    with open_memory(address) as memory, progress("export", len(memory), "units") as advance:
        pair = languages or _only_pair(memory, address)
        written = 0

        def units() -> Iterator[TranslationUnit]:
            nonlocal written
            for unit in memory.all():
                advance(1)
                if are_in(unit.source_language, unit.target_language, pair):
                    written += 1
                    yield unit

        write_units(out, units(), pair, kind)
    say(f"{out}: {written:,} units")


def _only_pair(memory: Store, address: str) -> LanguagePair:
    """The pair that all units are in, whatever their regions."""
    pairs = {(language(source), language(target)) for source, target in memory.count(*_PAIR)}
    if len(pairs) == 1:
        [(source, target)] = pairs
        return LanguagePair(source, target)
    known = ", ".join(sorted(f"{source.code}-{target.code}" for source, target in pairs))
    raise UserError(
        f"units of several pairs ({known})." if pairs else "an empty memory.",
        where=address, fix="Say which with --languages." if pairs else "Import a file.",
    )  # fmt: skip


def stats(address: str, as_json: bool) -> None:
    """Print what a memory holds: how many units, of which pairs, documents and people."""
    with open_memory(address) as memory:
        units = len(memory)
        counts = {
            "pairs": {"-".join(pair): n for pair, n in memory.count(*_PAIR).items()},
            **{f"{field}s": _named(memory.count(field)) for field in ("document", "creator")},
        }
    if as_json:
        typer.echo(json.dumps({"units": units} | counts, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{units:,} units")
    for title, found in counts.items():
        typer.echo(f"{title}: {len(found):,}")
        for name, count in list(found.items())[:SHOWN]:
            typer.echo(f"  {count:>9,}  {safe_line(name)}")


def _named(counts: dict[tuple[str, ...], int]) -> dict[str, int]:
    return {name: count for (name,), count in counts.items() if name}

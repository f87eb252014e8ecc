"""`dubash glossary lint`: what is wrong in a glossary; and the glossary of a recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer

from dubash.core.languages import LanguagePair, language
from dubash.core.progress import say
from dubash.core.types import Pair
from dubash.data.normalise import normalise
from dubash.data.options import Entry
from dubash.data.read import read_entry
from dubash.data.rows import HEADER, BadRow
from dubash.memory.glossary import Glossary, read_glossary
from dubash.memory.lint import Finding, lint
from dubash.recipe.options import Recipe


def lint_glossary(path: Path, source: str, target: str, rows: Path | None) -> int:
    """Print each finding as a line; the exit code is 1 where there are findings, else 0.

    Raises DataError for a glossary or rows that cannot be read.
    """
    languages = LanguagePair(language(source), language(target))
    glossary = read_glossary(path, str(path), languages)
    findings = lint(glossary, _read_rows(rows, languages) if rows else ())
    for finding in findings:
        typer.echo(str(finding))
    count = len(glossary.entries)
    shown = _counted(findings) or "nothing found"
    say(f"{count:,} {'entry' if count == 1 else 'entries'}: {shown}")
    return 1 if findings else 0


def _counted(findings: Sequence[Finding]) -> str:
    """`3 duplicate, 1 one letter`"""
    counts = Counter(each.kind for each in findings).most_common()
    return ", ".join(f"{count} {kind}" for kind, count in counts)


def _read_rows(path: Path, languages: LanguagePair) -> list[Pair]:
    """The pairs of a file; those that cannot be read are counted and left out."""
    entry = Entry(path=str(path))
    _, found = read_entry(entry, languages, "translation", Path())
    kept, bad = [], 0
    for row in found:
        if isinstance(row, BadRow):
            bad += row.reason != HEADER
        else:
            kept.append(Pair(normalise(row.source), normalise(row.target), "", row.origin))
    if bad:
        say(f"  {bad} of {bad + len(kept)} rows cannot be read and are left out")
    return kept


def check_glossary(recipe: Recipe) -> None:
    """Read the glossary that the recipe names, and say what is wrong in it before it is used.

    Raises DataError as `read_glossary` does.
    """
    if glossary := glossary_of(recipe):
        tell_faults(glossary)


def tell_faults(glossary: Glossary) -> None:
    """A line on entries set aside and one on what the lint finds; nothing where it finds nothing.

    It is scored with all the same: whether a finding is a fault only its owner knows.
    """
    if glossary.bad_rows:
        first = glossary.bad_rows[0]
        say(
            f"  glossary: {len(glossary.bad_rows)} of "
            f"{len(glossary.bad_rows) + len(glossary.entries)} entries set aside; the first: "
            f"{first.origin}: {first.reason}"
        )
    found = [each for each in lint(glossary) if each.kind != "not read"]  # those are said above
    if found:
        say(f"  glossary: {_counted(found)}; `dubash glossary lint` names them")


def glossary_of(recipe: Recipe) -> Glossary | None:
    """The glossary that the recipe names, read; None where it names none.

    Raises DataError as `read_glossary` does.
    """
    name = recipe.evaluate.glossary
    if name is None:
        return None
    return read_glossary(Path(name).expanduser(), name, recipe.languages.pair())

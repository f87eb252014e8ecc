"""`dubash glossary lint`: what is wrong in a glossary; and the glossary of a recipe."""

from __future__ import annotations

from collections import Counter
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
from dubash.memory.lint import lint
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
    counts = Counter(each.kind for each in findings).most_common()
    shown = ", ".join(f"{count} {kind}" for kind, count in counts) or "nothing found"
    count = len(glossary.entries)
    say(f"{count:,} {'entry' if count == 1 else 'entries'}: {shown}")
    return 1 if findings else 0


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


def glossary_of(recipe: Recipe) -> Glossary | None:
    """The glossary that the recipe names, read; None where it names none.

    Raises DataError as `read_glossary` does.
    """
    name = recipe.evaluate.glossary
    if name is None:
        return None
    glossary = read_glossary(Path(name).expanduser(), name, recipe.languages.pair())
    if glossary.bad_rows:
        first = glossary.bad_rows[0]
        say(
            f"  glossary: {len(glossary.bad_rows)} of "
            f"{len(glossary.bad_rows) + len(glossary.entries)} entries set aside; the first: "
            f"{first.origin}: {first.reason}"
        )
    return glossary

"""What is wrong in a glossary, entry by entry: where, why, and what to do about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dubash.core.languages import Language
from dubash.core.progress import progress
from dubash.core.types import Pair
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import Glossary
from dubash.memory.matcher import is_acronym
from dubash.memory.stopwords import stop_words
from dubash.memory.terms import Key, SourceKey, Terms, phrase_key, source_key
from dubash.memory.units import Unit, tidy, units

LEAST_OCCURRENCES = 5
"""Occurrences of a term in the rows, from which on it is said that references do not follow it."""

LEAST_FOLLOWED = 0.5
"""Share of its occurrences that the references must follow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its `kind` in a word or two, `origin` as `file:line`, the `entry` as it reads."""

    kind: str
    origin: str
    entry: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.entry}: {self.reason}. {self.fix}"


def lint(glossary: Glossary, rows: Sequence[Pair] = ()) -> list[Finding]:
    """Every finding, in the order of the file.

    Looked for are entries that could not be read, duplicates, a source term translated in two ways,
    a source that is its own translation without a note that says why, terms of one letter or of
    stop words only, a translation both approved and forbidden, and, where there are rows with
    references, terms that these follow in less than half of at least `LEAST_OCCURRENCES`
    occurrences.
    """
    found = [
        Finding("not read", bad.origin, f"'{bad.raw[:80]}'", bad.reason, "Mend it or take it out.")
        for bad in glossary.bad_rows
    ]
    found += _repeated(glossary)
    for entry in glossary.entries:
        found += _faults(entry, glossary)
    if rows:
        found += _not_followed(glossary, rows)
    return sorted(found, key=lambda each: _line(each.origin))


def _line(origin: str) -> int:
    number = origin.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def spell(entry: TermEntry) -> str:
    """`'credit card' → 'tarjeta de crédito'`"""
    return f"'{entry.source}' → " + " or ".join(f"'{each}'" for each in entry.targets)


def _repeated(glossary: Glossary) -> Iterator[Finding]:
    """Entries of one source term that say the same or contradict each other. Entries of different
    domains or parts of speech may differ: the term means two things."""
    source, target = glossary.languages.source.code, glossary.languages.target.code
    groups: dict[SourceKey, dict[frozenset[Key], TermEntry]] = defaultdict(dict)
    for entry in glossary.entries:
        sides = frozenset(phrase_key(text, target) for text in entry.targets)
        before = groups[source_key(entry.source, source)]
        same = before.get(sides)
        other = next((first for first in before.values() if _one_meaning(first, entry)), None)
        if same:
            yield _found(
                "duplicate", entry, f"the same stands in {same.origin}", "Take one of them out."
            )
        elif other:
            yield _found(
                "two translations", entry, f"{other.origin} translates it as '{other.targets[0]}'",
                "Keep one; or approve both in one entry; or give each its domain.",
            )  # fmt: skip
        before.setdefault(sides, entry)


def _one_meaning(first: TermEntry, second: TermEntry) -> bool:
    pairs = ((first.domain, second.domain), (first.part_of_speech, second.part_of_speech))
    return not any(a and b and a.casefold() != b.casefold() for a, b in pairs)


def _faults(entry: TermEntry, glossary: Glossary) -> Iterator[Finding]:
    source, target = glossary.languages.source, glossary.languages.target
    same = any(tidy(each, "") == tidy(entry.source, "") for each in entry.targets)
    if same and not entry.note:
        yield _found(
            "not translated", entry, "source and translation are the same",
            "Take it out; or, if it is to stay as it is, say so in its note.",
        )  # fmt: skip
    for text, language in ((entry.source, source), *((each, target) for each in entry.targets)):
        parts = units(tidy(text, language.code), language.code)
        if _is_one_letter(parts):
            yield _found(
                "one letter",
                entry,
                f"'{text}' is a single letter",
                "Take it out: it is found anywhere.",
            )
        elif _are_stop_words(text, parts, language):
            many = "is a function word" if len(parts) == 1 else "has only function words"
            yield _found(
                "stop words", entry, f"'{text}' {many} of {language.name}",
                "Take it out: how it is translated depends on the sentence.",
            )  # fmt: skip
    approved = {phrase_key(each, target.code) for each in entry.targets}
    for each in entry.forbidden:
        if phrase_key(each, target.code) in approved:
            yield _found(
                "approved and forbidden", entry, f"'{each}' is approved and forbidden",
                "Take it out on one side; case does not count.",
            )  # fmt: skip


def _is_one_letter(parts: Sequence[Unit]) -> bool:
    """One letter without marks; a Han character is a word."""
    if len(parts) > 1 or parts[0].script == "HAN":
        return False
    return len(parts[0].key) == 1 and parts[0].key.isalpha()


def _are_stop_words(text: str, parts: Sequence[Unit], language: Language) -> bool:
    stops = stop_words(language.code)
    if is_acronym(text):  # US, IT
        return False
    if parts[0].script:  # words are not parted there: the whole phrase is looked up
        return "".join(part.key for part in parts) in stops
    return all(part.key in stops for part in parts)


def _found(kind: str, entry: TermEntry, reason: str, fix: str) -> Finding:
    return Finding(kind, entry.origin, spell(entry), reason, fix)


def _not_followed(glossary: Glossary, rows: Sequence[Pair]) -> Iterator[Finding]:
    terms = Terms(glossary.entries, glossary.languages)
    occurrences: Counter[int] = Counter()
    right: Counter[int] = Counter()
    with progress("terms in rows", len(rows)) as advance:
        for row in rows:
            use = terms.usage(terms.in_source(row.source), row.target)
            occurrences.update(use.wanted)
            right.update(n for n, ok in zip(use.wanted, use.right, strict=True) if ok)
            advance(1)
    for number, count in occurrences.items():
        term = terms.terms[number]
        if count >= LEAST_OCCURRENCES and right[number] < LEAST_FOLLOWED * count:
            yield _found(
                "not followed", term.entries[0],
                f"the references follow it in {right[number]} of {count} occurrences",
                "Approve what they write as well, or make it longer, or take it out.",
            )  # fmt: skip

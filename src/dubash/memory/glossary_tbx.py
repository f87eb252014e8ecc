"""Glossaries in TBX: version 2 (martif; ISO 30042:2008) and version 3 (tbx; ISO 30042:2019).

Elements go by their bare names, whatever their namespace, so that version 3 is read in both of its
styles: DCA, `<termNote type="administrativeStatus">`, and DCT, `<min:administrativeStatus>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from dubash.core.languages import Language, LanguagePair
from dubash.data.rows import BadRow
from dubash.memory.entry import TermEntry
from dubash.memory.languages import check_seen, of_language
from dubash.memory.safe_xml import Element, parse

FORBIDDEN = {"deprecated", "superseded", "notrecommended", "obsolete", "forbidden"}
"""Administrative statuses of a term that must not be used, without "Term" and "-admn-sts": any
other (preferred, admitted, none) is approved."""

EXAMPLES = {"context", "example"}
"""Data categories that hold a sentence with the term in it."""

_CONCEPTS = {"termEntry", "conceptEntry"}
_LANGUAGES = {"langSet", "langSec"}
_SECTIONS = {"tig", "ntig", "termSec"}
_ROOTS = {"martif", "tbx"}
_MOST_SHOWN = 20


@dataclass(slots=True)
class _Term:
    text: str
    line: int
    facts: dict[str, str]
    examples: tuple[str, ...] = ()

    @property
    def forbidden(self) -> bool:
        status = self.facts.get("administrativeStatus") or self.facts.get("normativeAuthorization")
        plain = re.sub(r"[^a-z]", "", (status or "").lower())
        return plain.removesuffix("admnsts").removesuffix("term") in FORBIDDEN


@dataclass(slots=True)
class _Concept:
    """A concept: its terms by language tag, and what is said of it."""

    line: int
    terms: dict[str, list[_Term]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


def read_tbx(path: Path, name: str, languages: LanguagePair) -> Iterator[TermEntry | BadRow]:
    """An entry for each term in the source language, with the terms of the same concept in the
    target language.

    A language tag with a region counts for its language (es-MX for es); where the pair names a
    region, a concept's terms of exactly that tag come before the others. Raises DataError for XML
    that is broken, hostile or no TBX (see `safe_xml.parse`), and where no concept has the source or
    the target language.
    """
    seen: dict[str, None] = {}
    for element in parse(path, name, _ROOTS, _CONCEPTS, "TBX"):
        concept = _concept(element)
        seen |= dict.fromkeys(concept.terms)
        yield from _entries(concept, languages, name)
    check_seen(seen, languages, name, "term")


def _concept(element: Element) -> _Concept:
    found = _Concept(element.line, facts=_facts(element, _LANGUAGES))
    for language in element.find(_LANGUAGES):
        tag = language.attributes.get("xml:lang") or language.attributes.get("lang", "")
        about = _facts(language, _SECTIONS)
        for section in language.find(_SECTIONS):
            for term in section.find({"term"}):
                facts = about | _facts(section)
                shown = (*_examples(language, _SECTIONS), *_examples(section))
                made = _Term(term.all_text, term.line, facts, shown)
                found.terms.setdefault(tag, []).append(made)
    return found


def _examples(element: Element, stop: Set[str] = frozenset()) -> tuple[str, ...]:
    """The sentences given in a language or with a term; a concept's own name no language."""
    return tuple(
        each.all_text
        for each in element.within(stop)
        if each.attributes.get("type", each.name) in EXAMPLES
    )


def _facts(element: Element, stop: Set[str] = frozenset()) -> dict[str, str]:
    """What is said of a concept, language or term: by `type` (DCA) or by element (DCT)."""
    found: dict[str, str] = {}
    for each in element.within(stop):
        if text := each.all_text.strip():
            found.setdefault(each.attributes.get("type", each.name), text)
    return found


def _entries(concept: _Concept, languages: LanguagePair, name: str) -> Iterator[TermEntry | BadRow]:
    sources = _in_language(concept, languages.source)
    targets = _in_language(concept, languages.target)
    approved = tuple(each.text for each in targets if not each.forbidden)
    forbidden = tuple(each.text for each in targets if each.forbidden)
    if not sources:
        origin = f"{name}:{concept.line}"
        raw = "; ".join(approved + forbidden)
        yield BadRow(origin, f"no term in {languages.source.name}", raw)
    for term in sources:
        facts = concept.facts | term.facts
        yield TermEntry(
            term.text, approved, forbidden, facts.get("note", ""), facts.get("partOfSpeech", ""),
            facts.get("subjectField", ""), f"{name}:{term.line}", term.examples,
            tuple(text for each in targets for text in each.examples),
        )  # fmt: skip


def _in_language(concept: _Concept, language: Language) -> list[_Term]:
    return [term for tag in of_language(concept.terms, language) for term in concept.terms[tag]]

"""A glossary's terms as they are used: found in a source, and looked for in its translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubash.core.languages import LanguagePair
from dubash.memory.entry import TermEntry
from dubash.memory.matcher import Matcher, Occurrence, Phrase, is_acronym
from dubash.memory.units import Gap, tidy, units

Key = tuple[tuple[str, bool], ...]
"""What spellings of one phrase share: its units, each with whether punctuation stands before."""


SourceKey = tuple[Key, str]
"""What entries of one source term share: a `Key`, and the capitals of an acronym (US is not us)."""


@dataclass(frozen=True, slots=True)
class Term:
    """A source term with all that its entries say of it.

    A translation that one entry approves and another forbids is approved.
    """

    source: str
    targets: tuple[str, ...]
    forbidden: tuple[str, ...]
    entries: tuple[TermEntry, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """How one text follows the terms of its source.

    `wanted` are the numbers of the terms that occur in the source, one for each occurrence;
    `right` says of each whether an approved translation stands in a place of its own; `forbidden`
    are the numbers of the terms whose forbidden translations stand in the text, one for each place.
    """

    wanted: tuple[int, ...]
    right: tuple[bool, ...]
    forbidden: tuple[int, ...]


class Terms:
    """Entries grouped by source term and made ready to be looked for in both languages."""

    def __init__(self, entries: Sequence[TermEntry], languages: LanguagePair) -> None:
        grouped: dict[SourceKey, list[TermEntry]] = {}
        for entry in entries:
            grouped.setdefault(source_key(entry.source, languages.source.code), []).append(entry)
        self.languages = languages
        self.terms = tuple(_term(group, languages.target.code) for group in grouped.values())
        sources: list[Phrase] = []
        targets: list[Phrase] = []
        self._of_source: list[int] = []
        self._of_target: list[tuple[int, bool]] = []
        for number, term in enumerate(self.terms):
            adjective = any(each.part_of_speech.lower()[:3] == "adj" for each in term.entries)
            for text in dict.fromkeys(each.source for each in term.entries):
                sources.append(Phrase(text, adjective))
                self._of_source.append(number)
            for text, approved in _both(term):
                targets.append(Phrase(text, adjective))
                self._of_target.append((number, approved))
        self._sources = Matcher(sources, languages.source.code)
        self._targets = Matcher(targets, languages.target.code)

    def source_places(self, text: str) -> list[Occurrence]:
        """Where terms stand in a source."""
        return self._sources.find(text)

    def in_source(self, text: str) -> tuple[int, ...]:
        """The numbers of the terms in a source, one for each occurrence, in their order there."""
        places = self.source_places(text)
        return tuple(self._of_source[(each.exact or each.phrases)[0]] for each in places)

    def target_places(self, text: str, wanted: Sequence[int]) -> list[Occurrence]:
        """Where translations, approved and forbidden, of the terms of these numbers stand."""
        asked = frozenset(wanted)
        return self._targets.find(text, lambda phrase: self._of_target[phrase][0] in asked)

    def usage(self, wanted: Sequence[int], text: str) -> Usage:
        """How a text follows the terms of its source, which are `wanted` (see `in_source`)."""
        places = self.target_places(text, wanted) if wanted else []
        approved: list[set[int]] = []
        forbidden: list[list[int]] = []
        for place in places:
            written = [self._of_target[each] for each in place.exact or place.phrases]
            inflected = [self._of_target[each] for each in place.phrases]
            good = any(is_approved for _, is_approved in written)
            approved.append({number for number, ok in inflected if ok} if good else set())
            forbidden.append([number for number, ok in written if not ok])
        holder = _assign(wanted, approved)
        bad = [each[0] for at, each in enumerate(forbidden) if each and at not in holder]
        found = set(holder.values())
        return Usage(tuple(wanted), tuple(at in found for at in range(len(wanted))), tuple(bad))


def phrase_key(text: str, code: str) -> Key:
    """What makes two phrases the same in a language: their units, and punctuation between them."""
    parts = units(tidy(text, code), code)
    return tuple((part.key, at > 0 and part.gap is Gap.HARD) for at, part in enumerate(parts))


def source_key(text: str, code: str) -> SourceKey:
    """What makes two entries those of one source term."""
    return phrase_key(text, code), text if is_acronym(text) else ""


def _term(entries: Sequence[TermEntry], code: str) -> Term:
    targets = {phrase_key(text, code): text for entry in reversed(entries)
               for text in reversed(entry.targets)}  # fmt: skip
    forbidden = {phrase_key(text, code): text for entry in entries for text in entry.forbidden}
    return Term(
        entries[0].source,
        tuple(reversed(targets.values())),
        tuple(text for same, text in forbidden.items() if same not in targets),
        tuple(entries),
    )


def _both(term: Term) -> list[tuple[str, bool]]:
    return [(text, True) for text in term.targets] + [(text, False) for text in term.forbidden]


def _assign(wanted: Sequence[int], approved: Sequence[set[int]]) -> dict[int, int]:
    """As many occurrences as possible, each with a place that holds a translation of its own: by
    place, the occurrence. A largest matching by augmenting paths (Kuhn 1955), breadth first."""
    holder: dict[int, int] = {}
    hopeless: set[int] = set()  # terms: what one occurrence cannot get, the next cannot either
    for occurrence, term in enumerate(wanted):
        asks, asked_by, free = [occurrence], {}, None
        while asks and free is None and term not in hopeless:
            asking = asks.pop(0)
            for place, terms in enumerate(approved):
                if wanted[asking] in terms and place not in asked_by:
                    asked_by[place] = asking
                    if place not in holder:
                        free = place
                        break
                    asks.append(holder[place])
        if free is None:
            hopeless.add(term)
        while free is not None:  # each gives up its place for the one behind it
            asking = asked_by[free]
            before = next((at for at, each in holder.items() if each == asking), None)
            holder[free] = asking
            free = before
    return holder

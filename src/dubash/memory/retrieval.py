"""What there is to help with a segment: similar ones in the memory, and terms of the glossary."""

from __future__ import annotations

from dataclasses import dataclass

from dubash.core.languages import LanguagePair
from dubash.memory.options import RetrievalOptions
from dubash.memory.terms import Term, Terms
from dubash.memory.tm.match import EXACT, Match, Query
from dubash.memory.tm.search import search
from dubash.memory.tm.store import Store

LOWEST = 50
"""Percent from which on matches are looked for: those below `least` are counted, not shown."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found for a segment: `matches` from `LOWEST` percent on, best first, and the terms
    that stand in it, each once; `shown` and `exact` are what is made of them."""

    matches: tuple[Match, ...] = ()
    terms: tuple[Term, ...] = ()
    shown: tuple[Match, ...] = ()
    exact: Match | None = None


class Retriever:
    """Looks segments up in a memory, a glossary, or both.

    With `itself` left out nothing that has the segment for its source counts: so training rows,
    which stand in the memory themselves, are shown only what resembles them.
    """

    def __init__(
        self,
        options: RetrievalOptions,
        languages: LanguagePair,
        memory: Store | None,
        terms: Terms | None,
        *,
        itself: bool = True,
    ) -> None:
        self.options, self.languages, self.itself = options, languages, itself
        self._memory, self._terms = memory, terms
        self._known: dict[str, Retrieved] = {}

    def find(self, source: str) -> Retrieved:
        """What there is for a segment; looked up once."""
        if source not in self._known:
            self._known[source] = self._find(source)
        return self._known[source]

    def _find(self, source: str) -> Retrieved:
        options, matches = self.options, self._matches(source)
        best = matches[0] if matches and matches[0].percent >= EXACT and options.exact else None
        shown = [each for each in matches if each.percent >= options.least][: options.matches]
        return Retrieved(matches, self._terms_in(source), tuple(shown), best)

    def _matches(self, source: str) -> tuple[Match, ...]:
        if self._memory is None:
            return ()
        most = max(1, self.options.matches)
        wanted = most if self.itself else most + 8  # a text may stand there several times
        found = search(self._memory, Query(source), LOWEST, wanted, self.languages)
        kept = [each for each in found if self.itself or each.unit.source != source]
        return tuple(kept[:most])

    def _terms_in(self, source: str) -> tuple[Term, ...]:
        if self._terms is None:
            return ()
        return tuple(
            self._terms.terms[each] for each in dict.fromkeys(self._terms.in_source(source))
        )

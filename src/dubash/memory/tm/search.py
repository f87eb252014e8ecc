"""What in a memory is most like a segment: exact first, then by edit distance."""

from __future__ import annotations

from itertools import islice

from dubash.core.languages import LanguagePair
from dubash.memory.languages import serves
from dubash.memory.tm.match import EXACT, Match, Query, best
from dubash.memory.tm.store import CANDIDATES, Found, Store
from dubash.memory.tm.unit import TranslationUnit


def search(
    memory: Store, query: Query, least: int, most: int, languages: LanguagePair | None = None
) -> list[Match]:
    """The `most` best matches of at least `least` percent, best first, of all units or of those in
    two languages."""

    def fitting(found: Found) -> Found:
        return (each for each in found if not languages or _is_of(each[1], languages))

    exact = best(query, fitting(memory.exact(query.text)), least, most)
    if len(exact) >= most:
        return exact
    alike = islice(fitting(memory.alike(query.text, least)), CANDIDATES)
    fuzzy = best(query, alike, least, most + len(exact))
    return (exact + [each for each in fuzzy if each.percent < EXACT])[:most]


def _is_of(unit: TranslationUnit, languages: LanguagePair) -> bool:
    source, target = unit.source_language, unit.target_language
    return serves(source, languages.source) and serves(target, languages.target)

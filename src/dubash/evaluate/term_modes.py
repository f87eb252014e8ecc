"""The modes of WMT25's terminology task: what a system is given for each row beside its source.

The same system translates the same rows three times: given no terms, the row's proper terms, or
random words as terms. What it gains from proper terms and not from random ones it gains from the
terminology, not from being told words of the reference. Whatever it was given, it is scored on the
proper terms and on the random ones, as the task's own scripts do
(https://www2.statmt.org/wmt25/terminology.html).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.memory.entry import TermEntry
from dubash.memory.matcher import Occurrence
from dubash.memory.stopwords import stop_words
from dubash.memory.terms import Terms, Usage
from dubash.memory.units import Unit, fold, tidy, units

Mode = Literal["none", "proper", "random"]

TermList = list[tuple[str, str]]
"""The terms given for one row: source term and translation."""

LEAST_TOGETHER = 2
"""Rows in which a random word and its translation must stand together."""


def given_terms(rows: Sequence[Pair], terms: Terms, mode: Mode, seed: int) -> list[TermList]:
    """What a system is given for each row in that mode; the same for the same seed.

    proper: each glossary term of the source, once, with its first approved translation. random: as
    many words of the source that are in no glossary term, each with a word of the reference: the
    one with which it shares most rows (Dice coefficient; each must be the other's best in the row).
    The fewer rows there are, the fewer of these are translations of each other, and a row may get
    fewer than it has proper terms. Japanese words are runs of katakana or of Han characters; in
    Thai, Lao, Khmer and Burmese words cannot be told apart, so that few are found.
    """
    if mode == "none":
        return [[] for _ in rows]
    numbers = [dict.fromkeys(terms.in_source(row.source)) for row in rows]
    if mode == "proper":
        found = [[terms.terms[number] for number in each] for each in numbers]
        return [[(term.source, term.targets[0]) for term in each] for each in found]
    chance = random.Random(seed)
    pairs = _pairs_of_words(rows, terms)
    return [
        chance.sample(each, min(len(each), len(wanted)))
        for each, wanted in zip(pairs, numbers, strict=True)
    ]


def usages_of_given(
    given: Sequence[TermList],
    sources: Sequence[str],
    texts: Sequence[str],
    languages: LanguagePair,
) -> list[Usage]:
    """How each text follows the terms given for its row, for `terminology.statistics`."""
    found = []
    for pairs, source, text in zip(given, sources, texts, strict=True):
        terms = Terms([TermEntry(term, (target,)) for term, target in pairs], languages)
        found.append(terms.usage(terms.in_source(source), text))
    return found


def _pairs_of_words(rows: Sequence[Pair], terms: Terms) -> list[TermList]:
    """For each row, words of source and reference that are in no term and best go together."""
    sides = [_sides(row, terms) for row in rows]
    alone = [Counter(word for side in sides for word in side[at]) for at in (0, 1)]
    together = Counter((a, b) for left, right in sides for a in left for b in right)

    def dice(a: str, b: str) -> float:
        shared = together[a, b]
        return 2 * shared / (alone[0][a] + alone[1][b]) if shared >= LEAST_TOGETHER else 0.0

    found = []
    for left, right in sides:
        best = {a: max(right, key=lambda b: dice(a, b)) for a in left if right}
        back = {b: max(left, key=lambda a: dice(a, b)) for b in right if left}
        found.append(
            [(left[a], right[b]) for a, b in best.items() if back[b] == a and dice(a, b) > 0]
        )
    return found


def _sides(row: Pair, terms: Terms) -> tuple[dict[str, str], dict[str, str]]:
    """The words of both sides that are in no term: folded, and as they are written."""
    source, target = terms.languages.source.code, terms.languages.target.code
    wanted = terms.in_source(row.source)
    return (
        dict(_words(row.source, source, terms.source_places(row.source))),
        dict(_words(row.target, target, terms.target_places(row.target, wanted))),
    )


def _words(text: str, code: str, taken: Sequence[Occurrence]) -> Iterator[tuple[str, str]]:
    """Words of three letters and more, or runs of two characters of katakana or Han and more."""
    plain, stops = tidy(text, code), stop_words(code)
    runs: list[list[Unit]] = []
    for each in units(plain, code):
        if any(place.start < each.end and each.start < place.end for place in taken):
            continue
        before = runs[-1][-1] if runs else None
        if before and each.script and (before.script, before.end) == (each.script, each.start):
            runs[-1].append(each)
        else:
            runs.append([each])
    for run in runs:
        word, script = plain[run[0].start : run[-1].end], run[0].script
        key = fold(word, code)
        long = len(word) >= (2 if script else 3) and not any(map(str.isnumeric, word))
        if long and script != "HIRAGANA" and key not in stops:
            yield key, word

"""Are the sides of an entry in the languages that the recipe names, or in each other's?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dubash.core.languages import LANGUAGES, Language, LanguagePair
from dubash.core.types import Pair
from dubash.data.language import can_be_named, likely_language, near_languages, same_language

SAMPLE = 400
"""Rows of an entry that are looked at."""

LETTERS = 60
"""Segments are joined up to as many letters: on fewer the identifier is often wrong."""

PROBABILITY = 0.7
"""From which on it is believed. On real rows at hand, lists of names among them, at most one such
piece in fifty was then told wrongly."""

LEAST_BOTH, MOST_BOTH = 10, 0.6
"""Pieces told on each side, and the share of each that must be exceeded, for sides that are in each
other's language."""

LEAST_ONE, SHARE_ONE = 50, 0.5
"""Pieces told on a side, and the share of them, for one side in another language."""


@dataclass(slots=True)
class Sample:
    """Some rows of a stream, each as likely as any other (Vitter 1985, algorithm R)."""

    seed: int
    rows: list[Pair] = field(default_factory=list)
    _seen: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def add(self, row: Pair) -> None:
        """Take the row in, for one of those before where there are enough."""
        self._seen += 1
        if len(self.rows) < SAMPLE:
            self.rows.append(row)
        elif (place := self._chance.randrange(self._seen)) < SAMPLE:
            self.rows[place] = row


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against the sides as they are named. `kind` is "swapped" where both are in each
    other's language, "same" where one is in that of the other, and "other" where one seems to be in
    a third, of which the identifier may know less."""

    kind: str
    text: str


def doubt(rows: Sequence[Pair], pair: LanguagePair) -> Doubt | None:
    """What speaks most against these rows being in the languages of the pair, if anything.

    Short segments say too little, so those of a side are joined into pieces. Only pieces of which
    the identifier is sure count, and only sides in a language that it knows, in its own script.
    """
    if same_language(pair.source.code, pair.target.code):
        return None
    source = _told([row.source for row in rows], pair.source)
    target = _told([row.target for row in rows], pair.target)
    one = _share(source, pair.target.code), _share(target, pair.source.code)
    if min(source.total(), target.total()) >= LEAST_BOTH and min(one) > MOST_BOTH:
        return Doubt(
            "swapped",
            f"the columns look swapped: {one[0]:.0%} of the source side is {pair.target.code}, "
            f"{one[1]:.0%} of the target side is {pair.source.code} (of the {source.total()} and "
            f"{target.total()} pieces that could be told)",
        )
    sides = (
        ("source", source, pair.source, pair.target),
        ("target", target, pair.target, pair.source),
    )
    found = [each for side in sides if (each := _doubt_of_one(*side))]
    return min(found, key=lambda each: each.kind != "same", default=None)


def _doubt_of_one(side: str, told: Counter[str], named: Language, other: Language) -> Doubt | None:
    """Whether one side is in another language than the one it is named by."""
    if told.total() < LEAST_ONE:
        return None
    code = told.most_common(1)[0][0]
    share = _share(told, code)
    if same_language(code, named.code) or share < SHARE_ONE:
        return None
    theirs = same_language(code, other.code) and not near_languages(code, named.code)
    text = f"the {side} side looks {code}, not {named.code}: {share:.0%} of the {told.total()} "
    return Doubt("same" if theirs else "other", f"{text}pieces that could be told")


def _told(texts: Sequence[str], named: Language) -> Counter[str]:
    """How many of a side's pieces are surely in which language; none where its own is unknown to
    the identifier, or is written in another script here than it knows it in."""
    usual, pieces = LANGUAGES.get(named.code), list(_pieces(texts))
    if usual is None or usual.scripts != named.scripts or len(pieces) < LEAST_BOTH:
        return Counter()  # before the identifier is loaded, which takes a while
    if not can_be_named(named.code):
        return Counter()
    found = map(likely_language, pieces)
    return Counter(code for code, probability in found if probability >= PROBABILITY)


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    """The texts in their order, joined until they have enough letters; what is left over is not."""
    piece, letters = "", 0
    for text in texts:
        piece, letters = f"{piece} {text}", letters + sum(map(str.isalpha, text))
        if letters >= LETTERS:
            yield piece.strip()
            piece, letters = "", 0


def _share(told: Counter[str], code: str) -> float:
    same = sum(count for each, count in told.items() if same_language(each, code))
    return same / max(1, told.total())

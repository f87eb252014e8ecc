"""Many phrases sought in a text at once: the longest first, none over another."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from dubash.memory.inflections import forms
from dubash.memory.units import Gap, Unit, tidy, units

ACRONYM = 5
"""Letters up to which a phrase in capitals (IT, US, DNS) is found only where capitals stand."""

SHORT = {"HAN": 1, "KATAKANA": 3, "HIRAGANA": 3}
"""Characters up to which a phrase's first and last run of a script must not touch another of that
script: ログ (log) is not sought in ブログ (blog), nor 2時 (two o'clock) in 2時間 (two hours). Of
hiragana, in which verbs end and to which particles are joined, only phrases of nothing else."""

SHORT_ELSEWHERE = 1
"""The same for the other scripts without spaces."""

PARTICLES = (
    "は",
    "が",
    "を",
    "に",
    "へ",
    "で",
    "と",
    "の",
    "も",
    "や",
    "まで",
    "より",
    "だけ",
    "など",
)
"""What may follow a phrase that is one Han character, if it is hiragana: 目を, but not 目立つ, and
分の, but not 分かる. から is left out: it may be how such a verb goes on."""


class Phrase(NamedTuple):
    """What is sought. `adjective`: it may agree in gender though it is one word."""

    text: str
    adjective: bool = False


class Occurrence(NamedTuple):
    """A place where phrases stand, by their numbers: `exact` as written, `phrases` all of them.

    `start` and `end` are places in the tidied text, `text` is what stands there.
    """

    start: int
    end: int
    text: str
    exact: tuple[int, ...]
    phrases: tuple[int, ...]


@dataclass(slots=True)
class _Node:
    """Units so far: which may follow, and the phrases that end here. A key is the unit's, and
    whether punctuation stands before it."""

    children: dict[tuple[str, bool], _Node] = field(default_factory=dict)
    phrases: list[int] = field(default_factory=list)


class _Form(NamedTuple):
    """A word of a phrase that a word of a text may be a form of."""

    word: str
    exact: bool
    agreement: bool


class _Needs(NamedTuple):
    """What must be so where a phrase stands: these capitals, no character of the same script that
    touches it on the left or right, and behind it a particle if any hiragana."""

    capitals: str
    left: bool
    right: bool
    particle: bool


class _Found(NamedTuple):
    end: int
    phrase: int
    exact: bool


class Matcher:
    """Phrases of one language, made ready once; `find` takes time by the text, not by them."""

    def __init__(self, phrases: Sequence[Phrase], code: str) -> None:
        """`code` is that of the language. A phrase without a letter, digit or symbol is never
        found."""
        self._code, self._root = code, _Node()
        self._agrees: list[bool] = []
        self._needs: list[_Needs] = []
        self._forms: dict[str, list[_Form]] = {}
        seen: set[str] = set()
        for number, phrase in enumerate(phrases):
            text = tidy(phrase.text, code)
            parts = units(text, code)
            self._agrees.append(phrase.adjective or len(parts) > 1)
            self._needs.append(_needs(text, parts))
            self._add(number, parts, seen)

    def _add(self, number: int, parts: Sequence[Unit], seen: set[str]) -> None:
        node = self._root
        for place, part in enumerate(parts):
            if part.key not in seen:
                seen.add(part.key)
                self._forms.setdefault(part.key, []).append(_Form(part.key, True, False))
                if not part.script:
                    for form, agreement in forms(part.key, self._code).items():
                        known = self._forms.setdefault(form, [])
                        known.append(_Form(part.key, False, agreement))
            hard = place > 0 and part.gap is Gap.HARD
            node = node.children.setdefault((part.key, hard), _Node())
        if parts:
            node.phrases.append(number)

    def find(self, text: str, wanted: Callable[[int], bool] = lambda _: True) -> list[Occurrence]:
        """The occurrences of the `wanted` phrases, in their order in the text.

        Where they overlap the one of more characters is taken, then the one that is written as in
        its phrase, then the first.
        """
        plain = tidy(text, self._code)
        parts = units(plain, self._code)
        places: dict[tuple[int, int], list[_Found]] = {}
        for start in range(len(parts)):
            for found in self._from(parts, start, plain):
                if wanted(found.phrase):
                    places.setdefault((start, found.end), []).append(found)
        free = [True] * len(parts)
        taken = []
        for start, end in sorted(places, key=lambda place: _rank(place, places[place], parts)):
            if all(free[start:end]):
                free[start:end] = [False] * (end - start)
                taken.append((start, end))
        return [_occurrence(plain, parts, place, places[place]) for place in sorted(taken)]

    def _from(self, parts: Sequence[Unit], start: int, text: str) -> Iterator[_Found]:
        """Every phrase that begins at that unit."""
        ways = [(start, self._root, True, False)]
        while ways:
            at, node, exact, agreement = ways.pop()
            for phrase in node.phrases:
                if (not agreement or self._agrees[phrase]) and self._stands(
                    phrase, parts, start, at, text
                ):
                    yield _Found(at, phrase, exact)
            if at == len(parts):
                continue
            hard = at > start and parts[at].gap is Gap.HARD
            for form in self._forms.get(parts[at].key, ()):
                if child := node.children.get((form.word, hard)):
                    ways.append((at + 1, child, exact and form.exact, agreement or form.agreement))

    def _stands(self, phrase: int, parts: Sequence[Unit], start: int, end: int, text: str) -> bool:
        needs = self._needs[phrase]
        if needs.capitals and not text.startswith(needs.capitals, parts[start].start):
            return False
        if (needs.left and _touch(parts, start - 1)) or (needs.right and _touch(parts, end - 1)):
            return False
        if not needs.particle or end == len(parts) or parts[end].gap is not Gap.NONE:
            return True
        return parts[end].script != "HIRAGANA" or text.startswith(PARTICLES, parts[end].start)


def is_acronym(text: str) -> bool:
    """Two to `ACRONYM` letters, all of them capitals of a script that has small ones."""
    letters = [each for each in text if unicodedata.category(each)[0] == "L"]
    return 2 <= len(letters) <= ACRONYM and all(map(str.isupper, letters))


def _needs(text: str, parts: Sequence[Unit]) -> _Needs:
    capitals = text.strip() if is_acronym(text) else ""
    one_han = len(parts) == 1 and parts[0].script == "HAN"
    return _Needs(capitals, _is_short(parts), _is_short(parts[::-1]), one_han)


def _is_short(parts: Sequence[Unit]) -> bool:
    """Whether the run of one script that these begin with is a short one."""
    script = parts[0].script if parts else ""
    run = list(takewhile(lambda part: part.script == script, parts))
    if not script or (script == "HIRAGANA" and len(run) < len(parts)):
        return False
    return len(run) <= SHORT.get(script, SHORT_ELSEWHERE)


def _touch(parts: Sequence[Unit], left: int) -> bool:
    """Whether a unit and the next are characters of one script with nothing between."""
    if left < 0 or left + 1 == len(parts):
        return False
    return parts[left].script == parts[left + 1].script and parts[left + 1].gap is Gap.NONE


def _rank(
    place: tuple[int, int], found: Sequence[_Found], parts: Sequence[Unit]
) -> tuple[int, bool, int]:
    start, end = place
    length = parts[end - 1].end - parts[start].start
    return (-length, not any(each.exact for each in found), start)


def _occurrence(
    text: str, parts: Sequence[Unit], place: tuple[int, int], found: Sequence[_Found]
) -> Occurrence:
    start, end = parts[place[0]].start, parts[place[1] - 1].end
    exact = sorted({each.phrase for each in found if each.exact})
    phrases = sorted({each.phrase for each in found})
    return Occurrence(start, end, text[start:end], tuple(exact), tuple(phrases))

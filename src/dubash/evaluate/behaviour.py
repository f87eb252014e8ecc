"""What a system did that a score does not name: flags of one row, each by a stated rule.

Every rule looks at characters, never at words, so that it works for scripts without spaces.
Lengths are in characters (code points) of the stripped text. The thresholds are in
`BehaviourOptions`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rapidfuzz.distance import Levenshtein

from dubash.core.languages import Language, script_of, script_share
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.options import BehaviourOptions

FLAGS = (
    "no_end",
    "empty",
    "over_long",
    "copied_source",
    "wrong_script",
    "repetition_loop",
    "prompt_left_over",
)
"""Every flag, in the order in which they are written."""

_LONGEST_PERIOD = 500
"""Characters of the longest repeated unit that is looked for: a limit on the work."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the rows of one comparison are held to.

    `length_ratio` is the usual number of target characters for a source character, see
    `usual_length_ratio`. `prompt_pieces` are strings of the prompt that have no business in a
    hypothesis: lines of the template, labels such as "Spanish:", chat markers, names of roles.
    """

    target: Language
    length_ratio: float
    prompt_pieces: tuple[str, ...]
    options: BehaviourOptions


def usual_length_ratio(rows: Sequence[Pair]) -> float:
    """Reference characters for each source character, over all rows; 1 where no source has any."""
    sources = sum(len(row.source.strip()) for row in rows)
    return sum(len(row.target.strip()) for row in rows) / sources if sources else 1.0


def flags(row: Pair, hypothesis: Hypothesis, expected: Expectation) -> list[str]:
    """The flags of one hypothesis, in the order of `FLAGS`."""
    text, options = hypothesis.text, expected.options
    found = {
        "no_end": hypothesis.stop == "limit",
        "empty": is_empty(text),
        "over_long": is_over_long(text, row, expected.length_ratio, options),
        "copied_source": is_copy(text, row, options),
        "wrong_script": is_wrong_script(text, row, expected.target, options),
        "repetition_loop": is_loop(text, row, options),
        "prompt_left_over": has_prompt(text, row, expected.prompt_pieces),
    }
    return [name for name in FLAGS if found[name]]


def is_empty(text: str) -> bool:
    """No character that is seen: blanks, line breaks, zero-width and control characters only."""
    return not any(each.isprintable() and not each.isspace() for each in text)


def is_over_long(text: str, row: Pair, length_ratio: float, options: BehaviourOptions) -> bool:
    """More than `over_long` times the expected length and `over_long_slack` characters more.

    Expected is the longer of the reference and the source times `length_ratio`: a hypothesis
    must be too long for both, since a reference may itself be a terse one.
    """
    expected = max(len(row.target.strip()), length_ratio * len(row.source.strip()))
    return len(text.strip()) > options.over_long * expected + options.over_long_slack


def is_copy(text: str, row: Pair, options: BehaviourOptions) -> bool:
    """The source given back instead of a translation, whole or inside other text.

    Compared are letters, digits and marks only, without case. Whole: Levenshtein similarity to
    the source of at least `copied_source`. Inside: a source of at least `copied_characters`
    stands in the hypothesis. Not flagged where the same holds for the reference: a name, a
    number, a word that both languages share.
    """
    source = _bare(row.source)
    return (
        bool(source)
        and _copies(_bare(text), source, options)
        and not _copies(_bare(row.target), source, options)
    )


def _copies(text: str, source: str, options: BehaviourOptions) -> bool:
    if len(source) >= options.copied_characters and source in text:
        return True
    return Levenshtein.normalized_similarity(text, source) >= options.copied_source


def is_wrong_script(text: str, row: Pair, target: Language, options: BehaviourOptions) -> bool:
    """Fewer than `wrong_script` of the letters are in a script of the target language.

    Digits, signs and marks do not count, nor do words in other scripts that the reference has
    as well: names, codes. Not flagged where no letter is left, or the reference has none. Where
    source and target share a script (English and Spanish, Hindi and Marathi) this cannot tell a
    translation from a copy, nor any two languages of one script from each other: `is_copy` sees
    the copies.
    """
    if script_share(row.target, target.scripts) is None:
        return False
    known = {word.casefold() for word in _foreign_words(row.target, target)}
    foreign = sum(
        len(word) for word in _foreign_words(text, target) if word.casefold() not in known
    )
    own = sum(script_of(each) in target.scripts for each in _compatible(text))
    return own < options.wrong_script * (own + foreign)


def _foreign_words(text: str, target: Language) -> list[str]:
    """Runs of letters that are in no script of the target language; marks do not count."""
    kept = (
        each if (script := script_of(each)) and script not in target.scripts else " "
        for each in _compatible(text)
    )
    return "".join(kept).split()


def _compatible(text: str) -> str:
    """Full-width and half-width letters as the plain ones (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def is_loop(text: str, row: Pair, options: BehaviourOptions) -> bool:
    """The same words or characters again and again, with nothing between.

    A unit of up to 500 characters, at least `loop_repeats` times in a row, over at least
    `loop_characters` characters in all; so "no, no, no" and "ha ha ha ha" are none. Looked for
    twice, without case: in letters and marks alone ("1. Hola 2. Hola 3. …" is a loop), and in
    all that is not blank ("!!!!…"). Not flagged where the reference has a loop as well.
    """
    return _has_loop(text, options) and not _has_loop(row.target, options)


def _has_loop(text: str, options: BehaviourOptions) -> bool:
    folded = text.casefold()
    letters = "".join(each for each in folded if _kind(each) == "letter")
    everything = "".join(folded.split())
    return _repeats(letters, options) or (letters != everything and _repeats(everything, options))


def _repeats(text: str, options: BehaviourOptions) -> bool:
    """Whether some unit is repeated: with period p, a run of characters equal to the p-th before.

    A unit said k times is a run of (k - 1)·p such characters.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for period in range(1, min(len(codes) // options.loop_repeats, _LONGEST_PERIOD) + 1):
        equal = codes[period:] == codes[:-period]
        wanted = max((options.loop_repeats - 1) * period, options.loop_characters - period)
        if np.count_nonzero(equal) < wanted:
            continue
        breaks = np.concatenate(([-1], np.flatnonzero(~equal), [len(equal)]))
        if int(np.diff(breaks).max()) - 1 >= wanted:
            return True
    return False


def has_prompt(text: str, row: Pair, pieces: Sequence[str]) -> bool:
    """A piece of the prompt stands in the hypothesis, without regard to case and kind of blank.

    A piece that is one bare word, such as the role "assistant", may be a word of a translation:
    it counts only as written, as a line of its own or as the first word of the hypothesis. Not
    flagged is a piece that stands in the row's own source or reference.
    """
    own = (_folded(row.source), _folded(row.target))
    inside = _folded(text)
    return any(
        (_stands_out(piece, text) if piece.isalpha() else folded in inside)
        and not any(folded in side for side in own)
        for piece in map(str.strip, pieces)
        if (folded := _folded(piece))
    )


def _stands_out(word: str, text: str) -> bool:
    """Whether the word is a line of its own, but for signs, or the first word of the text."""
    spelled = re.escape(word)
    first = re.match(rf"\W*{spelled}\b", text)
    return bool(first or re.search(rf"^\W*{spelled}\W*$", text, re.MULTILINE))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _bare(text: str) -> str:
    """Letters, digits and marks, without case and compatibility forms."""
    folded = _compatible(text).casefold()
    return "".join(each for each in folded if _kind(each))


@lru_cache(maxsize=65536)
def _kind(character: str) -> str:
    """`letter` (with the marks that belong to letters, such as Indic vowel signs), `digit`, ""."""
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "letter"
    return "digit" if category[0] == "N" else ""

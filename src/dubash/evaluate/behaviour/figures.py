"""Figures of the source that the translation lacks: a warning, since people change figures too.

A figure of the source counts as kept where the translation has it in any of these forms: in the
digits of any script, with the separators of any convention (1,000 · 1.000 · 1 000 · 1,00,000),
spelled out or scaled in a language whose number words are known (`number_words`), in Roman
numerals, on the 24-hour clock, as a year cut short, or converted to another unit (`units`).
Only what is lost is looked for: a figure that was changed is lost.
"""

from __future__ import annotations

import re
import unicodedata

from dubash.core.languages import Language
from dubash.core.types import Pair
from dubash.evaluate.behaviour.markup import without_markup
from dubash.evaluate.behaviour.number_words import lexicon, scales
from dubash.evaluate.behaviour.numerals import (
    FRACTION,
    NUMBER,
    WORD,
    Numbers,
    numbers,
    parts,
    plain_digits,
    readings,
)
from dubash.evaluate.behaviour.units import close, conversions

_FIGURE = re.compile(rf"({NUMBER})({FRACTION})?")
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_SCALE = re.compile(rf"[\s-]*({WORD})")
_HOURS = re.compile(r"[012]?\d:[0-5]\d")
_PERCENT = re.compile(
    r"[%٪]|per ?cent|por ?cient|प्रतिशत|फ़ीसदी|फीसदी|ટકા|ટકો|પ્રતિશત|ಶೇಕಡ|ಶೇ\.|ಪ್ರತಿಶತ|パーセント"
)
_WHOLLY = re.compile(rf"(?<!\d)100[ -]?(?:{_PERCENT.pattern})")
_RANGE = re.compile(rf"\s*(?:-|–|to|a|से|થી)\s*[$£€¥₹]?\s*(?:{NUMBER})", re.IGNORECASE)
_CLOCK = re.compile(r"\s*([ap])\.?\s?m\b", re.IGNORECASE)


def changed_figures(text: str, row: Pair, target: Language) -> tuple[list[str], list[str]]:
    """The figures of the source that the hypothesis lacks and the reference, if there is one, has;
    and, where there are any, the figures that the hypothesis has beyond the source's."""
    source = plain_digits(row.source)
    if not any(map(str.isdigit, source)):
        return [], []
    source, text = without_markup(source), plain_digits(without_markup(text))
    lost = lost_figures(source, text, target)
    if lost and row.target:
        elsewhere = set(lost_figures(source, without_markup(row.target), target))
        lost = [figure for figure in lost if figure not in elsewhere]
    if not lost:
        return [], []
    given = {figure.group() for figure in _FIGURE.finditer(source)}
    new = (figure.group() for figure in _FIGURE.finditer(text))
    return lost, list(dict.fromkeys(figure for figure in new if figure not in given))


def lost_figures(source: str, text: str, target: Language) -> list[str]:
    """The figures of `source` that `text` does not have, as the source writes them, each once."""
    source = plain_digits(source)
    wanted = list(_FIGURE.finditer(source))
    if not wanted:
        return []
    text = plain_digits(text)
    found = numbers(text, target)
    lost = [each.group() for each in wanted if not _is_kept(each, source, found, target)]
    if not _PERCENT.search(text):  # "100% sure" may be "wholly sure"
        lost = [each for each in lost if each != "100" or not _WHOLLY.search(source)]
    return list(dict.fromkeys(lost))


def _is_kept(figure: re.Match[str], source: str, found: Numbers, target: Language) -> bool:
    before, after = source[: figure.start()], source[figure.end() :]
    added = unicodedata.numeric(figure[2]) if figure[2] else 0.0
    values = {value + added for value in readings(figure[1])}
    pieces = parts(figure[1])
    if (clock := _CLOCK.match(after)) or _HOURS.fullmatch(figure[1]):
        return _is_time(pieces, clock[1].lower() if clock else "", found)
    reached = _RANGE.match(after)
    after = after[reached.end() :] if reached else after
    factor, spelled, after = _scale(after)
    scaled = {value * factor for value in values}
    bare = not spelled or bool(reached) or factor in found.scales or not lexicon(target.code).words
    accepted = scaled | (values if bare else set()) | _years(figure[1])
    if bare and len(pieces) > 1 and _has_parts(pieces, found):
        return True
    if any(_same(value, found.values) for value in accepted):
        return True
    measures = scaled if spelled else values | scaled
    exact = [each for value in measures for each in conversions(value, before, after)]
    return any(close(each, wanted) for wanted in exact for each in found.values)


def _scale(after: str) -> tuple[float, bool, str]:
    """What the words after a figure multiply it by, whether they say so in full, and the rest."""
    if not (word := _SCALE.match(after)):
        return 1.0, False, after
    if factor := _SHORT_SCALES.get(word[1].lower()):
        return factor, False, after
    if (term := scales().find(word[1].lower())) and term.scale:
        return term.value, True, after[word.end() :]
    return 1.0, False, after


def _same(value: float, found: set[float]) -> bool:
    return value in found or any(abs(value - each) <= 1e-9 * abs(value) for each in found)


def _has_parts(pieces: tuple[float, ...], found: Numbers) -> bool:
    """12.30 as 12:30, or as 12 and 30."""
    return pieces in found.compound or found.values.issuperset(pieces)


def _is_time(pieces: tuple[float, ...], half_day: str, found: Numbers) -> bool:
    """An hour of the 12-hour clock on either clock, and its minutes, also as halves and quarters.

    `half_day` is "a", "p" or "" where the source does not say.
    """
    hour, *minutes = pieces
    other = {"a": hour % 12, "p": hour % 12 + 12, "": (hour + 12) % 24}[half_day]
    hours = {hour, other}
    if any((each, *minutes) in found.compound for each in hours):
        return True
    missing = set(minutes) - {0.0} - found.values
    if 0.5 in found.values:
        missing -= {30.0}
    if not found.values.isdisjoint((0.25, 4.0)):  # a quarter past; a quarter to the next hour
        missing -= {15.0, 45.0}
        hours |= {hour + 1} if 45.0 in minutes else set()
    whole = found.values | {each[0] for each in found.compound if not any(each[1:])}
    return not missing and not whole.isdisjoint(hours)


def _years(figure: str) -> set[float]:
    """A year cut short (1990s: the 90s), or in full where the source cuts it (2016-17, '68)."""
    if len(figure) == 4 and figure.isdigit() and figure[0] in "12":
        return {float(figure[2:])}
    if len(figure) == 2:
        return {1900.0 + float(figure), 2000.0 + float(figure)}
    return set()

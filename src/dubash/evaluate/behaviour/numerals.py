"""Every number that a text may be read to hold, in the digits and words of its language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dubash.core.languages import Language
from dubash.evaluate.behaviour.number_words import Lexicon, Term, lexicon

NUMBER = r"\d{1,3}(?:,?[ \u00a0\u202f\u2009]\d{3})+(?!\d)|\d+(?:[.,:'’]\d+)*"
SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
SIGNS = rf"(?:[十割百千万億兆](?:{NUMBER})?)*"
FRACTION = r"[½¼¾⅓⅔⅛⅜⅝⅞]"
WORD = r"[^\W\d_][^\s\d!-/:-@\[-`{-~“”‘’«»।॥、。・（）「」–—]*"

_JAPANESE = "[〇零一二両三四五六七八九十割百千万億兆半]|ゼロ|イレブン|ダース|ハーフ"
_TOKEN = re.compile(rf"(?P<number>{NUMBER})|(?P<part>{FRACTION})|(?P<word>{WORD})")
_JAPANESE_TOKEN = re.compile(
    rf"(?P<number>{NUMBER})|(?P<part>{FRACTION})|(?P<word>{_JAPANESE})|[^\W\d]"
)
_SIGNS = {"，": ",", "．": ".", "：": ":", "∶": ":", "٫": ".", "٬": ",", "％": "%"}
_SHORT = re.compile(rf"(?<!\d)(?<!\d[.,:'’])((?>{NUMBER})) ?({'|'.join(SHORT_SCALES)})\b")
_FOREIGN = re.compile(rf"(?![0-9])\d|[⁰¹²³⁴-⁹₀-₉①-⑨{''.join(_SIGNS)}]")
_JOINED = frozenset({"", ",", "and", "y", "और", "અને", "ಮತ್ತು"})
_ROMAN = re.compile(r"\b[IVXLC]+\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}


def plain_digits(text: str) -> str:
    """The text with the decimal digits of every script as 0 to 9, full-width signs as plain ones.

    Small and circled digits (CO₂, m², ①) are numbers by themselves.
    """
    return text if text.isascii() else _FOREIGN.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    character = found.group()
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    digit = unicodedata.digit(character, None)
    return _SIGNS[character] if digit is None else f" {digit}"


@lru_cache(maxsize=4096)
def readings(number: str) -> tuple[float, ...]:
    """What a number in digits may mean, smallest first: `1.234` is 1.234 or 1,234; `10:30` neither.

    Separators before groups of three digits (or of two, then three: 1,00,000) may group; the last
    one may be the decimal sign.
    """
    parts = re.split(r"\D+", number)
    signs = re.findall(r"\D+", number)
    if not signs:
        return (float(number),)
    found = set()
    grouped = len(parts[-1]) == 3 and all(len(part) in (2, 3) for part in parts[1:-1])
    if grouped and len(set(signs)) == 1 and signs[0] != ":":
        found.add(float("".join(parts)))
    if signs[-1] in (".", ",") and signs[-1] not in signs[:-1] and ":" not in signs:
        found.add(float("".join(parts[:-1]) + "." + parts[-1]))
    return tuple(sorted(found))


def parts(number: str) -> tuple[float, ...]:
    """The numbers that a number in digits is put together of: hours and minutes, day and month."""
    return tuple(float(part) for part in re.split(r"\D+", number))


def sign_totals(text: str) -> set[float]:
    """What figures and Chinese or Japanese signs say together: 1億2000万 is 120,000,000."""
    *_, (low, high) = _runs(text, lexicon("ja"))
    return {list(_totals(low))[-1], list(_totals(high))[-1]}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a text may be read to hold: numbers, those that are put together of several (10:30, as
    their parts), and the scales that it names."""

    values: set[float]
    compound: set[tuple[float, ...]]
    scales: set[float]


def numbers(text: str, language: Language) -> Numbers:
    """Every number that a text of the language may be read to hold; digits as by `plain_digits`."""
    found: set[float] = set()
    scales: set[float] = set()
    known = lexicon(language.code)
    for low, high in _runs(text, known):
        found.update(_totals(low))
        found.update(_totals(high))
        scales.update(term.value for term in low if term.scale)
    written = re.findall(NUMBER, text)
    compound = {parts(each) for each in written}
    for each in written:
        found.update(readings(each))
    found.update(each[0] for each in compound if not any(each[1:]))  # 3:00 is 3 o'clock
    for number, scale in _SHORT.findall(text):
        found.update(value * SHORT_SCALES[scale] for value in readings(number))
        scales.add(SHORT_SCALES[scale])
    if "LATIN" in language.scripts:
        found.update(_roman(match.group()) for match in _ROMAN.finditer(text))
    for name, before in _ERAS.items():
        if name in text:
            found.update({before + value for value in found if value < 65} | {before + 1})
    return Numbers(found, compound, scales)


def _runs(text: str, known: Lexicon) -> Iterator[tuple[list[Term], list[Term]]]:
    """Terms that stand side by side, twice: each by its smallest reading, and by its largest."""
    low: list[Term] = []
    high: list[Term] = []
    end = 0
    for match in (_JAPANESE_TOKEN if "一" in known.words else _TOKEN).finditer(text):
        gap = text[end : match.start()].strip(" \u00a0-")
        pair = _terms(match, known)
        if low and (pair is None or gap not in _JOINED):
            if pair is None and gap in _JOINED and match.group() in _JOINED:
                end = match.end()
                continue
            yield low, high
            low, high = [], []
        if pair:
            low.append(pair[0])
            high.append(pair[1])
            end = match.end()
    yield low, high


def _terms(match: re.Match[str], known: Lexicon) -> tuple[Term, Term] | None:
    if number := match["number"]:
        values = readings(number)
        return (Term(values[0]), Term(values[-1])) if values else None
    if sign := match["part"]:
        part = Term(unicodedata.numeric(sign))
        return part, part
    term = known.find(match.group())
    return (term, term) if term else None


def _totals(run: list[Term]) -> Iterator[float]:
    """Each number, each scaled group, and the sum: 3億2000万 is 3e8, 2e7 and 320,000,000.

    Up to a thousand scales build one group (two hundred thousand, 二千三百); larger ones end it.
    """
    total = group = last = 0.0
    pending: float | None = None
    for term in run:
        if not term.scale:
            yield term.value
            if pending == 0.5 and term.value == 1:
                continue  # half a million
            if pending is not None and not _adds_up(pending, term.value):
                yield total + group + pending
                total = group = last = 0.0
                pending = None
            pending = (pending or 0.0) + term.value
            continue
        if term.value <= 1000:
            if term.value > last:
                group = (group + (pending or 0.0) or 1.0) * term.value
            else:
                group += (1.0 if pending is None else pending) * term.value
            last = term.value
            yield group
        elif pending is None and not group and total:
            total *= term.value
        else:
            group = (group + (pending or 0.0) or 1.0) * term.value
            yield group
            total, group, last = total + group, 0.0, 0.0
        pending = None
    if run:
        yield total + group + (pending or 0.0)


def _adds_up(before: float, value: float) -> bool:
    """Twenty and five, two and a half; not two numbers that stand side by side."""
    if 0.5 in (before, value) or value < 1:
        return True
    return (20 <= before < 100 and before % 10 == 0 and value < 10) or (
        before >= 200 and before % 100 == 0 and value < 100
    )


def _roman(letters: str) -> float:
    values = [_ROMAN_VALUES[each] for each in letters]
    following = [*values[1:], 0]
    return float(sum(-a if a < b else a for a, b in zip(values, following, strict=True)))

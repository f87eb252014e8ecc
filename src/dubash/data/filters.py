"""Which rows are not worth training on: pair → reason, or none."""

from __future__ import annotations

import re
import unicodedata

from dubash.core.languages import Language, LanguagePair, script_share
from dubash.core.types import Pair
from dubash.data.normalise import key
from dubash.data.options import FilterOptions

_MARKUP = re.compile(
    r"</?[A-Za-z_][\w:.-]*(\s[^<>]*)?/?>"  # tags
    r"|<!--|<!\[CDATA\[|<!DOCTYPE"
    r"|&(#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos|nbsp);"  # entities
)

_SMOOTHING = 10
"""Added to both sides of the length ratio: short segments say little about it."""


def drop_reason(pair: Pair, options: FilterOptions, languages: LanguagePair | None) -> str | None:
    """Why a normalised row is dropped, or None where it is kept.

    `languages` is None for instructions: both sides are then of one language, may differ in
    length, may hold code, and so are held only to the first three reasons.
    """
    source, target = pair.source, pair.target
    if not source or not target:
        return "empty"
    if max(len(source), len(target)) > options.max_characters:
        return "too long"
    if has_control_characters(source) or has_control_characters(target):
        return "control characters"
    if languages is None:
        return None
    if _MARKUP.search(source) or _MARKUP.search(target):
        return "markup"
    shorter, longer = sorted((_width(source), _width(target)))
    if (longer + _SMOOTHING) / (shorter + _SMOOTHING) > options.max_length_ratio:
        return "length ratio"
    for text, language in ((source, languages.source), (target, languages.target)):
        if not in_scripts(text, language.scripts, options):
            return "wrong script"
    return "identical sides" if key(source) == key(target) else None


def text_drop_reason(text: str, options: FilterOptions, language: Language) -> str | None:
    """Why a normalised segment of monolingual text is dropped, or None where it is kept."""
    if not text:
        return "empty"
    if len(text) > options.max_characters:
        return "too long"
    if has_control_characters(text):
        return "control characters"
    if _MARKUP.search(text):
        return "markup"
    return None if in_scripts(text, language.scripts, options) else "wrong script"


def has_control_characters(text: str) -> bool:
    """Whether there is a control, unassigned or private-use character, or U+FFFD, the mark of text
    decoded wrongly. Line ends, tabs, joiners and marks of direction are not meant.
    """
    if text.isprintable():  # C code: sees most rows through
        return "\ufffd" in text
    return any(
        character == "\ufffd"
        or (character not in "\n\t" and unicodedata.category(character) in {"Cc", "Co", "Cn"})
        for character in text
    )


def _width(text: str) -> int:
    """Length with wide characters (Han, kana, Hangul) counted twice: they say about that much."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(each) in "WF" for each in text)


def in_scripts(text: str, scripts: tuple[str, ...], options: FilterOptions) -> bool:
    """Whether enough of the text's letters are of these scripts; so it is where it has none."""
    if "LATIN" in scripts and text.isascii():
        return True
    share = script_share(text, scripts)
    return share is None or share >= options.min_script_share

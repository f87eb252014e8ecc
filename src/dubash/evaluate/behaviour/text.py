"""How texts are looked at by the behaviour checks: folded, bare, letter by letter."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

WIDE_SCRIPTS = frozenset({"HIRAGANA", "KATAKANA", "CJK", "HANGUL"})
"""Scripts whose letters are as wide as two others, and say about as much."""


def folded(text: str) -> str:
    """Without case, and every run of blanks as one."""
    return " ".join(text.casefold().split())


def bare(text: str) -> str:
    """Letters, digits and marks, without case and compatibility forms."""
    return without(compatible(text).casefold(), "")


def letters(text: str) -> str:
    """Letters with their marks, without case."""
    return without(text.casefold(), "", "digit")


def without(text: str, *kinds: str) -> str:
    """The text without the characters of some kinds."""
    for each in set(text):  # a text has few different ones, and replacing is fast
        if kind(each) in kinds:
            text = text.replace(each, "")
    return text


def compatible(text: str) -> str:
    """Full-width and half-width letters as the plain ones (NFKC)."""
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=65536)
def kind(character: str) -> str:
    """`letter` (with the marks that belong to letters, such as Indic vowel signs), `digit`, ""."""
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "letter"
    return "digit" if category[0] == "N" else ""

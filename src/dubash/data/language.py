"""Which language a text is in, where the script alone cannot say: English or Spanish, Hindi or
Marathi."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dubash.core.languages import LANGUAGES, Language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAME = ({"bs", "hr", "sr"}, {"id", "ms"}, {"nb", "nn", "no"}, {"fil", "tl"})
"""Languages that no short text tells apart."""

_NEAR = (
    {"es", "gl", "pt", "ca"}, {"hi", "mr", "ne", "sa"}, {"id", "ms", "jv"}, {"xh", "zu"},
    {"da", "nb", "nn", "no", "sv"}, {"cs", "sk"}, {"bs", "hr", "sr", "sl"}, {"af", "nl"},
    {"be", "bg", "mk", "ru", "sr", "uk"}, {"fa", "ps", "ug", "ur"}, {"kk", "ky", "tt", "tg", "mn"},
    {"az", "tk", "tr", "uz"}, {"as", "bn"}, {"st", "tn"}, {"rw", "sn", "sw"}, {"ja", "yue", "zh"},
)  # fmt: skip
"""Relatives: where one of them stands, an identifier may well say another."""


def likely_language(text: str) -> tuple[str, float]:
    """The code of the likeliest language that both dubash and the identifier know, and how
    probable it is among them, 0 to 1.

    Naive Bayes over byte n-grams (Lui and Baldwin 2012, "langid.py: An Off-the-shelf Language
    Identification Tool"), as py3langid carries it on. On fewer than 30 letters it is often wrong.
    """
    code, probability = _identifier().classify(text)
    return str(code), float(probability)


@cache
def can_be_told(target: Language) -> bool:
    """Whether the identifier knows the language, and another one that shares a script with it."""
    if not _rivals(target):  # such as Gujarati: nothing needs to be loaded to say so
        return False
    return can_be_named(target.code) and own_scripts(target) < set(target.scripts)


@cache
def own_scripts(target: Language) -> frozenset[str]:
    """Scripts of the language that no other known language has: one such letter tells it."""
    others = {script for code in _rivals(target) & _known() for script in LANGUAGES[code].scripts}
    return frozenset(target.scripts) - others


def _rivals(target: Language) -> frozenset[str]:
    """The other languages of dubash's table that share a script with this one."""
    return frozenset(
        code
        for code, each in LANGUAGES.items()
        if set(each.scripts) & set(target.scripts) and not same_language(code, target.code)
    )


@cache
def can_be_named(code: str) -> bool:
    """Whether the identifier knows the language."""
    return any(same_language(code, each) for each in _known())


def near_languages(one: str, other: str) -> bool:
    """Whether two codes stand for languages so near that one may be taken for the other."""
    return same_language(one, other) or any({one, other} <= group for group in _NEAR)


def same_language(one: str, other: str) -> bool:
    """Whether two codes stand for one language, or for two that no short text tells apart."""
    return one == other or any({one, other} <= group for group in _SAME)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # a second, so only where needed

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages([code for code in found.labels if code in LANGUAGES])
    return found


@cache
def _known() -> frozenset[str]:
    return frozenset(_identifier().labels)

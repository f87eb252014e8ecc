"""How words of a term may be inflected in running text: short, stated rules for each language.

The rules go one way: from the form in the glossary to the forms that may stand in a text. So a
glossary holds base forms: singular, and in Hindi and Gujarati the direct case. A language that is
not in the table has no inflections: words count only as they are written, but for case.

Where they come from: for Hindi the declensions in the Hindi grammar of New York University
(nyu.edu/gsas/dept/mideast/hindi/grammar_1.html), for Gujarati lesson 15 of gujarationline.org
(case suffixes are joined to the noun, postpositions are not), for Kannada the table of
kannadakalike.org/grammar/cases; for English and Spanish what school grammars say of plural and
gender.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from dubash.memory.units import fold

RULES = "1"
"""Version of the rules: of this table, and of what `units` and `matcher` hold to be the same."""

Table = dict[str, str]
"""Endings (parted by blanks; "" is any other) → what may stand in their place; `*` is the ending
itself. Only the longest ending of a word counts."""


@dataclass(frozen=True, slots=True)
class Inflection:
    """The rules of one language.

    `number` gives forms of number and case. `agreement` gives forms of gender, which are other
    words when they stand alone (Spanish puerto, puerta; Hindi लड़का, लड़की): they are for words of
    a term of several words, and for adjectives. So are the forms of a word of fewer than `least`
    letters (on, in add-on). `joined` is written right behind any of these forms. Words with a
    digit are not inflected.
    """

    least: int
    number: Table
    agreement: Table = field(default_factory=dict)
    joined: str = ""


_KANNADA_PLURAL = "*ಗಳು *ಗಳ *ಗಳನ್ನು *ಗಳಿಗೆ *ಗಳಲ್ಲಿ *ಗಳಿಂದ *ಗಳೊಂದಿಗೆ"
_KANNADA_U = "ನ್ನು ಿನ ಿನಲ್ಲಿ ಿಗೆ ಿಂದ ಿನಿಂದ ಿನೊಂದಿಗೆ ಲ್ಲಿ"

INFLECTIONS = {
    "en": Inflection(
        3,
        {
            "s x z ch sh": "*es", "y": "ies", "ay ey oy uy": "*s", "o": "*s *es",
            "man": "men *s", "child": "*ren", "foot": "feet", "tooth": "teeth", "mouse": "mice",
            "": "*s",
        },
    ),
    "es": Inflection(
        3,
        {
            "a e i o u á é ó": "*s", "í ú": "*s *es", "z": "ces", "s x": "",
            "án": "anes", "én": "enes", "ín": "ines", "ón": "ones", "ún": "unes",
            "ás": "ases", "és": "eses", "ís": "ises", "ós": "oses", "ús": "uses",
            "": "*es *s",
        },
        {"o": "a os as", "a": "o os as", "or": "*a *es *as", "és": "esa eses esas",
         "án": "ana anes anas", "ón": "ona ones onas"},
    ),
    "hi": Inflection(
        2,
        {
            "ा": "े ों ाएँ ाओं", "या": "ये ए यों याएँ याओं", "िया": "ियाँ ियों",
            "ी ि": "ियाँ ियों", "ई": "इयाँ इयों", "ू ु": "ुएँ ुओं", "आँ": "एँ ओं",
            "": "*ें *ों",
        },
        {"ा": "े ी", "या": "ये ए यी ई", "ी": "ा े"},
    ),
    "gu": Inflection(
        2,
        {
            "ો": "ા ાઓ *ઓ", "ું": "ા ાં ાઓ ાંઓ", "ા િ ી ુ ૂ ઈ": "*ઓ",
            "": "*ો *ે",
        },
        {"ો": "ા ી ું ાં ે", "ું": "ા ી ો ાં ે", "ી": "ો ા ું ાં"},
        joined="એ ને થી માં માંથી નો ની નું ના નાં",
    ),
    "kn": Inflection(
        2,
        {
            "ು": f"{_KANNADA_PLURAL} {_KANNADA_U}",
            "ಿ ೀ ೆ ೇ ೈ": f"{_KANNADA_PLURAL} *ಯ *ಯು *ಯನ್ನು *ಯಲ್ಲಿ *ಯಿಂದ *ಯೊಂದಿಗೆ *ಗೆ "
            "*ಯರು *ಯರ *ಯರನ್ನು *ಯರಿಗೆ *ಯರಲ್ಲಿ *ಯರಿಂದ",
            "್": f"{_KANNADA_PLURAL} {_KANNADA_U} *ನ *ಅನ್ನು *ನಲ್ಲಿ *ನಿಂದ *ನೊಂದಿಗೆ *ಗೆ",
            "": f"{_KANNADA_PLURAL} *ವು *ವನ್ನು *ದ *ದಲ್ಲಿ *ದಿಂದ *ದೊಂದಿಗೆ *ಕ್ಕೆ "
            "*ನು *ನ *ನನ್ನು *ನಿಗೆ *ನಿಂದ *ನಲ್ಲಿ *ರು *ರ *ರನ್ನು *ರಿಗೆ *ರಲ್ಲಿ *ರಿಂದ",
        },
    ),
}  # fmt: skip
"""The languages that are inflected here, by code."""


@lru_cache(maxsize=1 << 16)
def forms(word: str, code: str) -> dict[str, bool]:
    """The inflected forms of a folded word, folded; the word itself is not among them.

    The value says whether a form counts only in a term of several words, or an adjective.
    """
    rules = INFLECTIONS.get(code)
    letters = sum(unicodedata.category(each)[0] == "L" for each in word)
    if rules is None or not letters or any(map(str.isnumeric, word)):
        return {}
    found: dict[str, bool] = {}
    for is_agreement, table in ((False, rules.number), (True, rules.agreement)):
        bare = [*_replaced(word, table, code)]
        if not is_agreement:
            bare.append(word)
        joined = [each + suffix for each in bare for suffix in rules.joined.split()]
        for form in (*bare, *joined):
            found.setdefault(fold(form, code), is_agreement or letters < rules.least)
    found.pop(word, None)
    return found


def _replaced(word: str, table: Table, code: str) -> Iterator[str]:
    """The word with its longest ending of the table replaced; the table is folded as words are."""
    endings = {fold(each, code): forms for names, forms in table.items() for each in
               names.split() or [""]}  # fmt: skip
    for size in range(min(len(word), max(map(len, endings), default=0)), -1, -1):
        ending = word[len(word) - size :]
        if ending in endings:
            stem = word[: len(word) - size]
            for form in endings[ending].split():
                yield stem + form.replace("*", ending)
            return

"""More than the translation: another block, a commentary, pieces of the prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dubash.core.languages import LANGUAGES, Language
from dubash.core.types import Pair
from dubash.evaluate.behaviour.scripts import own_share
from dubash.evaluate.behaviour.text import folded
from dubash.evaluate.language import can_be_told, likely_language, same_language
from dubash.evaluate.options import BehaviourOptions

_TAIL = 20
"""Letters of the shortest sentence in another script that counts as a commentary."""

_FOREIGN = 0.1
"""Such a sentence has less than this of its letters in the target's script."""

_NAMES = "|".join(
    sorted({re.escape(each.name) for each in LANGUAGES.values()}, key=len, reverse=True)
)
_LABELS = (
    rf"{_NAMES}|(?:source|target|original)(?: (?:text|sentence|language))?|input|output"
    r"|(?:literal |english )?translation|translated(?: text)?|note|notes|explanation|pronunciation"
    r"|español|inglés|traducción|nota|explicación|हिन्दी|हिंदी|अंग्रेज़ी|अंग्रेजी|अनुवाद|नोट|टिप्पणी"
    r"|ગુજરાતી|અંગ્રેજી|અનુવાદ|નોંધ|ಕನ್ನಡ|ಇಂಗ್ಲಿಷ್|ಅನುವಾದ|ಸೂಚನೆ|ಟಿಪ್ಪಣಿ|日本語|英語|翻訳|訳|注|注釈|解説"
)
_LABEL = re.compile(
    rf"(?:^|(?<=[\n.!?。！？।॥…\"”’'」)）*#(（\[]))\s*[*#(（\[]*\s*(?:{_LABELS})\s*\**\s*[:：]",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"(?:here(?:'s| is| are)|this is|that is|below is) (?:the|a|my|your|an?other)[\w ]{0,30} translat\w+"
    r"|\btranslat(?:es|ed|ion)\b[\w ,'\"“”]{0,60}? (?:to|into|as|is|of)\b"
    r"|\bi hope (?:this|that|it) helps?\b|\blet me know if\b|\bfeel free to\b"
    r"|\bplease note that\b|\bas an ai\b|\bin (?:the )?(?:spanish|hindi|english|original) (?:text|sentence)\b"
    r"|\bla traducción (?:es|de|al|correcta|literal)\b|\bespero que (?:esto|te|le) (?:ayude|sirva)\b",
    re.IGNORECASE,
)
_TALK_WORDS = (
    "translat", "traduc", "i hope", "espero que", "let me know", "feel free", "please note",
    "as an ai", " text", " sentence",
)  # fmt: skip
"""One of these is in whatever `_TALK` finds: quick to look for."""

_SENTENCE = re.compile(r"(?<=[.!?।॥。！？])[\"”’」)]*(?:\s+|(?<=[。！？])|(?<=[。！？]」))|\n+")


def over_generation(
    text: str, row: Pair, target: Language, options: BehaviourOptions
) -> str:
    """Where the hypothesis goes on after the translation, as the words with which it does; or "".

    Four signs: more lines than the source and the reference have; a label such as "English:" or
    "Note:" that the source has none of its own for; talk of translating that the source has no
    such talk for; a last sentence in another script or language than the target's, beyond the
    sentences of the source.
    """
    lines = _lines(text)
    usual = max(1, len(_lines(row.source)), len(_lines(row.target)))
    if len(lines) > usual:
        return lines[usual]
    return _label(text, row) or _talk(text, row) or _foreign_tail(text, row, target, options)


def _lines(text: str) -> list[str]:
    return [each for line in text.splitlines() if (each := line.strip())]


def _label(text: str, row: Pair) -> str:
    if not (":" in text or "：" in text):
        return ""
    own = max(_colons(row.source), _colons(row.target))
    labels = list(_LABEL.finditer(text))
    return labels[-1].group().strip() if labels and _colons(text) > own else ""


def _colons(text: str) -> int:
    return text.count(":") + text.count("：")


def _talk(text: str, row: Pair) -> str:
    if not any(word in text.casefold() for word in _TALK_WORDS):
        return ""
    found = _TALK.search(text)
    if not found or any(re.search(r"translat|traduc|अनुवाद|અનુવાદ|ಅನುವಾದ|訳", side, re.IGNORECASE)
                        or found.group().casefold() in side.casefold()
                        for side in (row.source, row.target)):  # fmt: skip
        return ""
    return found.group()


def _foreign_tail(text: str, row: Pair, target: Language, options: BehaviourOptions) -> str:
    """The last sentence, in another script or language, if the source has fewer sentences."""
    sentences = _sentences(text)
    if len(sentences) < 2 or len(sentences) <= len(_sentences(row.source)):
        return ""
    tail, before = sentences[-1], sentences[0]
    letters = sum(map(str.isalpha, tail))
    if letters < _TAIL or folded(tail) in folded(row.target):
        return ""
    if own_share(tail, target) < _FOREIGN:
        return tail if own_share(before, target) >= options.wrong_script else ""
    if letters < options.language_letters or not can_be_told(target):
        return ""
    code, probability = likely_language(tail)
    foreign = probability >= options.language_probability and not same_language(code, target.code)
    return tail if foreign and likely_language(before)[0] != code else ""


def _sentences(text: str) -> list[str]:
    return [each for part in _SENTENCE.split(text) if part and (each := part.strip())]


def prompt_piece(text: str, row: Pair, pieces: Sequence[str]) -> str:
    """The first piece of the prompt that stands in the hypothesis, whatever case and blanks.

    A piece that is one bare word, such as the role "assistant", may be a word of a translation:
    it counts only as written, as a line of its own or as the first word of the hypothesis. Not
    flagged is a piece that stands in the row's own source or reference. "" where there is none.
    """
    own = (folded(row.source), folded(row.target))
    inside = folded(text)
    for piece in map(str.strip, pieces):
        form = folded(piece)
        if not form or any(form in side for side in own):
            continue
        if _stands_out(piece, text) if piece.isalpha() else form in inside:
            return piece
    return ""


def _stands_out(word: str, text: str) -> bool:
    """Whether the word is a line of its own, but for signs, or the first word of the text."""
    if word not in text:
        return False
    spelled = re.escape(word)
    first = re.match(rf"\W*{spelled}\b", text)
    return bool(first or re.search(rf"^\W*{spelled}\W*$", text, re.MULTILINE))

"""More than the translation: another block, a commentary, pieces of the prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dubash.core.languages import LANGUAGES, Language
from dubash.core.types import Pair
from dubash.data.language import can_be_told, likely_language, same_language
from dubash.evaluate.behaviour.scripts import own_share
from dubash.evaluate.behaviour.text import folded, letters
from dubash.evaluate.options import BehaviourOptions

_TAIL, _WORDS = 20, 3
"""Letters and words of the shortest sentence in another script that counts as a commentary."""

_SENTENCES = 8
"""Sentences that are looked at: a limit on the work."""

_FOREIGN = 0.1
"""Such a sentence has less than this of its letters in the target's script."""

_NAMES = "|".join(sorted((each.name for each in LANGUAGES.values()), key=len, reverse=True))
_LABELS = (
    r"(?:source|target|original)(?: (?:text|sentence|language))?|input|output|user|assistant"
    r"|(?:literal |\w+ )?translation|translated(?: text)?|notes?|explanation|pronunciation|answer"
    r"|alternatively|alternative|español|inglés|traducción|nota|explicación|respuesta"
    r"|हिन्दी|हिंदी|अंग्रेज़ी|अंग्रेजी|अनुवाद|नोट|टिप्पणी|ગુજરાતી|અંગ્રેજી|અનુવાદ|નોંધ"
    r"|ಕನ್ನಡ|ಇಂಗ್ಲಿಷ್|ಅನುವಾದ|ಸೂಚನೆ|ಟಿಪ್ಪಣಿ|日本語|英語|翻訳|訳|注|注釈|解説"
)
_LABEL = re.compile(
    rf"(?:(?:^|(?<=[\n.!?。！？।॥…\"”’'」)）*#(（\[]))\s*+[*#(（\[]*+\s*+(?:{_NAMES}|{_LABELS})"
    rf"|(?<!\bin)(?<!\ben)\s(?:{_NAMES}|translation|note))\s*\**\s*[:：]",
    re.IGNORECASE,
)
_TALK = re.compile(
    r"(?:here(?:'s| is| are)|this is|that is|below is) (?:the|a|my|your|an?other)"
    r"[\w ]{0,30} translat\w+"
    r"|\btranslates? (?:to|into|as)\b|\btranslation (?:is|of)\b"
    r"|\([\w ]*translation[^)]*\)"
    r"|\bla traducción (?:es|de|al|correcta|literal)\b",
    re.IGNORECASE,
)
_CHAT = re.compile(
    r"\bhope (?:this|that|it) helps?\b|\blet me know if\b|\bfeel free to\b|\bas an ai\b"
    r"|\bplease note that\b|\bhow (?:you|we|one) (?:would |can )?say\b"
    r"|\bthe \w+ (?:text|sentence|phrase) (?:is|means|says)\b"
    r"|\bespero que (?:esto|te|le)\b.{0,8}\b(?:ayud|sirv)",
    re.IGNORECASE,
)
_CHAT_WORDS = (" help", "let me", "feel free", "an ai", "please note", " say", "the ", "espero")
"""One of these is in whatever `_CHAT` finds: quick to look for."""

_TRANSLATION = re.compile(r"translat|tradu[cjz]|अनुवाद|અનુવાદ|ભાષાંતર|ಅನುವಾದ|翻訳|訳", re.IGNORECASE)
_VISARGA = re.compile(r"ः(?=\s|$)")
_NAME = re.compile(rf"\b(?:{_NAMES})\b", re.IGNORECASE)
_ABBREVIATED = "".join(rf"(?<!\b[A-Z]{'[a-z]' * more}\.)" for more in range(3))
_SENTENCE = re.compile(
    rf"(?<=[.!?।॥。！？]){_ABBREVIATED}[\"”’」)]*(?:\s+|(?<=[。！？])|(?<=[。！？]」))|\n+"
)


def over_generation(text: str, row: Pair, target: Language, options: BehaviourOptions) -> str:
    """Where the hypothesis goes on after the translation, as the words with which it does; or "".

    Four signs: more lines than the source and the reference have; a label such as "English:" or
    "Note:" that the source has none of its own for; talk of translating that the source has no
    such talk for; more sentences than the source has, one of them in another script or language
    than the target's, small talk, or about a translation.
    """
    lines = _lines(text)
    usual = max(1, len(_lines(row.source)), len(_lines(row.target)))
    if len(lines) > usual:
        return lines[usual]
    return _label(text, row) or _talk(text, row, target) or _comment(text, row, target, options)


def _lines(text: str) -> list[str]:
    return [each for line in text.splitlines() if (each := line.strip())]


def _label(text: str, row: Pair) -> str:
    """The last label: a language that neither source nor reference names, or another label where
    the text has more colons than they have ("Note:" may become "Nota:")."""
    if not (":" in text or "：" in text):
        return ""
    sides = f"{row.source} {row.target}".casefold()
    more = _colons(text) > max(_colons(row.source), _colons(row.target))
    for each in reversed(list(_LABEL.finditer(text))):
        name = _NAME.search(each.group())
        if name.group().casefold() not in sides if name else more:
            return each.group().strip()
    return ""


def _colons(text: str) -> int:
    """Colons, also full-width ones and the visarga that often stands for one in Hindi."""
    return text.count(":") + text.count("：") + len(_VISARGA.findall(text))


def _talk(text: str, row: Pair, target: Language) -> str:
    """Talk of translating, where neither the source nor the reference says a word of it, or an
    assistant's English in a translation into another language."""
    plain, sides = text.casefold(), f"{row.source} {row.target}"
    if "translat" in plain or "traducc" in plain:
        found = _TALK.search(text)
        if found and not _TRANSLATION.search(sides):
            return found.group()
    if target.code != "en" and any(word in plain for word in _CHAT_WORDS):
        found = _CHAT.search(text)
        if found and found.group().casefold() not in sides.casefold():
            return found.group()
    return ""


def _comment(text: str, row: Pair, target: Language, options: BehaviourOptions) -> str:
    """The first sentence after the first that is in another script or language, is an assistant's
    small talk, or speaks of a translation that neither the source nor the reference does; none if
    the source has as many sentences."""
    first, *others = _sentences(text) or [""]
    if len(others) < len(_sentences(row.source)):
        return ""
    reference = folded(row.target)
    spoken = _TRANSLATION.search(f"{row.source} {row.target}")
    for each in others[:_SENTENCES]:
        if folded(each) not in reference and (
            _CHAT.search(each)
            or (_TRANSLATION.search(each) and not spoken)
            or _is_foreign(each, first, target, options)
        ):
            return each
    return ""


def _is_foreign(text: str, first: str, target: Language, options: BehaviourOptions) -> bool:
    """Whether a sentence is in another script or language than the target's and the first one's."""
    count = len(letters(text))
    if count < _TAIL:
        return False
    if own_share(text, target) < _FOREIGN and len(text.split()) >= _WORDS:
        return own_share(first, target) >= options.wrong_script
    if count < options.language_letters or not can_be_told(target):
        return False
    code, probability = likely_language(text)
    foreign = probability >= options.language_probability and not same_language(code, target.code)
    return foreign and likely_language(first)[0] != code


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

"""The wrong script, and the wrong language where the script is right."""

from __future__ import annotations

from collections import Counter

from dubash.core.languages import Language, script_of, script_share
from dubash.core.types import Pair
from dubash.data.language import likely_language, own_scripts, same_language
from dubash.evaluate.behaviour.markup import without_markup
from dubash.evaluate.behaviour.text import WIDE_SCRIPTS, compatible, kind, letters
from dubash.evaluate.options import BehaviourOptions


def is_wrong_script(
    text: str,
    row: Pair,
    target: Language,
    options: BehaviourOptions,
    source: Language | None = None,
) -> bool:
    """Less than `wrong_script` of the text is in a script of the target language, see
    `wrong_script`."""
    return bool(wrong_script(text, row, target, options, source))


def wrong_script(
    text: str,
    row: Pair,
    target: Language,
    options: BehaviourOptions,
    source: Language | None = None,
) -> str:
    """The script, such as "LATIN", of most of the letters that are in none of the target's, where
    less than `options.wrong_script` of the text is in one of those; else "".

    Letters count, with the marks that are part of them; a letter of Chinese, Japanese or Korean
    counts twice, as it is as wide as two. Digits and signs do not count, nor do links, placeholders
    and tags, nor names and codes: words in other scripts that the reference has as well, or that
    the source has in another script than its language's (where that is not known: than most of its
    letters). Not flagged where no letter is left, or the reference has none itself. Where source
    and target share a script (English and Spanish) this cannot tell a translation from a copy, nor
    any two languages of one script: `is_copy` and `wrong_language` do.
    """
    text = without_markup(text)
    if not _is_mixed(text, target):
        return ""
    if row.target and script_share(row.target, target.scripts) is None:
        return ""
    own, foreign = _letters(text, target.scripts)
    known = {*_letters(row.target, target.scripts)[1], *_borrowed(row.source, source)}
    known = {word.casefold() for word in known}
    foreign = [word for word in foreign if word.casefold() not in known]
    if own >= options.wrong_script * (own + sum(map(len, foreign))):
        return ""
    scripts = Counter(filter(None, map(script_of, "".join(foreign))))
    return max(scripts, key=scripts.__getitem__, default="")  # a mark alone is in no script


def _borrowed(text: str, source: Language | None) -> list[str]:
    """The words of a source text that are in another script than its language's."""
    text = without_markup(text)
    if source:
        return _letters(text, source.scripts)[1]
    ((most, _),) = Counter(filter(None, map(script_of, text))).most_common(1) or [("", 0)]
    return _letters(text, tuple(WIDE_SCRIPTS) if most in WIDE_SCRIPTS else (most,))[1]


def own_share(text: str, target: Language) -> float:
    """The share of a text that is in a script of the language, counted so; 0 where it has none."""
    own, foreign = _letters(text, target.scripts)
    return own / (own + sum(map(len, foreign))) if own else 0.0


def _is_mixed(text: str, target: Language) -> bool:
    """Whether any letter is in another script."""
    kinds = {script_of(each) for each in set(compatible(text))}
    return not kinds <= {"", *target.scripts}


def _letters(text: str, scripts: tuple[str, ...]) -> tuple[int, list[str]]:
    """How many letters are in these scripts, by width, and the words that are in others."""
    own, kept, is_own = 0, [], True
    for each in compatible(text):
        script = script_of(each)
        if script:
            is_own = script in scripts
        elif kind(each) != "letter":  # a mark goes with the letter before it
            kept.append(" ")
            continue
        if is_own:
            own += 2 if script in WIDE_SCRIPTS else 1
        kept.append(" " if is_own else each)
    return own, "".join(kept).split()


def wrong_language(text: str, row: Pair, target: Language, options: BehaviourOptions) -> str:
    """The code of another language that the text is in, in a script of the target; "" for none.

    Asked of texts with at least `language_letters` letters, and believed from a probability of
    `language_probability`. Not flagged where the reference is taken for that language as well.
    Only for a target that `language.can_be_told`.
    """
    if len(letters(text)) < options.language_letters:
        return ""
    own = own_scripts(target)
    if own and any(script_of(each) in own for each in set(text)):
        return ""
    words, theirs = set(text.casefold().split()), set(row.target.casefold().split())
    if 2 * len(words & theirs) >= len(words):
        return ""  # it has half of its words from the reference: no need to ask
    code = _believed(text, options)
    if not code or same_language(code, target.code) or code == _believed(row.target, options):
        return ""
    return code


def _believed(text: str, options: BehaviourOptions) -> str:
    code, probability = likely_language(text)
    return code if probability >= options.language_probability else ""

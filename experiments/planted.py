"""Faults planted in human translations: how many of 200 does each behaviour check find?

    python -m experiments.planted FOLDER

FOLDER holds the pair files. Every row keeps its source and its reference; the hypothesis is the
reference with one fault in it. Seed 7.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from experiments.behaviour import read

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.behaviour import Expectation, findings, usual_length_ratio
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.behaviour.text import letters
from dubash.evaluate.options import BehaviourOptions

PAIRS = ("en-es", "en-hi", "en-ja", "hi-gu", "en-kn")
PROMPT = (
    "Translate from English to Spanish:",
    "<|im_start|>",
    "<end_of_turn>",
    "assistant",
    "user",
)
COUNT = 200
OPTIONS = BehaviourOptions()

Plant = Callable[[Pair, str, random.Random, list[Pair]], tuple[Pair, str] | None]
"""From a row, its target's code and all rows: the row and its faulty hypothesis; None where this
fault cannot be planted there."""


def planted(folder: Path, check: str) -> Iterator[tuple[Pair, Hypothesis, Expectation]]:
    """Rows with a planted fault, in turn of the pairs that the fault can be planted in."""
    chance = random.Random(7)
    sources = [_rows(folder, check, pair, chance) for pair in SOURCES.get(check, PAIRS)]
    while sources:
        for each in list(sources):
            found = next(each, None)
            if found is None:
                sources.remove(each)
            else:
                yield found


def recall(folder: Path, check: str) -> tuple[int, int]:
    """How many of up to `COUNT` planted faults are found, and how many there were."""
    cases = list(islice(planted(folder, check), COUNT))
    return sum(check in findings(*case) for case in cases), len(cases)


def _rows(
    folder: Path, check: str, pair: str, chance: random.Random
) -> Iterator[tuple[Pair, Hypothesis, Expectation]]:
    name, reverse = (pair[:-1], True) if pair.endswith("~") else (pair, False)
    name = name if "." in name else f"{name}.ntrex128"
    code = name[:2] if reverse else name[3:5]
    rows = [Pair(row.target, row.source) if reverse else row for row in read(folder, name)]
    training = None
    if check == "mimicry":
        chance.shuffle(rows)
        rows, learnt = rows[:1000], rows[1000:]
        training = TrainingIndex(learnt, language(code), OPTIONS)
        others = [row for row in learnt if len(row.target) >= training.least + 5]
    else:
        others = rows
    expected = Expectation(language(code), usual_length_ratio(rows), PROMPT, OPTIONS, training)
    order = list(rows)
    chance.shuffle(order)
    for row in order:
        if found := PLANTS[check](row, code, chance, others):
            stop = "limit" if check == "no_end" else "end"
            yield found[0], Hypothesis(found[1], stop, 9, 0.1), expected


def _no_end(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    return row, row.target


def _empty(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    return row, chance.choice(["", " ", "\n\n", "\u200b", " \t\n", "\ufeff"])


def _over_long(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    text = row.target
    while len(text) < 3 * len(row.target) + 40:
        text += " " + chance.choice(rows).target
    return row, text


_COMMENTS = (
    "\n\nEnglish: {source}\nSpanish: {target}",
    " English: {source}",
    " {name}: {target}",
    "\n{target}",
    "\n\nNote: This is a literal translation.",
    " (Note: the word order was changed.)",
    "\nI hope this helps! Let me know if you need anything else.",
    " I hope this helps!",
    " Translation: {target}",
    " This translates to the sentence above in a formal tone.",
    "\n\nExplanation: The sentence is in the past tense.",
    " Here is another translation of the same sentence: {target}",
    " Let me know if you would like a more formal version.",
    " The translation of the first word is a matter of taste.",
    "\n---\nSource: {source}",
    " Alternatively: {target}",
    " Is there anything else that I can help you with today?",
    " That is how you would say it in {name}.",
    " (literal translation)",
    "\n\n{source}",
    " {source} {target}",
    "</s> English: {source}",
)
_OWN_COMMENTS = {
    "es": " Esta es la traducción al español.",
    "hi": " यह वाक्य का हिंदी अनुवाद है।",
    "gu": " આ વાક્યનો ગુજરાતી અનુવાદ છે.",
    "kn": " ಇದು ವಾಕ್ಯದ ಕನ್ನಡ ಅನುವಾದ.",
    "ja": "これが日本語の翻訳です。",
}


def _over_generation(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str]:
    other = chance.choice(rows)
    comment = chance.choice((*_COMMENTS, _OWN_COMMENTS[code]))
    name = language(code).name
    return row, row.target + comment.format(source=other.source, target=other.target, name=name)


def _too_short(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str] | None:
    """The first third of the translation."""
    if len(row.target) < (45 if code == "ja" else 90):
        return None
    return row, row.target[: len(row.target) // 3].strip()


def _copied(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str] | None:
    if row.source == row.target or len(row.source) < 12:
        return None
    forms = (row.source, row.source.upper(), f"{row.source} {row.target}", row.source.rstrip(".?!"))
    return row, chance.choice(forms)


def _wrong_script(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str]:
    return row, chance.choice(rows).source


def _wrong_language(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str] | None:
    text = chance.choice(rows).source
    return (row, text) if len(letters(text)) >= OPTIONS.language_letters else None


def _loop(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    tail = row.target[-chance.randint(5, 25) :]
    kind = chance.randrange(3)
    if kind == 0:
        return row, row.target + (" " + tail) * 8
    return row, " ".join([row.target] * 5) if kind == 1 else row.target + chance.choice(
        "!.aé-।"
    ) * 60


def _prompt(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    piece = chance.choice(PROMPT)
    if piece.isalpha():
        return row, chance.choice((f"{piece}\n{row.target}", f"{row.target}\n{piece}"))
    forms = (f"{piece} {row.target}", f"{row.target}{piece}", f"{row.target} {piece.lower()}")
    return row, chance.choice(forms)


def _mimicry(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    learnt = chance.choice(rows).target
    return row, chance.choice((learnt, f"{row.target[: len(row.target) // 2]} {learnt}"))


_LINKS = (
    (
        "https://example.org/help?page=3",
        ("https://example.org/help?page=4", "https://example.org", ""),
    ),
    ("www.example.net/a/b", ("www.example.net/a", "www.ejemplo.net/a/b", "")),
    ("info@example.com", ("info@ejemplo.com", "info@example", "info [at] example.com")),
)


def _link(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    """A link is added to source and reference; the hypothesis has another, or none."""
    link, faults = chance.choice(_LINKS)
    given = Pair(f"{row.source} ({link})", f"{row.target} ({link})")
    return given, f"{row.target} ({chance.choice(faults)})"


_PLACEHOLDER = re.compile(r"%(?:\d+\$)?l?[sdiu](?![A-Za-z])|\$?\{\w*\}")


def _placeholder(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str] | None:
    """A placeholder that source and reference have is dropped, or another in the hypothesis."""
    given = sorted(_PLACEHOLDER.findall(row.source))
    if not given or given != sorted(_PLACEHOLDER.findall(row.target)):
        return None
    lost = chance.choice(given)
    return row, row.target.replace(lost, chance.choice(("", "{નામ}", "% s", "%x", lost + lost)), 1)


def _tag(row: Pair, code: str, chance: random.Random, rows: list[Pair]) -> tuple[Pair, str]:
    """Source and reference get tags; the hypothesis loses one, changes it, or turns them round."""
    opening, closing = chance.choice((("<b>", "</b>"), ('<g id="1">', "</g>"), ("<em>", "</em>")))
    cut = len(row.target) // 2
    marked = f"{opening}{row.target[:cut]}{closing}{row.target[cut:]}"
    given = Pair(f"{opening}{row.source}{closing}", marked)
    faults = (
        marked.replace(closing, ""),
        marked.replace(opening, ""),
        marked.replace(opening, "<i>").replace(closing, "</i>"),
        f"{closing}{row.target[:cut]}{opening}{row.target[cut:]}",
        row.target,
    )
    return given, chance.choice(faults)


def _number(
    row: Pair, code: str, chance: random.Random, rows: list[Pair]
) -> tuple[Pair, str] | None:
    """A figure that source and reference have in the same digits is dropped or another."""
    figures = re.findall(r"(?<![\d.,:])\d+(?:[.,]\d+)*(?![\d.,:]*\d)", row.source, re.ASCII)
    both = [each for each in figures if re.search(rf"(?<!\d){re.escape(each)}(?!\d)", row.target)]
    if not both:
        return None
    lost = chance.choice(both)
    new = "".join(str((int(each) + chance.randint(1, 8)) % 9 + 1) if each.isdigit() else each
                  for each in lost)  # fmt: skip
    if new in row.target or new == lost:
        return None
    wrong = chance.choice((new, new, ""))
    return row, re.sub(rf"(?<!\d){re.escape(lost)}(?!\d)", wrong, row.target)


def _lone(marks: str, least: int) -> Plant:
    def plant(
        row: Pair, code: str, chance: random.Random, rows: list[Pair]
    ) -> tuple[Pair, str] | None:
        """One of an even number of marks is dropped."""
        places = [place for place, each in enumerate(row.target) if each in marks]
        if len(places) < least or len(places) % 2 or not _balanced(row.source, marks):
            return None
        place = chance.choice(places)
        return row, row.target[:place] + row.target[place + 1 :]

    return plant


def _balanced(source: str, marks: str) -> bool:
    """The source has the same kind of marks, in pairs, and no others that look like them."""
    count = sum(each in marks for each in source)
    return count > 0 and count % 2 == 0 and "'" not in source


PLANTS: dict[str, Plant] = {
    "no_end": _no_end,
    "empty": _empty,
    "over_long": _over_long,
    "over_generation": _over_generation,
    "too_short": _too_short,
    "copied_source": _copied,
    "wrong_script": _wrong_script,
    "wrong_language": _wrong_language,
    "repetition_loop": _loop,
    "prompt_left_over": _prompt,
    "mimicry": _mimicry,
    "link_changed": _link,
    "placeholder_changed": _placeholder,
    "tag_changed": _tag,
    "number_changed": _number,
    "quotes_unbalanced": _lone('"“”「」«»', 2),
    "brackets_unbalanced": _lone("()（）[]", 2),
}
SOURCES: dict[str, tuple[str, ...]] = {
    "wrong_script": ("en-hi", "en-ja", "hi-gu", "en-kn"),
    "wrong_language": ("en-es", "en-es~"),  # ~: the other way round
    "mimicry": ("en-es.manythings", "en-ja.manythings", "hi-gu.software-ui", "en-kn.storyweaver"),
    "placeholder_changed": ("hi-gu.software-ui",),
    "brackets_unbalanced": (*PAIRS, "en-es.gnome-help", "hi-gu.software-ui"),
}


if __name__ == "__main__":
    print("| check | planted | found | recall |\n|---|---:|---:|---:|")
    for check in PLANTS:
        found, count = recall(Path(sys.argv[1]), check)
        print(f"| {check} | {count} | {found} | {found / count:.1%} |")

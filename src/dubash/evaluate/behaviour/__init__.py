"""What a system did that a score does not name: flags of one row, each by a stated rule.

A flag is a fault or, where people do the same on good grounds, a warning. Most come with evidence:
the figure that is missing, the training row that was copied. Rules look at characters, not words,
so that they work for scripts without spaces; lengths are in characters (code points). Each rule
is told where it is; the thresholds are in `BehaviourOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass

from dubash.core.languages import Language
from dubash.core.types import Hypothesis, Pair
from dubash.data.language import can_be_told
from dubash.evaluate.behaviour import balance, markup
from dubash.evaluate.behaviour.copying import is_copy
from dubash.evaluate.behaviour.figures import changed_figures
from dubash.evaluate.behaviour.lengths import (
    is_empty,
    is_over_long,
    is_too_short,
    usual_length_ratio,
)
from dubash.evaluate.behaviour.loops import loop
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.behaviour.overrun import over_generation, prompt_piece
from dubash.evaluate.behaviour.scripts import is_wrong_script, wrong_language
from dubash.evaluate.options import BehaviourOptions

__all__ = [
    "FAULTS",
    "FLAGS",
    "WARNINGS",
    "Expectation",
    "findings",
    "flags",
    "judged",
    "learnt",
    "short",
    "usual_length_ratio",
]

FAULTS = (
    "no_end",
    "empty",
    "over_long",
    "over_generation",
    "too_short",
    "copied_source",
    "wrong_script",
    "wrong_language",
    "repetition_loop",
    "prompt_left_over",
    "mimicry",
    "link_changed",
    "placeholder_changed",
    "tag_changed",
)
"""What is wrong wherever it is found."""

WARNINGS = ("number_changed", "quotes_unbalanced", "brackets_unbalanced")
"""What may be right: a person should look."""

FLAGS = (*FAULTS, *WARNINGS)
"""Every flag, in the order in which they are written."""

_LONGEST = 300
"""Characters of evidence that are kept: a limit on what a broken text puts into the files."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the rows of one comparison are held to.

    `length_ratio` is the usual number of target characters for a source character, see
    `usual_length_ratio`. `prompt_pieces` are strings of the prompt that have no business in a
    hypothesis: lines of the template, labels such as "Spanish:", chat markers, names of roles.
    `training` are the rows that the systems may have learnt by heart, and `source` is the language
    of the sources, where they are known.
    """

    target: Language
    length_ratio: float
    prompt_pieces: tuple[str, ...]
    options: BehaviourOptions
    training: TrainingIndex | None = None
    source: Language | None = None


def judged(expected: Expectation) -> tuple[str, ...]:
    """The flags that can be raised at all: mimicry needs training rows, and a wrong language in
    the right script one that can be told from others."""
    missing = {"mimicry"} if expected.training is None else set()
    if not can_be_told(expected.target):
        missing.add("wrong_language")
    return tuple(flag for flag in FLAGS if flag not in missing)


def flags(row: Pair, hypothesis: Hypothesis, expected: Expectation) -> list[str]:
    """The flags of one hypothesis, in the order of `FLAGS`."""
    return list(findings(row, hypothesis, expected))


def findings(row: Pair, hypothesis: Hypothesis, expected: Expectation) -> dict[str, str]:
    """The flags of one hypothesis, in the order of `FLAGS`, each with its evidence, which may be
    "" where the flag says it all."""
    text = hypothesis.text
    if is_empty(text):
        return {"no_end": "", "empty": ""} if hypothesis.stop == "limit" else {"empty": ""}
    found: dict[str, str | bool] = {"no_end": hypothesis.stop == "limit"}
    found |= _of_the_whole(text, row, expected)
    found |= _of_its_parts(text, row, expected)
    seen = {name: found[name] for name in FLAGS if found.get(name)}
    return {name: "" if each is True else short(str(each)) for name, each in seen.items()}


def short(text: str, most: int = _LONGEST) -> str:
    """The text, cut to so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _of_the_whole(text: str, row: Pair, expected: Expectation) -> dict[str, str | bool]:
    target, options, ratio = expected.target, expected.options, expected.length_ratio
    wrong_script = is_wrong_script(text, row, target, options, expected.source)
    told = can_be_told(target)
    copied = expected.training.uncalled(text, row) if expected.training else None
    return {
        "over_long": is_over_long(text, row, ratio, options),
        "over_generation": over_generation(text, row, target, options),
        "too_short": is_too_short(text, row, ratio, target, options),
        "copied_source": is_copy(text, row, options),
        "wrong_script": wrong_script,
        "wrong_language": told and not wrong_script and wrong_language(text, row, target, options),
        "repetition_loop": loop(text, row, options),
        "prompt_left_over": prompt_piece(text, row, expected.prompt_pieces),
        "mimicry": learnt(*copied) if copied else "",
    }


def _of_its_parts(text: str, row: Pair, expected: Expectation) -> dict[str, str | bool]:
    tags = markup.changes(text, row, markup.tags)
    nested = markup.is_badly_nested(text) and not (
        markup.is_badly_nested(row.source) or markup.is_badly_nested(row.target)
    )
    return {
        "link_changed": _difference(*markup.changes(text, row, markup.links)),
        "placeholder_changed": _difference(*markup.changes(text, row, markup.placeholders)),
        "tag_changed": _difference(*tags) or nested,
        "number_changed": _difference(*changed_figures(text, row, expected.target)),
        "quotes_unbalanced": " ".join(balance.unbalanced_quotes(text, row)),
        "brackets_unbalanced": " ".join(balance.unbalanced_brackets(text, row)),
    }


def learnt(piece: str, row: Pair) -> str:
    """`piece ← source → target (origin)`: what was recited, and the training row it stands in."""
    both = (short(side, _LONGEST // 3) for side in (row.source, row.target))
    origin = f" ({row.origin})" if row.origin else ""
    return f"{short(piece.strip(), _LONGEST // 3)} ← {' → '.join(both)}{origin}"


def _difference(lost: list[str], added: list[str]) -> str:
    """`{name} → {nombre}`: what was lost, and what came instead; `–` for nothing."""
    return f"{' '.join(lost) or '–'} → {' '.join(added) or '–'}" if lost or added else ""

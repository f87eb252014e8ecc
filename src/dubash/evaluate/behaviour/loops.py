"""The same words or characters again and again."""

from __future__ import annotations

import numpy as np

from dubash.core.types import Pair
from dubash.evaluate.behaviour.text import letters
from dubash.evaluate.options import BehaviourOptions

_LONGEST_PERIOD = 500
"""Characters of the longest repeated unit that is looked for: a limit on the work."""

_GRAM = 5


def loop(text: str, row: Pair, options: BehaviourOptions) -> str:
    """What is said again and again, with nothing between; "" where nothing is.

    A unit of up to 500 characters, at least `loop_repeats` times in a row, over at least
    `loop_characters` characters in all; so "no, no, no" and "ha ha ha ha" are none. Looked for
    twice, without case: in letters and marks alone ("1. Hola 2. Hola 3. …" is a loop), and in
    all that is not blank ("!!!!…"). Not flagged where the reference has a loop as well, or the
    source has one, or repeats a word as often, over however few characters.
    """
    found = _loop(text, options)
    if not found or _loop(row.target, options) or _loop(row.source, options):
        return ""
    short = options.model_copy(update={"loop_characters": 2 * options.loop_repeats})
    return "" if _unit(letters(row.source), short) else found


def _loop(text: str, options: BehaviourOptions) -> str:
    everything = "".join(text.casefold().split())
    spelled = letters(text)
    for each in dict.fromkeys((spelled, everything)):
        if _may_repeat(each, options) and (unit := _unit(each, options)):
            return unit
    return ""


def _may_repeat(text: str, options: BehaviourOptions) -> bool:
    """Whether enough 5-grams come again for a loop: quickly seen, and true of every loop.

    A loop of R characters in k rounds has at most R / k different ones, so at least
    R (1 - 1/k) - 4 of its grams come again, and R is at least `loop_characters`.
    """
    grams = [text[start : start + _GRAM] for start in range(len(text) - _GRAM + 1)]
    least = options.loop_characters * (1 - 1 / options.loop_repeats) - _GRAM + 1
    return len(grams) - len(set(grams)) >= least


def _unit(text: str, options: BehaviourOptions) -> str:
    """The repeated unit: with period p, a run of characters equal to the p-th before.

    A unit said k times is a run of (k - 1)·p such characters.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for period in range(1, min(len(codes) // options.loop_repeats, _LONGEST_PERIOD) + 1):
        equal = codes[period:] == codes[:-period]
        wanted = max((options.loop_repeats - 1) * period, options.loop_characters - period)
        if np.count_nonzero(equal) < wanted:
            continue
        breaks = np.concatenate(([-1], np.flatnonzero(~equal), [len(equal)]))
        runs = np.diff(breaks)
        longest = int(runs.argmax())
        if int(runs[longest]) - 1 >= wanted:
            start = int(breaks[longest]) + 1
            return text[start : start + period]
    return ""

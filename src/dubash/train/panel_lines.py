"""Lines that fit a terminal, and curves in a line: what the panel is put together from."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.cells import get_character_cell_size
from rich.text import Text

LABEL = 14
"""Columns before each line's values."""

WIDEST = 32
"""Columns of a bar or a curve where there is room."""

_LEVELS = "▁▂▃▄▅▆▇█"


def cut(text: str, width: int) -> str:
    """The text's beginning that takes at most so many columns, with an ellipsis where it goes on.

    A vowel sign that some terminals give a column and some do not counts as one: a line must not
    come out longer than it is thought to be.
    """
    used, kept = 0, 0
    for at, character in enumerate(text):
        spacing = unicodedata.category(character) == "Mc"
        used += 1 if spacing else get_character_cell_size(character)
        if used > width:
            return text[:kept].rstrip() + "…"
        if used < width:
            kept = at + 1
    return text


def curve(values: Sequence[float], width: int) -> str:
    """A line of at most `width` blocks: each the mean of its share of the values, from the lowest
    of them to the highest."""
    count = min(width, len(values))
    if count < 1:
        return ""
    edges = [len(values) * at // count for at in range(count + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    low, high = min(means), max(means)
    span = high - low or 1.0
    most = len(_LEVELS) - 1
    # divided first: seven over a span near nothing would be infinite
    return "".join(_LEVELS[round((mean - low) / span * most)] for mean in means)


def curved(label: str, value: str, values: list[float], parts: list[Text], width: int) -> Text:
    """The value, its curve where there is room for one, and the parts."""
    least = min(len(values), 8) + 1
    words = joined([Text(value, "bold"), *parts], width - LABEL - least)
    room = min(WIDEST, width - LABEL - words.cell_len - 1)
    drawn = curve(values, room) if len(values) > 1 and room >= least - 1 else ""
    first = Text.assemble((value, "bold"), " ", (drawn, "cyan")) if drawn else Text(value, "bold")
    return labelled(label, [first, *parts], width)


def labelled(label: str, parts: Iterable[Text], width: int) -> Text:
    """A line of the panel: its label and the parts that fit."""
    return Text(f"  {label}".ljust(LABEL), "dim") + joined(list(parts), width - LABEL)


def joined(parts: list[Text], width: int) -> Text:
    """The parts that fit the width, in one line; the first is cut where not even it does."""
    line = parts[0].copy()
    for part in parts[1:]:
        if part and line.cell_len + 3 + part.cell_len <= width:
            line = Text.assemble(line, " · ", part)
    line.truncate(max(width, 1), overflow="ellipsis")
    return line


def gib(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 2**30:.1f} GiB"

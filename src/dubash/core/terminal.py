"""Text that others wrote, as a line that a terminal may be given."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Non-joiner and joiner: in Indic and Arabic scripts part of how a word is written."""


def safe_line(text: str, most: int | None = None) -> str:
    """The text as one line without what could drive a terminal: control characters and marks of
    direction become blanks. Where it has more than `most` characters it is cut to so many."""
    safe = (
        " " if unicodedata.category(each)[0] in "CZ" and each not in _JOINERS else each
        for each in text
    )  # fmt: skip
    line = " ".join("".join(safe).split())
    return line if most is None or len(line) <= most else line[: most - 1] + "…"

"""What a reader hands on beside good rows: rows set aside, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dubash.core.types import Pair

NOT_UTF8 = "not UTF-8"
"""How the reason begins where a row's bytes are no UTF-8."""

HEADER = "header"
"""The reason of a first row that names columns where these are given by number."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: where it stands, why, and what stands there."""

    origin: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row taken out: `reason` is one of a few, to be counted; `detail` says more of this row."""

    row: Pair
    reason: str
    detail: str = ""


Row = Pair | BadRow


def flaw(text: str) -> str | None:
    """Why this cannot be the text of a row, or None.

    Lines are decoded with `surrogateescape`: a byte that is not UTF-8 is then U+DC80 to U+DCFF.
    """
    if text.isascii():
        return "a NUL character" if "\0" in text else None
    if found := _SURROGATE.search(text):
        code = ord(found[0])
        if 0xDC80 <= code <= 0xDCFF:
            return f"{NOT_UTF8} (byte 0x{code - 0xDC00:02x})"
        return f"half of a surrogate pair (\\u{code:04x})"
    return "a NUL character" if "\0" in text else None


def writable(text: str) -> str:
    """The text with what UTF-8 cannot hold spelled out (\\xf3, \\ud83d)."""

    def spelled(found: re.Match[str]) -> str:
        code = ord(found[0])
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return _SURROGATE.sub(spelled, text)

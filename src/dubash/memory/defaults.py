"""What holds for translation memories everywhere; nothing heavy is imported for it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qs, urlsplit

MemoryFormat = Literal["tmx", "xliff", "xliff2", "po", "tsv", "csv", "jsonl"]
"""The files that memories come from and go to; `xliff2` is for writing, both versions are read."""

LEAST = 70
"""Percent from which on a match is shown, as translators' tools do."""

MOST_MATCHES = 5
"""Matches shown for a segment."""


def holds_password(address: str) -> bool:
    """Whether a server's address has a password in it, which would stand in logs and reports."""
    parts = urlsplit(address)
    return parts.password is not None or "password" in parse_qs(parts.query)

"""What the command line says of translation memories; nothing heavy is imported for it."""

from __future__ import annotations

from typing import Literal

MemoryFormat = Literal["tmx", "xliff", "xliff2", "po", "tsv", "csv", "jsonl"]
"""The files that memories come from and go to; `xliff2` is for writing, both versions are read."""

LEAST = 70
"""Percent from which on a match is shown, as translators' tools do."""

MOST_MATCHES = 5
"""Matches shown for a segment."""

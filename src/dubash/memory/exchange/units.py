"""What readers of translation memories hand on: units, and what could not be one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dubash.data.normalise import normalise
from dubash.data.rows import BadRow, flaw, writable
from dubash.memory.exchange.tags import NOT_XML
from dubash.memory.tm.unit import Content, TranslationUnit, plain

UnitRow = TranslationUnit | BadRow


def _flaw(text: str) -> str | None:
    """Why this cannot be a segment's text."""
    if reason := flaw(text):
        return reason
    found = NOT_XML.search(text)
    return f"a control character (U+{ord(found[0]):04X})" if found else None


def _all(facts: Any) -> Iterator[str]:
    """Every text in what is known of a unit."""
    if isinstance(facts, str):
        yield facts
    else:
        for each in facts.values() if isinstance(facts, dict) else facts:
            yield from _all(each)


def unit_of(source: Content, target: Content, origin: str, **facts: Any) -> UnitRow:
    """A unit of two contents, or why there is none.

    Its texts are normalised, as those that are looked for will be; a content is kept where it says
    more than its text.
    """
    texts = [normalise(plain(each)) for each in (source, target)]
    if not all(texts):
        which = "source" if not texts[0] else "target"
        return BadRow(origin, f"empty {which}", writable(plain(source) or plain(target)))
    if reason := next((found for each in (*texts, *_all(facts)) if (found := _flaw(each))), None):
        return BadRow(origin, reason, writable(plain(source)))
    contents = [
        () if content == (each,) else content
        for content, each in zip((source, target), texts, strict=True)
    ]
    return TranslationUnit(
        texts[0], texts[1], origin=origin, source_content=contents[0], target_content=contents[1],
        **facts,
    )  # fmt: skip

"""XLIFF 1.2 and 2.x (OASIS), read: files that travel between translators and their tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dubash.core.languages import LanguagePair
from dubash.data.rows import BadRow, writable
from dubash.memory.exchange.tags import content_of
from dubash.memory.exchange.units import UnitRow, unit_of
from dubash.memory.exchange.xliff_codes import with_codes
from dubash.memory.languages import are_in, check_seen
from dubash.memory.safe_xml import Element, parse
from dubash.memory.tm.unit import Content, plain

FIELDS = {
    "previous": "previous", "following": "following", "created": "created", "changed": "changed",
    "creator": "creator",
}  # fmt: skip
"""What a unit says in contexts (1.2) or notes (2.x) of these names, with `x-` before them."""


UNDONE = {"new", "initial"}
"""States of a segment that nobody has translated, beside those that begin with `needs-`."""


def read_xliff(path: Path, name: str, languages: LanguagePair) -> Iterator[UnitRow]:
    """A unit for each segment with a translation, of the files in the pair's languages.

    What is not translated yet comes as a BadRow; alternatives (`alt-trans`) are not read. Raises
    DataError for XML that is broken, hostile or no XLIFF, and where no file is in both languages.
    """
    seen: dict[str, None] = {}
    both = False
    for element in parse(path, name, {"xliff"}, {"trans-unit", "unit"}, "XLIFF"):
        outer: dict[str, str] = {}
        for each in element.around:
            if each.name in ("xliff", "file"):
                outer |= each.attributes
        source = outer.get("srcLang") or outer.get("source-language", "")
        target = outer.get("trgLang") or outer.get("target-language", "")
        seen |= dict.fromkeys((source, target))
        if are_in(source, target, languages):
            about = {
                "source_language": source, "target_language": target,
                "document": outer.get("original", outer.get("id", "")),
            }  # fmt: skip
            both = True
            yield from _segments(element, about, name)
    check_seen(seen, languages, name, "segment", both)


def _segments(element: Element, about: dict[str, str], name: str) -> Iterator[UnitRow]:
    """The segments of a unit: one in 1.2, one or several in 2.x."""
    fields, facts = _said(element)
    codes = {each.attributes.get("id", ""): each.all_text for each in element.find({"data"})}
    parts = [each for each in element.children if each.name == "segment"] or [element]
    for part in parts:
        own = list(facts)
        if part is not element and "id" in part.attributes:
            own.append(("segment", part.attributes["id"]))
        contents: dict[str, Content] = {"source": (), "target": ()}
        state = part.attributes.get("state", "")
        for each in part.children:
            if each.name in contents:
                contents[each.name] = with_codes(content_of(each), codes)
                state = state or each.attributes.get("state", "")
        if state:
            own.append(("state", state))
        origin = f"{name}:{part.line}"
        if state in UNDONE or state.startswith("needs-"):  # tools put the source there beforehand
            source = writable(plain(contents["source"]))
            yield BadRow(origin, f"not translated yet ({state})", source)
            continue
        yield unit_of(
            contents["source"], contents["target"], origin, facts=tuple(own), **(about | fields)
        )


def _said(element: Element) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The fields that a unit's contexts and notes give, and the rest of what is said of it."""
    facts: list[tuple[str, str]] = [
        (key, element.attributes[key])
        for key in ("id", "resname", "approved", "name")
        if key in element.attributes
    ]
    fields: dict[str, str] = {}
    for each in element.within({"source", "target", "seg-source", "alt-trans", "segment"}):
        if each.name not in ("note", "context"):
            continue
        kind = each.attributes.get("context-type") or each.attributes.get("category", "note")
        bare = kind.removeprefix("x-")
        if kind.startswith("x-") and bare in FIELDS and bare not in fields:
            fields[FIELDS[bare]] = each.all_text
        else:
            facts.append((bare, each.all_text))
    return fields, facts

"""Inline tags of TMX and XLIFF: from elements to a content, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from xml.sax.saxutils import escape, quoteattr

from dubash.memory.safe_xml import Element
from dubash.memory.tm.unit import Content, Tag, TagKind, joined

NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML 1.0 has no way to write."""

_NAME = re.compile(r"(?:xml:)?[A-Za-z_][\w.-]*", re.ASCII).fullmatch
"""Attributes that can stand in any file: of another prefix nothing would say what it means."""

AROUND = {"hi", "g", "mrk", "pc"}
"""Elements that stand around the text that they mark; the others hold native code or nothing."""

_KINDS: dict[str, TagKind] = {
    "bpt": "open", "ept": "close", "bx": "open", "ex": "close", "sc": "open", "ec": "close",
    "sm": "open", "em": "close",
}  # fmt: skip
_POSITIONS: dict[str, TagKind] = {"begin": "open", "end": "close", "open": "open", "close": "close"}


def content_of(element: Element) -> Content:
    """What an element that holds a segment says: its text and tags, in order."""
    return joined(_pieces(element))


def _pieces(element: Element) -> Iterator[str | Tag]:
    for piece in element.content:
        if isinstance(piece, str):
            yield piece
        elif piece.name == "cp":  # XLIFF 2: a character that XML has not
            yield _character(piece.attributes.get("hex", ""))
        elif piece.name in AROUND:
            attributes = tuple(piece.attributes.items())
            yield Tag("open", piece.name, "", attributes)
            yield from _pieces(piece)
            yield Tag("close", piece.name)
        else:
            yield Tag(_kind(piece), piece.name, piece.all_text, tuple(piece.attributes.items()))


def _kind(element: Element) -> TagKind:
    position = element.attributes.get("pos", "")  # of <it>, which lost its other half
    return _KINDS.get(element.name) or _POSITIONS.get(position, "alone")


def _character(code: str) -> str:
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return "\ufffd"


def written(content: Iterable[str | Tag], known: Set[str], others: Mapping[TagKind, str]) -> str:
    """A content as the inside of an element. A tag whose element the format has not (`known`) is
    written by the element for its kind (`others`)."""
    pieces = list(content)
    whole = paired(pieces)
    return "".join(
        text(piece) if isinstance(piece, str)
        else _tag(piece, known if at in whole or piece.name not in AROUND else set(), others)
        for at, piece in enumerate(pieces)
    )  # fmt: skip


def paired(pieces: Sequence[str | Tag]) -> set[int]:
    """Where tags stand that open and close an element around text, properly nested."""
    found: set[int] = set()
    opened: list[tuple[int, str]] = []
    for at, piece in enumerate(pieces):
        if isinstance(piece, str) or piece.name not in AROUND:
            continue
        if piece.kind == "open":
            opened.append((at, piece.name))
        elif opened and opened[-1][1] == piece.name:
            found |= {at, opened.pop()[0]}
    return found


def _tag(tag: Tag, known: Set[str], others: Mapping[TagKind, str]) -> str:
    name = tag.name if tag.name in known else others[tag.kind]
    if name in AROUND:
        return f"</{name}>" if tag.kind == "close" else f"<{name}{_attributes(tag.attributes)}>"
    code = tag.code
    if tag.name in AROUND and not code:  # so that it can still be read what it was
        code = f"</{tag.name}>" if tag.kind == "close" else f"<{tag.name}>"
    return f"<{name}{_attributes(tag.attributes)}>{text(code)}</{name}>"


def _attributes(attributes: Iterable[tuple[str, str]]) -> str:
    return "".join(f" {name}={attribute(value)}" for name, value in attributes if _NAME(name))


def attribute(value: str) -> str:
    """An attribute's value in quotation marks, its white space kept."""
    return quoteattr(NOT_XML.sub("\ufffd", value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def text(value: str) -> str:
    """Text as XML holds it; a carriage return would be read as a line feed if it stood bare."""
    return escape(NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})

"""The native codes of an XLIFF 2 unit: kept apart from its segments, which refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dubash.memory.exchange.tags import AROUND, attribute, paired, text, written
from dubash.memory.tm.unit import Content, Tag, TagKind

KNOWN = {"ph", "pc", "sc", "ec", "mrk", "sm", "em"}
_OTHERS: dict[TagKind, str] = {"open": "sc", "close": "ec", "alone": "ph"}
_REFERENCE = "dataRef"


def with_codes(content: Content, codes: Mapping[str, str]) -> Content:
    """The content with the native codes that its tags refer to."""
    if not codes:
        return content
    ends: list[str] = []
    found: list[str | Tag] = []
    for piece in content:
        if isinstance(piece, Tag):
            about = dict(piece.attributes)
            if piece.name == "pc" and piece.kind == "open":
                ends.append(codes.get(about.get("dataRefEnd", ""), ""))
                piece = replace(piece, code=codes.get(about.get("dataRefStart", ""), ""))
            elif piece.name == "pc":
                piece = replace(piece, code=ends.pop() if ends else "")
            elif _REFERENCE in about:
                piece = replace(piece, code=codes.get(about[_REFERENCE], ""))
        found.append(piece)
    return tuple(found)


def _as_ours(tag: Tag) -> Tag:
    """A tag that cannot stand here as it is: as one that says by its code what it was."""
    code = tag.code or (f"</{tag.name}>" if tag.kind == "close" else f"<{tag.name}>")
    return replace(tag, name=_OTHERS[tag.kind], code=code, attributes=())


class Codes:
    """The codes of one unit, as they are collected while its segments are written."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._tags = 0

    def inside(self, content: Content) -> str:
        """A content as the inside of source or target; its codes are noted."""
        ready: list[str | Tag] = []
        opened: list[dict[str, str]] = []
        whole = paired(content)
        for at, piece in enumerate(content):
            if isinstance(piece, Tag) and piece.name in AROUND | KNOWN:
                foreign = piece.name not in KNOWN or (piece.name in AROUND and at not in whole)
                piece = _as_ours(piece) if foreign else piece
            if isinstance(piece, Tag):
                about = dict(piece.attributes)
                if piece.name == "pc":
                    if piece.kind == "open":
                        opened.append(about)
                        self._note(about.get("dataRefStart"), piece.code)
                    elif opened:
                        self._note(opened.pop().get("dataRefEnd"), piece.code)
                elif piece.code or _REFERENCE in about:
                    about.setdefault(_REFERENCE, f"c{len(self._codes) + 1}")
                    self._note(about[_REFERENCE], piece.code)
                piece = replace(piece, code="", attributes=tuple(self._named(piece, about).items()))
            ready.append(piece)
        return written(ready, KNOWN, _OTHERS)

    def _note(self, name: str | None, code: str) -> None:
        if name is not None:
            self._codes[name] = code

    def _named(self, tag: Tag, about: dict[str, str]) -> dict[str, str]:
        """XLIFF 2 wants an id on what opens or stands alone; an `ec` on its own says so."""
        if tag.kind == "close" and tag.name in ("pc", "mrk"):
            return about
        self._tags += 1
        if tag.name not in KNOWN:  # of another format: its attributes mean nothing here
            about = {key: value for key, value in about.items() if key == _REFERENCE}
            if tag.kind != "alone":
                about["isolated"] = "yes"
        if "startRef" not in about:
            about.setdefault("id", f"t{self._tags}")
        return about

    def written(self) -> Iterator[str]:
        """The lines of `originalData`; none where there are no codes."""
        if self._codes:
            yield "      <originalData>"
            for name, code in self._codes.items():
                yield f"        <data id={attribute(name)}>{text(code)}</data>"
            yield "      </originalData>"

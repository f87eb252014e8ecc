"""One unit of a translation memory, and the tags that stand inside its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from typing import Any, Literal, get_args

TagKind = Literal["open", "close", "alone"]


@dataclass(frozen=True, slots=True)
class Tag:
    """An inline tag: a marker in the text that is no text itself.

    `kind` says whether it opens, closes or stands alone, `name` is the element by which its file
    wrote it (bpt, ph, g, x, …), `code` the native code inside it (`<b>`), `attributes` what else
    the file said of it, in its order.
    """

    kind: TagKind
    name: str
    code: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


Content = tuple[str | Tag, ...]
"""A text with its tags, in order; neighbouring pieces of text are one."""


def plain(content: Iterable[str | Tag]) -> str:
    """The text alone."""
    return "".join(piece for piece in content if isinstance(piece, str))


def joined(pieces: Iterable[str | Tag]) -> Content:
    """The pieces with neighbouring texts made one and empty ones left out."""
    found: list[str | Tag] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece != "":
            found.append(piece)
    return tuple(found)


def content_as_json(content: Content) -> list[Any]:
    """A content as JSON has it: texts, and tags as arrays."""
    return [each if isinstance(each, str) else list(astuple(each)) for each in content]


def content_from_json(content: Any) -> Content:
    """The reverse; raises TypeError, ValueError or IndexError for what is none."""
    return tuple(each if isinstance(each, str) else _tag(*each) for each in content or ())


def _tag(kind: Any, name: Any, code: Any = "", attributes: Any = ()) -> Tag:
    if kind not in get_args(TagKind):
        raise ValueError(kind)
    return Tag(kind, str(name), str(code), tuple((str(k), str(v)) for k, v in attributes))


@dataclass(frozen=True, slots=True)
class TranslationUnit:
    """A source segment and its translation, with what is known of them.

    `source` and `target` are the texts without tags; the two contents hold them with their tags and
    are empty where there are none. Languages are tags as their file gave them (en-US). `document`
    is what the segment was taken from, `previous` and `following` are the source segments around it
    there ("" where unknown). `origin` is `file:line`; `created` and `changed` are UTC times by ISO
    8601; `facts` are other properties and notes, by name, in their order.
    """

    source: str
    target: str
    source_language: str
    target_language: str
    document: str = ""
    previous: str = ""
    following: str = ""
    origin: str = ""
    created: str = ""
    changed: str = ""
    creator: str = ""
    source_content: Content = ()
    target_content: Content = ()
    facts: tuple[tuple[str, str], ...] = field(default=())

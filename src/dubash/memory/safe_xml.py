"""XML from outside, read with expat and its dangers refused: one record at a time, as a small tree.

What an XML file can do to its reader (defusedxml lists the same): entities that grow (billion
laughs, quadratic blow-up) or name files and addresses must be declared inside the DOCTYPE, so one
that holds declarations is refused; one that only names a DTD is passed over, and that DTD is never
fetched. Depth, text, elements and the size of a tag are limited.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from dubash.core.errors import DataError

MAX_DEPTH = 64
MAX_TEXT = 200_000
"""Characters of text in one record."""

MAX_ELEMENTS = 5_000
"""Elements of one record."""

MAX_OUTSIDE = 50_000
"""Elements that are in no record."""

MAX_TAG = 1 << 18
"""Bytes of one tag, comment or processing instruction: expat keeps what is not yet whole and, in
versions before 2.6, reads it again with every further piece."""

_PIECE = 1 << 16


@dataclass(slots=True)
class Element:
    """An element of a record: its name without prefix, the line it begins in, its texts and the
    elements in it in their order, and of a record what it stands in, outermost first."""

    name: str
    line: int
    attributes: dict[str, str]
    content: list[str | Element] = field(default_factory=list)
    around: tuple[Element, ...] = ()

    @property
    def children(self) -> Iterator[Element]:
        """The elements right in it."""
        return (each for each in self.content if isinstance(each, Element))

    def within(self, stop: Set[str] = frozenset()) -> Iterator[Element]:
        """Every element below, in order, without those named in `stop` and what is in them."""
        for each in self.children:
            if each.name not in stop:
                yield each
                yield from each.within(stop)

    def find(self, names: Set[str]) -> Iterator[Element]:
        """The elements of these names below."""
        return (each for each in self.within() if each.name in names)

    @property
    def all_text(self) -> str:
        """The text in it and below it."""
        return "".join(each if isinstance(each, str) else each.all_text for each in self.content)


def parse(
    path: Path, name: str, roots: Set[str], records: Set[str], kind: str
) -> Iterator[Element]:
    """The elements named in `records`, each once it is whole; names count without a prefix. `kind`
    is what the file should be (TBX), for a message.

    Raises DataError, with the line, for XML that is not well-formed, has another root than `roots`,
    declares or refers to entities of its own, or goes over a limit.
    """
    reader = _Reader(name, roots, records, kind)
    fed = 0
    with path.open("rb") as handle:
        while True:
            piece = handle.read(_PIECE)
            reader.feed(piece)
            fed += len(piece)
            if fed - max(reader.parser.CurrentByteIndex, 0) > MAX_TAG:
                reader.refuse(f"a tag or comment of more than {MAX_TAG >> 10} KB.")
            yield from reader.whole
            reader.whole.clear()
            if not piece:
                return


class _Reader:
    """The handlers of one file: they keep elements of records only."""

    def __init__(self, name: str, roots: Set[str], records: Set[str], kind: str) -> None:
        self.name, self.roots, self.records, self.kind = name, roots, records, kind
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity
        self.parser.ExternalEntityRefHandler = self._external
        self.parser.SkippedEntityHandler = self._entity
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.whole: list[Element] = []
        self._open: list[Element] = []  # the record at hand, then inwards
        self._around: list[Element] = []  # what is open outside records
        self._depth = self._outside = self._elements = self._length = 0

    def feed(self, piece: bytes) -> None:
        """Parse a piece; an empty one is the end."""
        try:
            self.parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise DataError(
                f"not well-formed XML ({what}).", where=f"{self.name}:{error.lineno}"
            ) from None
        except (LookupError, ValueError) as error:  # of an encoding that Python cannot read so
            raise DataError(f"not readable ({error}).", where=f"{self.name}:1") from None

    def refuse(self, what: str, fix: str = "") -> None:
        """Raise DataError with the line that was come to."""
        line = self.parser.CurrentLineNumber
        raise DataError(what, where=f"{self.name}:{line}", fix=fix)

    def _doctype(self, _name: str, _system: str | None, _public: str | None, inside: bool) -> None:
        if inside:
            self.refuse("declarations inside DOCTYPE are not read.", "Export without them.")

    def _entity(self, *_: object) -> None:
        self.refuse("entities of its own are not read.", "Write the characters themselves.")

    def _external(self, *_: object) -> int:
        self._entity()
        return 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        bare = name.rpartition(":")[2]
        self._depth += 1
        if self._depth == 1 and bare not in self.roots:
            known = " or ".join(f"<{each}>" for each in sorted(self.roots))
            self.refuse(f"the root is <{bare[:40]}>, not {known}.", f"Export it as {self.kind}.")
        if self._depth > MAX_DEPTH:
            self.refuse(f"elements nested more than {MAX_DEPTH} deep.")
        if not self._open and bare not in self.records:
            self._outside += 1
            if self._outside > MAX_OUTSIDE:
                self.refuse(f"more than {MAX_OUTSIDE:,} elements outside entries.")
            self._around.append(Element(bare, self.parser.CurrentLineNumber, attributes))
            return
        if not self._open:
            self._elements = self._length = 0
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            self.refuse(f"an entry of more than {MAX_ELEMENTS:,} elements.")
        around = () if self._open else tuple(self._around)
        element = Element(bare, self.parser.CurrentLineNumber, attributes, around=around)
        if self._open:
            self._open[-1].content.append(element)
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._open:
            element = self._open.pop()
            if not self._open:
                self.whole.append(element)
        elif self._around:
            self._around.pop()

    def _characters(self, text: str) -> None:
        if not self._open:
            return
        self._length += len(text)
        if self._length > MAX_TEXT:
            self.refuse(f"an entry of more than {MAX_TEXT:,} characters.")
        self._open[-1].content.append(text)

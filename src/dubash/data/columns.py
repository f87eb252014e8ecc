"""Which columns of a record are source, target and document, and the pair made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.core.options import suggest
from dubash.core.types import Pair
from dubash.data.options import Column, Columns
from dubash.data.rows import BadRow, Row, flaw, writable

_ABSENT = object()

_HEADINGS = frozenset(
    {"source", "source text", "src", "target", "target text", "tgt", "trg", "translation"}
)
"""What sides are called beside their languages, without case and with blanks for `_` and `-`."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The columns in use; `context` is Alpaca's `input`, which is put under the source. Where
    there is no source (monolingual text), rows get an empty one."""

    source: Column | None
    target: Column
    document: Column | None = None
    context: Column | None = None

    @property
    def sides(self) -> list[Column]:
        """The columns that a row must have."""
        return [side for side in (self.source, self.target) if side is not None]


def default_columns(task: str, pair: LanguagePair) -> list[Picked]:
    """What is looked for where the recipe names no columns, best first.

    The languages' codes and names count too; `translation.en` is how translation data sets on the
    hub nest their sides.
    """
    if task == "text":
        return [Picked(None, "text", "document")]
    plain = Picked("source", "target", "document")
    if task == "instruction":
        return [Picked("instruction", "output", None, "input"), plain]
    codes, names = (pair.source.code, pair.target.code), (pair.source.name, pair.target.name)
    sides = [codes, names, tuple(name.lower() for name in names)]
    sides.append(tuple(f"translation.{code}" for code in codes))
    return [plain, *(Picked(source, target, "document") for source, target in sides)]


def find_columns(
    columns: Columns | None, defaults: list[Picked], found: Collection[str], where: str
) -> Picked:
    """The columns by name: those the recipe names, or the first defaults that are there.

    Raises DataError for a name that is not among `found`, with the nearest one that is.
    """
    if columns is None:
        for choice in defaults:
            if all(side in found for side in choice.sides):
                document = choice.document if choice.document in found else None
                return Picked(choice.source, choice.target, document, choice.context)
        choices = [" and ".join(f"'{side}'" for side in each.sides) for each in defaults]
        several = len(defaults[0].sides) > 1
        noun = "columns" if several else "column"
        sides = "source: …, target: …" if several else "target: …"
        raise DataError(
            f"no {noun} {' or '.join(choices)}; found: {_list(found)}.",
            where=where,
            fix=f"Name {'them' if several else 'it'}: columns: {{{sides}}} in a recipe"
            f"{', --columns …,… for dubash trim' if several else ''}.",
        )
    for name in (columns.source, columns.target, columns.document):
        if isinstance(name, int):
            raise DataError(
                "columns by number are for TSV and CSV.", where=where, fix="Give their names."
            )
        if name is not None and name not in found:
            near = suggest(name, list(found))
            raise DataError(
                f"no column '{name}'; found: {_list(found)}.",
                where=where,
                fix=near if near.startswith("Did") else "",
            )
    return Picked(columns.source, columns.target, columns.document)


def _list(names: Collection[str]) -> str:
    shown = [f"'{writable(name)}'" for name in list(names)[:20]]
    return ", ".join(shown) + (", …" if len(names) > 20 else "") if shown else "none"


def names_in(record: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """All names of a record, nested ones dotted, down to three levels."""
    for name, value in record.items():
        yield f"{prefix}{name}"
        if isinstance(value, Mapping) and prefix.count(".") < 2:
            yield from names_in(value, f"{prefix}{name}.")


def names_columns(record: Mapping[Any, Any], picked: Picked, pair: LanguagePair) -> bool:
    """Whether the sides of a first row are the headings of their columns, not text: languages of
    the pair by code or English name, or words such as `source` and `tgt`."""
    known = set(_HEADINGS)
    for each in (pair.source, pair.target):
        known |= {each.code.casefold(), each.name.casefold()}
        if each.variant:
            known.add(f"{each.code} {each.variant}".casefold())
    cells = [str(record[side]).casefold() for side in picked.sides]
    labels = [" ".join(cell.replace("_", " ").replace("-", " ").split()) for cell in cells]
    return len(set(labels)) == len(labels) == 2 and known.issuperset(labels)


def _value(record: Mapping[Any, Any], name: Column) -> Any:
    if name in record or isinstance(name, int):
        return record.get(name, _ABSENT)
    inner: Any = record
    for part in name.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return _ABSENT
        inner = inner[part]
    return inner


def make_row(record: Mapping[Any, Any], picked: Picked, origin: str, raw: str) -> Row:
    """The pair of a record, or a BadRow where a side is missing, not text, or broken text."""
    sides: list[str] = []
    for name in picked.sides:
        value = _value(record, name)
        if not isinstance(value, str):
            kind = "missing" if value is _ABSENT else f"{_kind(value)}, not text"
            return BadRow(origin, f"'{name}' is {kind}", writable(raw))
        sides.append(value)
    if picked.context is not None:
        context = _value(record, picked.context)
        if isinstance(context, str) and context.strip():
            sides[0] = f"{sides[0].rstrip()}\n\n{context.strip()}"
        elif context not in (_ABSENT, None) and not isinstance(context, str):
            reason = f"'{picked.context}' is {_kind(context)}, not text"
            return BadRow(origin, reason, writable(raw))
    named = None if picked.document is None else _value(record, picked.document)
    document = "" if named is None or named is _ABSENT else str(named).strip()
    for text in (*sides, document):
        if broken := flaw(text):
            return BadRow(origin, broken, writable(raw))
    source, target = sides if len(sides) == 2 else ("", sides[0])
    return Pair(source, target, document, origin)


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "true or false", int: "a number", float: "a number"}
    kinds |= {list: "a list", dict: "an object"}
    return kinds.get(type(value), f"a {type(value).__name__}")

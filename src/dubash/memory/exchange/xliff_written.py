"""XLIFF 1.2 and 2.0, written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count, groupby

from dubash.core.languages import LanguagePair
from dubash.memory.exchange.tags import attribute, text, written
from dubash.memory.exchange.xliff import FIELDS
from dubash.memory.exchange.xliff_codes import Codes
from dubash.memory.tm.unit import TagKind, TranslationUnit

_KNOWN = {"g", "x", "bx", "ex", "bpt", "ept", "ph", "it", "mrk"}
_OTHERS: dict[TagKind, str] = {"open": "bpt", "close": "ept", "alone": "ph"}
_PLACES = {"id", "resname", "approved", "name", "segment", "state", "note"}
"""Facts with a place of their own in the file."""


def write_xliff(units: Iterable[TranslationUnit], languages: LanguagePair) -> Iterator[str]:
    """The lines of an XLIFF 1.2 file: a `file` for each run of units of one document and pair."""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">'
    numbers = count(1)
    for (document, source, target), some in groupby(units, _place):
        yield (
            f"  <file original={attribute(document)} source-language={attribute(source)} "
            f'target-language={attribute(target)} datatype="plaintext"><body>'
        )
        for unit in some:
            yield from _trans_unit(unit, next(numbers))
        yield "  </body></file>"
    yield "</xliff>"


def _place(unit: TranslationUnit) -> tuple[str, str, str]:
    return unit.document, unit.source_language, unit.target_language


def _trans_unit(unit: TranslationUnit, number: int) -> Iterator[str]:
    facts = dict(unit.facts)
    about = {"id": facts.get("id", str(number))}
    about |= {key: facts[key] for key in ("resname", "approved") if key in facts}
    yield "    <trans-unit" + "".join(f" {k}={attribute(v)}" for k, v in about.items()) + ">"
    state = f" state={attribute(facts['state'])}" if "state" in facts else ""
    for name, more, content, plain in (
        ("source", "", unit.source_content, unit.source),
        ("target", state, unit.target_content, unit.target),
    ):
        inside = written(content or (plain,), _KNOWN, _OTHERS)
        yield f'      <{name}{more} xml:space="preserve">{inside}</{name}>'
    contexts = _contexts(unit)
    if contexts:
        yield '      <context-group purpose="x-dubash">'
        for kind, value in contexts:
            yield f"        <context context-type={attribute('x-' + kind)}>{text(value)}</context>"
        yield "      </context-group>"
    for note in (value for key, value in unit.facts if key == "note"):
        yield f"      <note>{text(note)}</note>"
    yield "    </trans-unit>"


def _contexts(unit: TranslationUnit) -> list[tuple[str, str]]:
    """What has no place of its own in the file, by name."""
    fields = [(name, getattr(unit, field)) for name, field in FIELDS.items()]
    found = [(name, value) for name, value in fields if value]
    return found + [(key, value) for key, value in unit.facts if key not in _PLACES]


def write_xliff2(units: Iterable[TranslationUnit], languages: LanguagePair) -> Iterator[str]:
    """The lines of an XLIFF 2.0 file; its units are all in one pair, that of `languages` or of the
    first unit."""
    waiting = iter(units)
    first = next(waiting, None)
    source = first.source_language if first else languages.source.code
    target = first.target_language if first else languages.target.code
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<xliff version="2.0" xmlns="urn:oasis:names:tc:xliff:document:2.0" '
        f"srcLang={attribute(source)} trgLang={attribute(target)}>"
    )
    numbers, files = count(1), count(1)
    units = chain([first] if first else [], waiting)
    for document, some in groupby(units, lambda unit: unit.document):
        yield f'  <file id="f{next(files)}" original={attribute(document)}>'
        for _, segments in groupby(some, lambda unit: dict(unit.facts).get("id", unit)):
            yield from _unit2(list(segments), next(numbers))
        yield "  </file>"
    yield "</xliff>"


def _unit2(segments: list[TranslationUnit], number: int) -> Iterator[str]:
    first = segments[0]
    facts = dict(first.facts)
    about = {"id": facts.get("id", f"u{number}")}
    if "name" in facts:
        about["name"] = facts["name"]
    yield "    <unit" + "".join(f" {key}={attribute(value)}" for key, value in about.items()) + ">"
    notes = [(f"x-{kind}", value) for kind, value in _contexts(first)]
    notes += [("", value) for key, value in first.facts if key == "note"]
    if notes:
        yield "      <notes>"
        for kind, value in notes:
            category = f" category={attribute(kind)}" if kind else ""
            yield f"        <note{category}>{text(value)}</note>"
        yield "      </notes>"
    codes = Codes()
    lines = [line for unit in segments for line in _segment2(unit, codes)]
    yield from codes.written()
    yield from lines
    yield "    </unit>"


def _segment2(unit: TranslationUnit, codes: Codes) -> Iterator[str]:
    facts = dict(unit.facts)
    about = {"id": facts["segment"]} if "segment" in facts else {}
    about |= {"state": facts["state"]} if "state" in facts else {}
    yield "      <segment" + "".join(f" {k}={attribute(v)}" for k, v in about.items()) + ">"
    for name, content, plain in (
        ("source", unit.source_content, unit.source),
        ("target", unit.target_content, unit.target),
    ):
        inside = codes.inside(content or (plain,))
        yield f'        <{name} xml:space="preserve">{inside}</{name}>'
    yield "      </segment>"

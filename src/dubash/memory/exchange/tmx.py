"""TMX 1.4b (LISA): the format in which translation memories travel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dubash.core.languages import LanguagePair
from dubash.memory.exchange.tags import attribute, content_of, text, written
from dubash.memory.exchange.units import UnitRow, unit_of
from dubash.memory.languages import check_seen, of_language
from dubash.memory.safe_xml import Element, parse
from dubash.memory.tm.unit import Content, TagKind, TranslationUnit

_KNOWN = {"bpt", "ept", "hi", "it", "ph", "ut"}
_OTHERS: dict[TagKind, str] = {"open": "bpt", "close": "ept", "alone": "ph"}
_FIELDS = {
    "x-document": "document", "file": "document", "x-file": "document",
    "x-context-pre": "previous", "prev": "previous",
    "x-context-post": "following", "next": "following",
}  # fmt: skip
"""Properties that say where a segment stood: ours, and those of OmegaT (file, prev, next)."""

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


def read_tmx(path: Path, name: str, languages: LanguagePair) -> Iterator[UnitRow]:
    """A unit for each translation into the target language of each source in the source language.

    A tag with a region counts for its language (es-MX for es). Raises DataError for XML that is
    broken, hostile or no TMX, and where nothing is in the source or the target language.
    """
    seen: dict[str, None] = {}
    both = False
    for element in parse(path, name, {"tmx"}, {"tu"}, "TMX"):
        variants: dict[str, list[Element]] = {}
        for each in element.find({"tuv"}):
            tag = each.attributes.get("xml:lang") or each.attributes.get("lang", "")
            variants.setdefault(tag, []).append(each)
        seen |= dict.fromkeys(variants)
        both |= bool(
            of_language(variants, languages.source) and of_language(variants, languages.target)
        )
        for source_tag in of_language(variants, languages.source):
            for target_tag in of_language(variants, languages.target):
                for source in variants[source_tag]:
                    for target in variants[target_tag]:
                        tags = {"source_language": source_tag, "target_language": target_tag}
                        yield _unit(element, source, target, tags, name)
    check_seen(seen, languages, name, "segment", both)


def _unit(
    element: Element, source: Element, target: Element, tags: dict[str, str], name: str
) -> UnitRow:
    about = element.attributes | target.attributes  # the translation's own say comes first
    given = {
        "created": _iso(about.get("creationdate", "")),
        "changed": _iso(about.get("changedate", "")),
        "creator": about.get("changeid") or about.get("creationid", ""),
    }
    facts: list[tuple[str, str]] = []
    if tuid := element.attributes.get("tuid"):
        facts.append(("tuid", tuid))
    for each in (*element.children, *target.children):
        if each.name == "note":
            facts.append(("note", each.all_text))
        elif each.name == "prop":
            kind = each.attributes.get("type", "")
            if field := _FIELDS.get(kind):
                given.setdefault(field, each.all_text)
            else:
                facts.append((kind, each.all_text))
    origin = f"{name}:{element.line}"
    return unit_of(
        _segment(source), _segment(target), origin, facts=tuple(facts), **tags, **given
    )  # fmt: skip


def _segment(variant: Element) -> Content:
    return next((content_of(each) for each in variant.children if each.name == "seg"), ())


def _iso(time: str) -> str:
    """A TMX time by ISO 8601; another one as it is."""
    found = _TIME.fullmatch(time)
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups()) if found else time


def write_tmx(units: Iterable[TranslationUnit], languages: LanguagePair) -> Iterator[str]:
    """The lines of a TMX file with these units, as `read_tmx` reads them again."""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<tmx version="1.4">'
    yield (
        f'  <header creationtool="dubash" creationtoolversion="1" segtype="sentence" '
        f'o-tmf="dubash" adminlang="en" srclang={attribute(languages.source.code)} '
        f'datatype="plaintext"/>'
    )
    yield "  <body>"
    for unit in units:
        yield from _tu(unit)
    yield "  </body>"
    yield "</tmx>"


def _tu(unit: TranslationUnit) -> Iterator[str]:
    facts = list(unit.facts)
    about = [("tuid", facts.pop(0)[1])] if facts and facts[0][0] == "tuid" else []
    times = (("creationdate", unit.created), ("changedate", unit.changed))
    about += [(key, re.sub(r"[-:]", "", time)) for key, time in times if time]
    if unit.creator:
        about.append(("changeid", unit.creator))
    yield "    <tu" + "".join(f" {key}={attribute(value)}" for key, value in about) + ">"
    where = (
        ("x-document", unit.document), ("x-context-pre", unit.previous),
        ("x-context-post", unit.following),
    )  # fmt: skip
    yield from (f'      <prop type="{key}">{text(value)}</prop>' for key, value in where if value)
    for key, value in facts:
        if key == "note":
            yield f"      <note>{text(value)}</note>"
        else:
            yield f"      <prop type={attribute(key)}>{text(value)}</prop>"
    for language, content, plain in (
        (unit.source_language, unit.source_content, unit.source),
        (unit.target_language, unit.target_content, unit.target),
    ):
        inside = written(content or (plain,), _KNOWN, _OTHERS)
        yield f"      <tuv xml:lang={attribute(language)}><seg>{inside}</seg></tuv>"
    yield "    </tu>"

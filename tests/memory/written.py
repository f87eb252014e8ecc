"""Pairs of languages, and entries written as the files that a glossary is read from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from xml.sax.saxutils import escape

from dubash.core.languages import LanguagePair, language
from dubash.memory.entry import TermEntry


def pair(codes: str) -> LanguagePair:
    """The pair of codes such as `en-es`; `en>pt-BR` where a code has a region."""
    source, target = codes.split(">" if ">" in codes else "-")
    return LanguagePair(language(source), language(target))


def as_csv(entries: Iterable[TermEntry]) -> str:
    """With every column, as a spreadsheet writes it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Source", "Target", "Forbidden", "Note", "Part of speech", "Domain"])
    for each in entries:
        targets, forbidden = "|".join(each.targets), "|".join(each.forbidden)
        writer.writerow(
            [each.source, targets, forbidden, each.note, each.part_of_speech, each.domain]
        )
    return text.getvalue()


def as_tsv(entries: Iterable[TermEntry]) -> str:
    """Two columns without a header."""
    return "".join(f"{each.source}\t{'|'.join(each.targets)}\n" for each in entries)


def as_tbx(entries: Iterable[TermEntry], style: str) -> str:
    """`v2`, or version 3 in the styles `dca` and `dct`."""
    concepts = "\n".join(_concept(each, style) for each in entries)
    if style == "v2":
        return (
            '<?xml version="1.0"?>\n<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">\n'
            '<martif type="TBX" xml:lang="en"><martifHeader><fileDesc/></martifHeader>'
            f"<text><body>\n{concepts}\n</body></text></martif>"
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<tbx style="{style}" type="TBX-Basic" '
        'xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2" '
        'xmlns:min="http://www.tbxinfo.net/ns/min" xmlns:basic="http://www.tbxinfo.net/ns/basic">'
        f"<tbxHeader/><text><body>\n{concepts}\n</body></text></tbx>"
    )


def _concept(entry: TermEntry, style: str) -> str:
    concept, language = ("termEntry", "langSet") if style == "v2" else ("conceptEntry", "langSec")
    domain = _fact("descrip", "subjectField", entry.domain, style)
    about = _fact("termNote", "partOfSpeech", entry.part_of_speech, style)
    note = f"<note>{escape(entry.note)}</note>" if entry.note else ""
    source = _section(entry.source, about, style)
    targets = "".join(_section(each, "", style) for each in entry.targets)
    for each in entry.forbidden:
        status = _fact("termNote", "administrativeStatus", "deprecatedTerm-admn-sts", style)
        targets += _section(each, status, style)
    return (
        f'<{concept}>{domain}{note}<{language} xml:lang="en">{source}</{language}>'
        f'<{language} xml:lang="es-MX">{targets}</{language}></{concept}>'
    )


def _section(term: str, facts: str, style: str) -> str:
    inside = f"<term>{escape(term)}</term>{facts}"
    if style == "v2":
        return f"<ntig><termGrp>{inside}</termGrp></ntig>"
    return f"<termSec>{inside}</termSec>"


def _fact(element: str, name: str, value: str, style: str) -> str:
    if not value:
        return ""
    if style == "dct":
        module = "basic" if name == "subjectField" else "min"
        return f"<{module}:{name}>{escape(value)}</{module}:{name}>"
    return f'<{element} type="{name}">{escape(value)}</{element}>'


def plain(entries: Iterable[TermEntry]) -> list[tuple[object, ...]]:
    """Without where they stand."""
    return [(e.source, e.targets, e.forbidden, e.note, e.part_of_speech, e.domain) for e in entries]

"""GNU gettext's PO files, by polib."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polib

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.data.rows import BadRow
from dubash.memory.exchange.units import UnitRow, unit_of
from dubash.memory.languages import is_in
from dubash.memory.tm.unit import Content, TranslationUnit


def read_po(path: Path, name: str, languages: LanguagePair) -> Iterator[UnitRow]:
    """A unit for each message with a translation; of plural messages one for the singular and one
    for the plural by its last form.

    What is untranslated or fuzzy comes as a BadRow. Raises DataError where the file is no PO or its
    header names another target language.
    """
    try:
        found = polib.pofile(str(path), encoding="utf-8", check_for_duplicates=False)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"not readable as PO ({error}).", where=name) from None
    language = found.metadata.get("Language", "") or languages.target.code
    if not is_in(language, languages.target):
        raise DataError(f"its header says Language: {language}.", where=name)
    for entry in found:
        if entry.obsolete:
            continue
        origin = f"{name}:{entry.linenum}"
        if entry.fuzzy:
            yield BadRow(origin, "fuzzy: not yet confirmed", entry.msgid)
            continue
        facts = [("context", entry.msgctxt)] if entry.msgctxt is not None else []
        facts += [("note", each) for each in (entry.comment, entry.tcomment) if each]
        facts += [("flag", each) for each in entry.flags]
        pairs = [(entry.msgid, entry.msgstr)]
        if entry.msgid_plural:
            forms = entry.msgstr_plural
            pairs = [(entry.msgid, forms.get(0, "")), (entry.msgid_plural, forms[max(forms)])]
        for source, target in pairs:
            yield unit_of(
                (source,), (target,), origin, facts=tuple(facts),
                source_language=languages.source.code, target_language=language,
                document=entry.occurrences[0][0] if entry.occurrences else "",
            )  # fmt: skip


def write_po(units: Iterable[TranslationUnit], languages: LanguagePair) -> Iterator[str]:
    """The lines of a PO file with these units; tags stand as the native code they hold.

    A message may stand in a file once: a second one gets its document, or a number, as context.
    """
    header = polib.POFile()
    header.metadata = {
        "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit", "Language": languages.target.code,
    }  # fmt: skip
    yield str(header)
    taken: Counter[tuple[str | None, str]] = Counter()
    for unit in units:
        source = _native(unit.source_content, unit.source)
        context = next((value for key, value in unit.facts if key == "context"), None)
        if taken[context, source]:
            context = unit.document or context
        taken[context, source] += 1
        if (count := taken[context, source]) > 1:
            context = f"{context or ''} {count}".strip()
            taken[context, source] += 1
        yield str(
            polib.POEntry(
                msgid=source, msgstr=_native(unit.target_content, unit.target), msgctxt=context,
                occurrences=[(unit.document, "")] if unit.document else [],
                comment="\n".join(value for key, value in unit.facts if key == "note"),
                flags=[value for key, value in unit.facts if key == "flag"],
            )
        )  # fmt: skip


def _native(content: Content, text: str) -> str:
    pieces = (each if isinstance(each, str) else each.code for each in content)
    return "".join(pieces) or text

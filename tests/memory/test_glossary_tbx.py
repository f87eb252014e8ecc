"""Glossaries from TBX: its versions and styles, statuses, regions, examples."""

import pytest

from dubash.core.errors import DataError
from dubash.core.languages import Language, LanguagePair, language
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import read_glossary
from memory.written import as_tbx, plain

ENTRIES = [
    TermEntry("credit card", ("tarjeta de crédito", "tarjeta"), ("plástico",), "bank & shop",
              "noun", "finance"),
    TermEntry("to <save>", ("guardar",)),
]  # fmt: skip


@pytest.mark.parametrize("style", ["v2", "dca", "dct"])
def test_tbx_is_read_in_its_versions_and_styles(read, style):
    found = read(as_tbx(ENTRIES, style), "terms.tbx")
    assert plain(found.entries) == plain(ENTRIES)
    first = 4 if style == "v2" else 3
    assert [each.origin for each in found.entries] == [
        f"terms.tbx:{first}",
        f"terms.tbx:{first + 1}",
    ]


TERM = '<langSec xml:lang="{}"><termSec><term>{}</term>{}</termSec></langSec>'


def tbx(*sections: str) -> str:
    inside = "\n".join(f"<conceptEntry>{each}</conceptEntry>" for each in sections)
    return f"<tbx><text><body>\n{inside}\n</body></text></tbx>"


@pytest.mark.parametrize(
    ("status", "forbidden"),
    [("deprecatedTerm-admn-sts", True), ("supersededTerm", True), ("notRecommended", True),
     ("obsolete", True), ("preferredTerm-admn-sts", False), ("admittedTerm", False), ("", False)],
)  # fmt: skip
def test_a_status_makes_a_term_forbidden(read, status, forbidden):
    note = f'<termNoteGrp><termNote type="administrativeStatus">{status}</termNote></termNoteGrp>'
    spanish = TERM.format("es", "archivo", "") + TERM.format("es", "fichero", note)
    entry = read(tbx(TERM.format("en", "file", "") + spanish), "t.tbx").entries[0]
    assert ("fichero" in entry.forbidden, "fichero" in entry.targets) == (forbidden, not forbidden)


def test_a_tbx_s_contexts_are_its_examples(read):
    def shown(text):
        return f'<descripGrp><descrip type="context">{text}</descrip></descripGrp>'

    concept = TERM.format("en", "file", shown("Save the <hi>file</hi>.")) + TERM.format(
        "es", "archivo", "<basic:context>Guarde el archivo.</basic:context>"
    )
    found = read(tbx(shown("of no language") + concept), "t.tbx")
    assert found.entries[0].examples == ("Save the file.",)
    assert found.entries[0].target_examples == ("Guarde el archivo.",)


def test_each_source_synonym_is_an_entry_and_a_concept_without_a_side_is_set_aside(read):
    english = TERM.format("en-GB", "lift", "") + TERM.format("en-US", "elevator", "")
    french = TERM.format("fr", "ascenseur", "")
    found = read(
        tbx(english + TERM.format("es", "ascensor", ""), english + french,
            TERM.format("es", "coche", "") + french), "t.tbx"
    )  # fmt: skip
    assert [(each.source, each.targets) for each in found.entries] == [
        ("lift", ("ascensor",)), ("elevator", ("ascensor",)),
    ]  # fmt: skip
    assert [(each.origin, each.reason) for each in found.bad_rows] == [
        ("t.tbx:3", "no approved term in Spanish"), ("t.tbx:3", "no approved term in Spanish"),
        ("t.tbx:4", "no term in English"),
    ]  # fmt: skip


def test_a_region_of_the_pair_comes_before_the_others(read):
    content = tbx(
        TERM.format("en", "car", "") + TERM.format("es-ES", "coche", "")
        + TERM.format("es-MX", "carro", ""),
        TERM.format("en", "bus", "") + TERM.format("es", "autobús", ""),
    )  # fmt: skip
    assert read(content, "t.tbx", "en>es-MX").entries[0].targets == ("carro",)
    assert read(content, "t.tbx", "en>es-MX").entries[1].targets == ("autobús",)
    assert read(content, "t.tbx", "en>es").entries[0].targets == ("coche", "carro")
    with pytest.raises(DataError, match="no term in 'ja'; its languages: en, es-ES, es-MX, es"):
        read(content, "t.tbx", "en>ja")


def test_a_language_without_a_code_of_its_own_goes_by_its_tag(tmp_path):
    content = tbx(TERM.format("en", "sea", "") + TERM.format("tcy-X-coast", "ಕಡಲ್", ""))
    (tmp_path / "t.tbx").write_text(content, encoding="utf-8")
    coast = Language("tcy-x-coast", "Coastal Tulu", ("KANNADA",))
    found = read_glossary(tmp_path / "t.tbx", "t.tbx", LanguagePair(language("en"), coast))
    assert [each.targets for each in found.entries] == [("ಕಡಲ್",)]


def test_markup_in_a_term_is_read_as_its_text(read):
    section = TERM.format("en", "H<hi>2</hi>O", "") + TERM.format("es", "agua", "")
    assert read(tbx(section), "t.tbx").entries[0].source == "H2O"


def test_utf_16_is_read_where_the_xml_says_so(read):
    content = '<?xml version="1.0" encoding="UTF-16"?>' + as_tbx(ENTRIES, "dct").split("?>", 1)[1]
    assert plain(read(content.encode("utf-16"), "t.tbx").entries) == plain(ENTRIES)

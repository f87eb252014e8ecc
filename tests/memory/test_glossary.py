"""Glossaries from CSV, TSV and TBX: what is read, what is set aside, what is refused, and where."""

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.core.files import sha256_file
from dubash.core.languages import Language, LanguagePair, language
from dubash.data.normalise import normalise
from dubash.memory import glossary as limits
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import read_glossary
from memory.written import as_csv, as_tbx, as_tsv, pair


def test_a_csv_is_read_by_its_header(read):
    found = read(
        "Source term,ES,do not use,Comment,POS,Subject,id\n"
        'e-mail,"correo electrónico|correo-e",email|mail,"formal, always",noun,office,7\n'
        "\n"
        "to save,guardar,,,verb,,8\n"
    )
    assert found.entries == (
        TermEntry("e-mail", ("correo electrónico", "correo-e"), ("email", "mail"),
                  "formal, always", "noun", "office", "terms.csv:2"),
        TermEntry("to save", ("guardar",), (), "", "verb", "", "terms.csv:4"),
    )  # fmt: skip
    assert found.bad_rows == ()


def test_examples_of_a_table_are_kept_by_side_and_each_once(read):
    found = read(
        "source,target,example,target_example\n"
        "file,archivo,Save the file.|Open a file.,Guarde el archivo.\n"
        "save,guardar,Save the file.,\n"
    )
    assert found.entries[0].examples == ("Save the file.", "Open a file.")
    assert [(each.source, each.target, each.origin) for each in found.examples] == [
        ("Save the file.", "", "terms.csv:2"),
        ("Open a file.", "", "terms.csv:2"),
        ("", "Guarde el archivo.", "terms.csv:2"),
    ]
    assert read("source,target\nfile,archivo\n").examples == []


@pytest.mark.parametrize(
    "header", ["source,target", "term,translation", "en,es", "English,Spanish"]
)
def test_the_sides_go_by_several_names(read, header):
    assert read(f"{header}\nfile,archivo\n").entries[0].targets == ("archivo",)


def test_a_tsv_may_do_without_a_header(read):
    two = read("file\tarchivo\nfolder\tcarpeta\n", "terms.tsv")
    assert [(each.source, each.targets, each.origin) for each in two.entries] == [
        ("file", ("archivo",), "terms.tsv:1"),
        ("folder", ("carpeta",), "terms.tsv:2"),
    ]
    assert read("file\tarchivo\tnot fichero\n", "terms.tsv").entries[0].note == "not fichero"
    headed = read("target\tsource\narchivo\tfile\n", "terms.tsv")
    assert [each.source for each in headed.entries] == ["file"]


def test_a_byte_order_mark_and_line_ends_of_windows_do_no_harm(read):
    found = read(b"\xef\xbb\xbfsource,target\r\nfile,archivo\r\n")
    assert found.entries == (TermEntry("file", ("archivo",), origin="terms.csv:2"),)


def test_the_hash_is_that_of_the_file(read, tmp_path):
    assert read("source,target\na b,c d\n").sha256 == sha256_file(tmp_path / "terms.csv")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",archivo,", "no term in English"),
        ("file, ,", "no approved term in Spanish"),
        ("file", "1 column where 3 are expected"),
        ("file,|,fichero", "no approved term in Spanish, only forbidden ones"),
        (f"file,{'x' * 201},", "a term of 201 characters; 200 are the most"),
        ("…,puntos,", "'…' has neither letter, digit nor symbol"),
        ('"fi"le,archivo,', "not valid CSV (',' expected after '\"')"),
    ],
)
def test_an_entry_that_cannot_be_used_is_set_aside_with_its_line(read, row, reason):
    found = read(f"source,target,forbidden\nfolder,carpeta,\n{row}\nscreen,pantalla,\n")
    assert [each.source for each in found.entries] == ["folder", "screen"]
    assert [(each.origin, each.reason) for each in found.bad_rows] == [("terms.csv:3", reason)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"file,archivo\n", "t.csv:1: no columns for source and target; a CSV has"),
        ("t.tsv", b"one\n", "t.tsv:1: no columns for source and target; a TSV of more or fewer"),
        ("t.tsv", b"a\tb\tc\td\n", "t.tsv:1: no columns for source and target"),
        ("t.csv", b"source,target,forbiden\na,b,c\n", "unknown column 'forbiden'. Did you mean"),
        ("t.csv", b"source,en,target\na,b,c\n", "t.csv:1: two columns hold the source"),
        ("t.csv", b"source,target\nfile,archiv\xf3\n", "t.csv:2: not UTF-8 (byte 0xf3)"),
        ("t.tsv", b"file\tarchivo\na\tb\x00\n", "t.tsv:2: not a text file: it holds NUL bytes"),
        ("t.csv", b"", "t.csv: the file is empty"),
        ("t.csv", b"source,target\n", "t.csv: no entry in it can be used"),
        ("t.csv", b"source,target\nfile,\n", "The first: t.csv:2: no approved term in Spanish"),
        ("t.csv", b"PK\x03\x04...", "a zip archive or an office document"),
        ("t.csv", "source,target\na,b".encode("utf-16"), "text in UTF-16"),
        ("t.xlsx", b"PK", "the ending '.xlsx' is none of a glossary"),
        ("t.tbx", b"source,target\n", "t.tbx:1: not well-formed XML"),
        ("t.tbx", b"<html/>", "t.tbx:1: the root is <html>, not <martif> or <tbx>"),
        ("t.tbx", b"<tbx><text>\n\n<body>", "t.tbx:3: not well-formed XML (no element found)"),
        ("t.tbx", b"<tbx>\n<a></b></tbx>", "t.tbx:2: not well-formed XML (mismatched tag)"),
        ("t.tbx", b"<tbx>\xf3</tbx>", "t.tbx:1: not well-formed XML"),
        ("t.tbx", b"<tbx/>", "t.tbx: no term in 'en'; its languages: none"),
        ("t.tbx", b'<?xml version="1.0" encoding="utf-7"?><tbx/>', "t.tbx:1: not"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_where_and_why(read, name, content, message):
    with pytest.raises(DataError) as refused:
        read(content, name)
    assert message in str(refused.value)


def test_a_missing_file_brings_the_nearest_name(read, tmp_path):
    read("source,target\na b,c d\n")
    with pytest.raises(DataError, match=r"term\.csv: no such file\. Did you mean 'terms\.csv'\?"):
        read_glossary(tmp_path / "term.csv", "term.csv", pair("en-es"))
    with pytest.raises(DataError, match="this is a folder"):
        read_glossary(tmp_path, "folder", pair("en-es"))


def test_limits_are_kept(read, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ENTRIES", 2)
    read("source,target\na,b\nc,d\n")
    with pytest.raises(DataError, match=r"terms\.csv:4: more than 2 entries"):
        read("source,target\na,b\nc,d\ne,f\n")
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    with pytest.raises(DataError, match="a glossary has 0 at the most"):
        read("source,target\na,b\n")


# -- TBX -----------------------------------------------------------------------------------------

ENTRIES = [
    TermEntry("credit card", ("tarjeta de crédito", "tarjeta"), ("plástico",), "bank & shop",
              "noun", "finance"),
    TermEntry("to <save>", ("guardar",)),
]  # fmt: skip


def plain(entries):
    """Without where they stand."""
    return [(e.source, e.targets, e.forbidden, e.note, e.part_of_speech, e.domain) for e in entries]


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


# -- what holds for every glossary ----------------------------------------------------------------

VISIBLE = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"],
    exclude_characters="|\ufffe\uffff",
)  # fmt: skip


def is_term(text: str) -> bool:
    return any(unicodedata.category(each)[0] in "LN" for each in text) and len(text) <= 200


TERMS = st.text(VISIBLE, min_size=1, max_size=20).map(normalise).filter(is_term)
SIDES = st.lists(TERMS, min_size=1, max_size=3, unique=True).map(tuple)
FACTS = st.text(VISIBLE, max_size=10).map(normalise)
GLOSSARIES = st.lists(
    st.builds(TermEntry, TERMS, SIDES, SIDES | st.just(()), FACTS, FACTS, FACTS),
    min_size=1, max_size=5,
)  # fmt: skip


def written(content: str, ending: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"terms.{ending}")
        path.write_text(content, encoding="utf-8", newline="")
        found = read_glossary(path, path.name, pair("en-es"))
    assert found.bad_rows == ()
    return plain(found.entries)


@given(GLOSSARIES)
def test_what_is_written_as_csv_is_read_back(entries):
    assert written(as_csv(entries), "csv") == plain(entries)


@given(GLOSSARIES, st.sampled_from(["v2", "dca", "dct"]))
def test_what_is_written_as_tbx_is_read_back(entries, style):
    assert written(as_tbx(entries, style), "tbx") == plain(entries)


@given(st.lists(st.builds(TermEntry, TERMS, SIDES), min_size=1, max_size=5))
def test_what_is_written_as_tsv_is_read_back(entries):
    first = TermEntry("first of all", ("ante todo",))  # no header, whatever comes after it
    assert written(as_tsv([first, *entries]), "tsv") == plain([first, *entries])


@pytest.mark.parametrize(
    ("name", "codes", "count"),
    [("en-ja.glossary-software", "en-ja", 365), ("en-ja.glossary-tekton", "en-ja", 161),
     ("en-es.glossary-cldr", "en-es", 2760), ("hi-gu.glossary-cldr", "hi-gu", 2918)],
)  # fmt: skip
def test_real_glossaries_are_read_whole(shared_data, name, codes, count):
    found = read_glossary(shared_data / f"{name}.tsv", name, pair(codes))
    assert (len(found.entries), found.bad_rows) == (count, ())

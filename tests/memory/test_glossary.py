"""Glossaries from CSV and TSV: what is read, what is set aside, what is refused, and where."""

import pytest

from dubash.core.errors import DataError
from dubash.core.files import sha256_file
from dubash.memory import glossary as limits
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import read_glossary
from memory.written import pair


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


def test_several_columns_of_examples_are_all_read(read):
    found = read(
        "source,target,context,example,target_context,target_examples\n"
        "file,archivo,Save the file.,Open a file.|Save the file.,,Abra un archivo.\n"
    )
    assert found.entries[0].examples == ("Save the file.", "Open a file.")
    assert found.entries[0].target_examples == ("Abra un archivo.",)


@pytest.mark.parametrize("column", ["content", "contexts", "samples", "exemple"])
def test_a_column_near_a_name_of_examples_is_just_not_read(read, column):
    found = read(f"source,target,{column}\nfile,archivo,Save the file.\n")
    assert found.entries == (TermEntry("file", ("archivo",), origin="terms.csv:2"),)


@pytest.mark.parametrize(
    "header", ["source,target", "term,translation", "en,es", "English,Spanish"]
)
def test_the_sides_go_by_several_names(read, header):
    assert read(f"{header}\nfile,archivo\n").entries[0].targets == ("archivo",)


def test_semicolons_part_a_csv_as_a_spreadsheet_of_commas_for_decimals_writes_it(read):
    found = read('source;target;note\n"file; plain";archivo, sin formato;"1,5"\n')
    assert found.entries == (
        TermEntry("file; plain", ("archivo, sin formato",), (), "1,5", origin="terms.csv:2"),
    )
    assert read("source,target\nfile; folder,archivo; carpeta\n").entries[0].targets == (
        "archivo; carpeta",
    )


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
        ("t.csv", b"source,target\nfile,archiv\xf3\n", "t.csv:2: not UTF-8 (byte 0xf3); it looks "
         "like Windows-1252. Save it as UTF-8."),
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


@pytest.mark.parametrize(
    ("name", "codes", "count"),
    [("en-ja.glossary-software", "en-ja", 365), ("en-ja.glossary-tekton", "en-ja", 161),
     ("en-es.glossary-cldr", "en-es", 2760), ("hi-gu.glossary-cldr", "hi-gu", 2918)],
)  # fmt: skip
def test_real_glossaries_are_read_whole(shared_data, name, codes, count):
    found = read_glossary(shared_data / f"{name}.tsv", name, pair(codes))
    assert (len(found.entries), found.bad_rows) == (count, ())

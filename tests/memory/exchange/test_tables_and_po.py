"""TSV, CSV, JSON Lines and PO: read as data is, written so that they are read again."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.data.rows import BadRow
from dubash.memory.exchange.files import format_of, read_units, write_units
from memory.units_made import units
from memory.written import pair

PAIR = pair("en-es")

PO = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: es_MX\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#. in a menu
#: src/menu.c:12
msgctxt "verb"
msgid "Open"
msgstr "Abrir"

#, fuzzy
msgid "Close"
msgstr "Cerca"

#, c-format
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d archivo"
msgstr[1] "%d archivos"

msgid "Save"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Ido"
"""


def test_po_is_read_with_contexts_plurals_and_what_is_not_done(tmp_path):
    (tmp_path / "es.po").write_text(PO, encoding="utf-8")
    found = list(read_units(tmp_path / "es.po", "es.po", PAIR))
    good = [each for each in found if not isinstance(each, BadRow)]
    assert [(each.source, each.target) for each in good] == [
        ("Open", "Abrir"), ("%d file", "%d archivo"), ("%d files", "%d archivos"),
    ]  # fmt: skip
    assert good[0].facts == (("context", "verb"), ("note", "in a menu"))
    assert (good[0].document, good[0].target_language) == ("src/menu.c", "es_MX")
    bad = [each.reason for each in found if isinstance(each, BadRow)]
    assert bad == ["fuzzy: not yet confirmed", "empty target"]


def test_po_of_another_language_is_refused(tmp_path):
    (tmp_path / "es.po").write_text(PO, encoding="utf-8")
    with pytest.raises(DataError, match="its header says Language: es_MX"):
        list(read_units(tmp_path / "es.po", "es.po", pair("en-ja")))


@settings(max_examples=150)
@given(st.lists(units(), min_size=1, max_size=5))
def test_json_lines_hold_all_that_is_known(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("jsonl") / "memory.jsonl"
    write_units(path, made, PAIR)
    assert [replace(each, origin="") for each in read_units(path, path.name, PAIR)] == made


@pytest.mark.parametrize("kind", ["tsv", "csv", "po"])
@settings(max_examples=100)
@given(st.data())
def test_tables_and_po_hold_the_texts(tmp_path_factory, kind, data):
    made = data.draw(st.lists(units(), min_size=1, max_size=5))
    path = tmp_path_factory.mktemp(kind) / f"memory.{kind}"
    write_units(path, made, PAIR)
    found = list(read_units(path, path.name, PAIR))
    assert len(found) == len(made)
    if kind != "po":  # whose texts hold the tags' native codes
        assert [(each.source, each.target, each.document) for each in found] == [
            (each.source, each.target, each.document) for each in made
        ]
    write_units(path.with_name(f"again.{kind}"), found, PAIR)
    again = list(read_units(path.with_name(f"again.{kind}"), path.name, PAIR))
    assert [(each.source, each.target) for each in again] == [
        (each.source, each.target) for each in found
    ]


@settings(max_examples=20)
@given(st.lists(units(), min_size=1, max_size=5))
def test_gettext_takes_the_po_that_is_written(tmp_path_factory, made):
    if shutil.which("msgfmt") is None:
        pytest.skip("gettext is not here")
    path = tmp_path_factory.mktemp("po") / "memory.po"
    write_units(path, made, PAIR)
    told = ["msgfmt", "--check-format", "-o", str(path.with_suffix(".mo")), str(path)]
    done = subprocess.run(told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.TMX", "tmx"), ("a.xlf", "xliff"), ("a.po", "po"), ("a.jsonl", "jsonl"), ("a.csv", "csv")],
)
def test_the_ending_says_the_format(name, kind):
    assert format_of(name) == kind


def test_an_ending_that_says_nothing_is_asked_about(tmp_path):
    with pytest.raises(DataError, match=r"the ending '\.docx' does not say"):
        read_units(tmp_path / "a.docx", "a.docx", PAIR)

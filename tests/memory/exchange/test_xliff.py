"""XLIFF 1.2 and 2: what translators' tools write, and what dubash writes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.data.rows import BadRow
from dubash.memory.exchange.files import read_units, write_units
from dubash.memory.tm.unit import Tag
from memory.units_made import units
from memory.written import pair

WEBLATE = """<?xml version="1.0" encoding="UTF-8"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2">
  <file original="app" source-language="en" datatype="plaintext" target-language="es">
    <body>
      <trans-unit id="1" resname="menu.open" approved="yes">
        <source>Open <g id="1">this</g> <x id="2"/>file</source>
        <target state="final">Abrir <g id="1">este</g> archivo<x id="2"/></target>
        <note from="developer">in a menu</note>
        <alt-trans><source>Open</source><target>Abre</target></alt-trans>
      </trans-unit>
      <trans-unit id="2"><source>Close</source><target state="needs-translation"/></trans-unit>
    </body>
  </file>
</xliff>
"""

VERSION_2 = """<?xml version="1.0"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en" trgLang="es">
  <file id="help.md">
    <unit id="u1">
      <notes><note category="context">a heading</note></notes>
      <originalData>
        <data id="d1">**</data><data id="d2">**</data><data id="d3">`</data>
      </originalData>
      <segment id="s1" state="final">
        <source><pc id="1"
          dataRefStart="d1" dataRefEnd="d2">Files</pc> and <ph id="2" dataRef="d3"/></source>
        <target><pc id="1"
          dataRefStart="d1" dataRefEnd="d2">Archivos</pc> y <ph id="2" dataRef="d3"/></target>
      </segment>
      <ignorable><source> </source></ignorable>
      <segment id="s2"><source>Tab <cp hex="0009"/>stop</source><target>Tabulador</target></segment>
    </unit>
  </file>
</xliff>
"""


def read(tmp_path, content, codes="en-es"):
    path = tmp_path / "a.xlf"
    path.write_text(content, encoding="utf-8")
    return list(read_units(path, "a.xlf", pair(codes)))


def test_version_1_is_read_with_its_tags_notes_and_states(tmp_path):
    one, empty = read(tmp_path, WEBLATE)
    assert (one.source, one.target) == ("Open this file", "Abrir este archivo")
    assert one.source_content == (
        "Open ", Tag("open", "g", "", (("id", "1"),)), "this", Tag("close", "g"), " ",
        Tag("alone", "x", "", (("id", "2"),)), "file",
    )  # fmt: skip
    assert one.document == "app"
    assert dict(one.facts) == {
        "id": "1", "resname": "menu.open", "approved": "yes", "note": "in a menu", "state": "final",
    }  # fmt: skip
    assert isinstance(empty, BadRow)
    assert empty.reason == "not translated yet (needs-translation)"


def test_version_2_is_read_with_the_codes_that_its_tags_refer_to(tmp_path):
    one, two = read(tmp_path, VERSION_2)
    assert (one.source, one.target) == ("Files and", "Archivos y")
    assert [each.code for each in one.source_content if isinstance(each, Tag)] == ["**", "**", "`"]
    assert (one.document, dict(one.facts)["segment"], dict(one.facts)["state"]) == (
        "help.md", "s1", "final",
    )  # fmt: skip
    assert two.source == "Tab stop"


def test_a_file_in_other_languages_is_said(tmp_path):
    with pytest.raises(DataError, match=r"no segment in 'hi'; its languages: en, es"):
        read(tmp_path, WEBLATE, "hi-gu")


@pytest.mark.parametrize("kind", ["xliff", "xliff2"])
@settings(max_examples=250)
@given(st.data())
def test_what_is_written_is_read_again(tmp_path_factory, kind, data):
    made = data.draw(st.lists(units(), min_size=1, max_size=5))
    first = made[0]
    made = [  # a file of version 2 is in one pair
        replace(
            each, source_language=first.source_language, target_language=first.target_language
        )
        for each in made
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp(kind)
    write_units(folder / "one.xlf", made, pair("en-es"), kind)
    once = list(read_units(folder / "one.xlf", "one.xlf", pair("en-es")))
    assert [(each.source, each.target) for each in once] == [
        (each.source, each.target) for each in made
    ]
    assert [(each.document, each.previous, each.following, each.created, each.creator)
            for each in once] == [
        (each.document, each.previous, each.following, each.created, each.creator) for each in made
    ]  # fmt: skip
    write_units(folder / "two.xlf", once, pair("en-es"), kind)
    twice = list(read_units(folder / "two.xlf", "two.xlf", pair("en-es")))
    # what TMX's tags are in XLIFF is settled by the first writing; from then on nothing moves
    assert [replace(each, origin="") for each in twice] == [
        replace(each, origin="") for each in once
    ]

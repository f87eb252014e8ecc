"""Translation memories from and to TMX: what other tools write, and what dubash writes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.data.rows import BadRow
from dubash.memory.exchange.files import read_units, write_units
from dubash.memory.tm.unit import Tag, TranslationUnit
from memory.units_made import units
from memory.written import pair

OMEGAT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4">
  <header creationtool="OmegaT" o-tmf="OmegaT TMX" adminlang="EN-US" datatype="plaintext"
    creationtoolversion="6.0" segtype="sentence" srclang="EN-US"/>
  <body>
<!-- Default translations -->
    <tu>
      <tuv xml:lang="EN-US">
        <seg>Click <bpt i="0" x="0">&lt;b&gt;</bpt>Open<ept i="0">&lt;/b&gt;</ept>.</seg>
      </tuv>
      <tuv xml:lang="ES-MX" changeid="ana" changedate="20240131T101112Z" creationid="luis"
        creationdate="20230101T000000Z">
        <seg>Haz clic en <bpt i="0" x="0">&lt;b&gt;</bpt>Abrir<ept i="0">&lt;/b&gt;</ept>.</seg>
      </tuv>
    </tu>
<!-- Alternative translations -->
    <tu>
      <prop type="file">ui/menu.html</prop>
      <prop type="prev">File</prop>
      <prop type="next">Close</prop>
      <note>in a menu</note>
      <tuv xml:lang="EN-US"><seg>Open</seg></tuv>
      <tuv xml:lang="ES-MX"><seg>Abrir</seg></tuv>
      <tuv xml:lang="FR"><seg>Ouvrir</seg></tuv>
    </tu>
    <tu><tuv xml:lang="EN-US"><seg>Save</seg></tuv><tuv xml:lang="ES-MX"><seg/></tuv></tu>
  </body>
</tmx>
"""


def read(tmp_path, content, codes="en-es", name="memory.tmx"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return list(read_units(path, name, pair(codes)))


def test_omegats_memory_is_read_with_its_tags_dates_and_neighbours(tmp_path):
    tagged, menu, empty = read(tmp_path, OMEGAT)
    assert (tagged.source, tagged.target) == ("Click Open.", "Haz clic en Abrir.")
    assert tagged.source_content == (
        "Click ", Tag("open", "bpt", "<b>", (("i", "0"), ("x", "0"))), "Open",
        Tag("close", "ept", "</b>", (("i", "0"),)), ".",
    )  # fmt: skip
    assert (tagged.created, tagged.changed) == ("2023-01-01T00:00:00Z", "2024-01-31T10:11:12Z")
    assert (tagged.creator, tagged.target_language) == ("ana", "ES-MX")
    assert (menu.document, menu.previous, menu.following) == ("ui/menu.html", "File", "Close")
    assert menu.facts == (("note", "in a menu"),)
    assert menu.source_content == ()
    assert isinstance(empty, BadRow)
    assert empty.reason == "empty target"


def test_a_pair_that_the_file_has_not_is_said_with_those_it_has(tmp_path):
    with pytest.raises(DataError, match=r"no segment in 'ja'; its languages: EN-US, ES-MX, FR"):
        read(tmp_path, OMEGAT, "en-ja")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (OMEGAT.replace("</tu>", "</tuv>", 1), r"memory\.tmx:16: not well-formed XML"),
        ("<html/>", r"the root is <html>, not <tmx>.*TMX"),
        ('<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx>&a;</tmx>', "DOCTYPE"),
    ],
)
def test_what_is_no_tmx_is_refused_with_its_line(tmp_path, content, told):
    with pytest.raises(DataError, match=told) as caught:
        read(tmp_path, content)
    assert (
        "TMX" in str(caught.value) or "XML" in str(caught.value) or "DOCTYPE" in str(caught.value)
    )


def without_origin(found):
    return [replace(each, origin="") for each in found]


@settings(max_examples=250)
@given(st.lists(units(), min_size=1, max_size=5))
def test_what_is_written_is_read_again(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("tmx")
    write_units(folder / "one.tmx", made, pair("en-es"))
    first = list(read_units(folder / "one.tmx", "one.tmx", pair("en-es")))
    assert all(isinstance(each, TranslationUnit) for each in first)
    assert without_origin(first) == made
    write_units(folder / "two.tmx", first, pair("en-es"))
    assert (folder / "one.tmx").read_bytes() == (folder / "two.tmx").read_bytes()

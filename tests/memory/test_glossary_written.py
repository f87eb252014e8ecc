"""What holds for every glossary: what is written is read back."""

import tempfile
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dubash.data.normalise import normalise
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import read_glossary
from memory.written import as_csv, as_tbx, as_tsv, pair, plain

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

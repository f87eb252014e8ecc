"""The dev row that is shown: one that fits a line, and nothing in it that drives a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dubash.train.sample import Sample, pick, safe_line


@given(st.text(st.characters() | st.sampled_from("\x1b\n\u202e\u200d\x9b\x07")))
def test_no_text_drives_a_terminal(text):
    kept = {unicodedata.category(each) for each in safe_line(text) if each not in "\u200c\u200d"}
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & kept


def test_joiners_stay_where_a_word_is_written_with_them():
    assert safe_line("क्\u200dष  और\tन") == "क्\u200dष और न"


def test_the_row_shown_is_of_a_readable_length():
    sources = ["Yes.", "Where is the well of this old village?", "word " * 100]
    assert pick(sources) == 1
    assert pick(sources[:1]) == 0


def test_each_text_has_its_name():
    names = [name for name, _ in Sample("a", "b\nc", "d").lines()]
    assert names == ["source", "hypothesis", "reference"]

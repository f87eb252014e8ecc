"""A line for a terminal: whatever the text is, nothing in it drives one."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dubash.core.terminal import safe_line


@given(st.text(st.characters() | st.sampled_from("\x1b\n\u202e\u200d\x9b\x07")))
def test_no_text_drives_a_terminal(text):
    kept = {unicodedata.category(each) for each in safe_line(text) if each not in "\u200c\u200d"}
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & kept


def test_joiners_stay_where_a_word_is_written_with_them():
    assert safe_line("क्\u200dष  और\tन") == "क्\u200dष और न"


@given(st.text(), st.integers(1, 40))
def test_a_line_is_cut_to_so_many_characters(text, most):
    whole, cut = safe_line(text), safe_line(text, most)
    assert len(cut) <= most
    assert cut == whole or (cut[-1] == "…" and whole.startswith(cut[:-1]))

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.data.normalise import key, normalise, normalise_lines


def test_text_is_composed_and_its_white_space_folded():
    assert normalise("  cafe\u0301\u00a0 con\t\nleche ") == "caf\u00e9 con leche"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_joiners_are_kept_in_text_and_dropped_in_keys(joiner):
    word = f"क्{joiner}ष"
    assert normalise(word) == word
    assert key(word) == key("क्ष")


def test_lines_of_an_instruction_stay():
    assert normalise_lines("\ufeffa:\r\n    b\r\n") == "a:\n    b"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("¿Qué tal?", "qué tal"),
        ("Don’t go", "dont GO!"),
        ("well-known", "Well known"),
        ("行け。", "行け!"),
        ("क्या हाल है।", "क्या हाल है ?"),
        ("Ｈｅｌｌｏ", "hello"),
        ("straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("can´t", "can't"),
    ],
)
def test_what_differs_in_looks_shares_a_key(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("como", "cómo"), ("1.50", "150"), ("5 €", "5 $"), ("…", "?!"), ("now here", "nowhere")],
)
def test_what_differs_in_meaning_does_not(one, other):
    assert key(one) != key(other)


@given(st.text())
def test_a_key_is_its_own_key_and_empty_only_for_blank_text(text):
    if text.strip():
        assert key(text)
    tidy = normalise(text)
    assert normalise(tidy) == tidy
    assert unicodedata.is_normalized("NFC", tidy)


@given(st.text(alphabet="abcçñéßÉΣςабвйकखािંગુજ့ぁァ行 .,!?¿-'’\u200d", min_size=1))
def test_case_and_composition_never_change_a_key(text):
    for disguised in (text.upper(), text.lower(), unicodedata.normalize("NFD", text)):
        assert key(disguised) == key(text)
    assert key(key(text)) == key(text)

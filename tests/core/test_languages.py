"""What is known of a language: name, scripts, BLEU's tokenizer."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from dubash.core.errors import RecipeError
from dubash.core.languages import LANGUAGES, language, script_of, script_share


def test_a_code_gives_a_language():
    assert language("hi").name == "Hindi"
    assert language("hi").scripts == ("DEVANAGARI",)
    assert language("pt-BR") == language("pt_br") == language("PT") == language("pt")


@pytest.mark.parametrize("code", ["xx", "", "english", "-", "e n"])
def test_an_unknown_code_is_refused_with_a_way_out(code):
    with pytest.raises(RecipeError, match=r"unknown language code .*name: …, script: …"):
        language(code)


def test_scripts_are_as_unicode_calls_them():
    named = {script_of(chr(code)) for code in range(0x20, 0x30000)}
    for each in LANGUAGES.values():
        assert set(each.scripts) <= named, each


def test_codes_and_names_stand_for_one_language():
    assert all(code == each.code for code, each in LANGUAGES.items())
    assert (
        len({each.name for each in LANGUAGES.values()}) >= len(LANGUAGES) - 2
    )  # nb and no, fil and tl


def test_bleu_knows_every_tokenizer():
    assert {each.bleu for each in LANGUAGES.values()} <= BLEU.TOKENIZERS


def test_direction():
    rightward = {code for code, each in LANGUAGES.items() if each.right_to_left}
    assert {"ar", "fa", "he", "ur", "ps", "sd", "ug", "yi", "ks"} == rightward


@pytest.mark.parametrize(
    ("text", "code", "share"),
    [
        ("Guten Morgen, 3 Äpfel!", "de", 1.0),
        ("शुभ प्रभात", "hi", 1.0),
        ("શુભ સવાર", "gu", 1.0),
        ("શુભ સવાર", "hi", 0.0),
        ("おはよう、カタカナと漢字", "ja", 1.0),
        ("ｱｲｳ ＡＢＣ", "ja", 0.5),
        ("ok ठीक", "hi", 0.5),
        ("12:30 – …", "en", None),
        ("", "en", None),
    ],
)
def test_share_of_letters_in_the_script(text, code, share):
    assert script_share(text, language(code).scripts) == share


@given(st.text(), st.sampled_from(sorted(LANGUAGES)))
def test_a_share_is_a_share(text, code):
    share = script_share(text, language(code).scripts)
    letters = [each for each in text if unicodedata.category(each).startswith("L")]
    assert (share is None) == (not letters)
    assert share is None or 0 <= share <= 1

"""The source itself as a translation."""

from hypothesis import given
from hypothesis import strategies as st

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.evaluate.copying import BLOCKS, copied, in_script


def pair(source: str, target: str) -> LanguagePair:
    return LanguagePair(language(source), language(target))


def test_hindi_in_gujarati_and_in_kannada_letters():
    assert in_script("नमस्ते, भारत! 12", pair("hi", "gu")) == "નમસ્તે, ભારત! 12"
    assert in_script("भारत", pair("hi", "kn")) == "ಭಾರತ"


def test_a_danda_and_a_letter_without_a_fellow_stay():
    assert in_script("क।", pair("hi", "gu")) == "ક।"
    assert in_script("ऄ", pair("hi", "gu")) == "ऄ"  # U+0A84 is no letter


def test_other_scripts_are_copied_as_they_are():
    for codes in (("en", "es"), ("hi", "mr"), ("en", "hi"), ("hi", "en")):
        assert in_script("Hello नमस्ते", pair(*codes)) == "Hello नमस्ते"


def test_the_system_has_the_rows_sources_and_was_not_measured():
    rows = [Pair("नमस्ते", "નમસ્તે"), Pair("घर", "ઘર")]
    found = copied(rows, pair("hi", "gu"))
    assert [each.text for each in found.hypotheses] == ["નમસ્તે", "ઘર"]
    assert (found.name, found.label) == ("copy", "the source itself in the target's script")
    assert list(found.sources) == ["नमस्ते", "घर"]
    assert not found.measured
    assert copied([Pair("Hi", "Hola")], pair("en", "es")).label == "the source itself"


letters = st.sampled_from([chr(start + at) for start in BLOCKS.values() for at in range(0x80)])


@given(st.text(letters | st.characters(codec="utf-8")))
def test_a_text_keeps_its_length_and_what_is_not_of_the_sources_script(text):
    moved = in_script(text, pair("hi", "gu"))
    assert len(moved) == len(text)
    for before, after in zip(text, moved, strict=True):
        if not 0x0900 <= ord(before) < 0x0980:
            assert after == before

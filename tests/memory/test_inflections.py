"""The stated rules, language by language: what is a form of a word, and what is not."""

import pytest

from dubash.memory.inflections import INFLECTIONS, forms
from dubash.memory.units import fold


def are_forms(word: str, others: str, code: str, agreement: bool = False) -> set[str]:
    found = forms(fold(word, code), code)
    wanted = {fold(each, code) for each in others.split()}
    return {each for each in wanted if each not in found or (found[each] and not agreement)}


@pytest.mark.parametrize(
    ("code", "word", "others"),
    [
        ("en", "file", "files"),
        ("en", "box", "boxes"),
        ("en", "query", "queries"),
        ("en", "key", "keys"),
        ("en", "potato", "potatoes potatos"),
        ("en", "woman", "women"),
        ("en", "child", "children"),
        ("en", "mouse", "mice"),
        ("es", "archivo", "archivos"),
        ("es", "red", "redes"),
        ("es", "bit", "bits"),
        ("es", "canción", "canciones"),
        ("es", "inglés", "ingleses"),
        ("es", "luz", "luces"),
        ("es", "menú", "menús"),
        ("hi", "लड़का", "लड़के लड़कों"),
        ("hi", "भाषा", "भाषाएँ भाषाएं भाषाओं"),
        ("hi", "रोटी", "रोटियाँ रोटियां रोटियों"),
        ("hi", "स्थिति", "स्थितियाँ स्थितियों"),
        ("hi", "मेज़", "मेज़ें मेज़ों"),
        ("hi", "चिड़िया", "चिड़ियाँ चिड़ियों"),
        ("hi", "वस्तु", "वस्तुएँ वस्तुओं"),
        ("hi", "हिन्दू", "हिन्दुओं"),
        ("hi", "कुआँ", "कुएँ कुओं"),
        ("hi", "लड़ाई", "लड़ाइयाँ लड़ाइयों"),
        ("gu", "છોકરો", "છોકરા છોકરાઓ છોકરાને છોકરાએ છોકરાઓએ"),
        ("gu", "ઘર", "ઘરો ઘરમાં ઘરથી ઘરનું ઘરે ઘરમાંથી ઘરોમાં"),
        ("gu", "ભાષા", "ભાષાઓ ભાષાને ભાષાઓમાં"),
        ("gu", "બાટલી", "બાટલીઓ બાટલીમાં"),
        ("gu", "કારખાનું", "કારખાનાં કારખાનામાં"),
        ("kn", "ಮರ", "ಮರವು ಮರವನ್ನು ಮರದ ಮರದಲ್ಲಿ ಮರದಿಂದ ಮರಕ್ಕೆ ಮರಗಳು ಮರಗಳನ್ನು"),
        ("kn", "ಊರು", "ಊರನ್ನು ಊರಿನ ಊರಿನಲ್ಲಿ ಊರಿಗೆ ಊರಿನಿಂದ ಊರುಗಳು"),
        ("kn", "ಕವಿ", "ಕವಿಯು ಕವಿಯನ್ನು ಕವಿಯಿಂದ ಕವಿಗೆ ಕವಿಯಲ್ಲಿ ಕವಿಗಳು"),
        ("kn", "ಮಹಿಳೆ", "ಮಹಿಳೆಯ ಮಹಿಳೆಯರು ಮಹಿಳೆಯರಿಗೆ"),
        ("kn", "ಫೈಲ್", "ಫೈಲ್ಗಳು ಫೈಲ್ನಲ್ಲಿ ಫೈಲನ್ನು ಫೈಲಿನ"),
    ],
)
def test_forms_of_number_and_case(code, word, others):
    assert are_forms(word, others, code) == set()


@pytest.mark.parametrize(
    ("code", "word", "others"),
    [
        ("es", "electrónico", "electrónica electrónicas electrónicos"),
        ("es", "alemán", "alemana alemanas"),
        ("hi", "पुराना", "पुराने पुरानी"),
        ("gu", "જૂનો", "જૂની જૂનું જૂના"),
    ],
)
def test_forms_of_gender_are_for_terms_of_several_words_and_adjectives(code, word, others):
    assert are_forms(word, others, code, agreement=True) == set()
    assert are_forms(word, others, code) != set()


@pytest.mark.parametrize(
    ("code", "word"),
    [("en", "us"), ("en", "v2"), ("es", "a"), ("es", "lunes"), ("hi", "के"), ("kn", "ಪೈ"),
     ("gu", "તે"), ("ja", "犬"), ("de", "haus"), ("xx", "word")],
)  # fmt: skip
def test_short_words_numbers_and_other_languages_have_no_forms_on_their_own(code, word):
    assert all(forms(fold(word, code), code).values())


@pytest.mark.parametrize(("code", "word"), [("en", "v2"), ("ja", "犬"), ("de", "haus")])
def test_numbers_and_other_languages_have_none_at_all(code, word):
    assert forms(word, code) == {}


@pytest.mark.parametrize("code", INFLECTIONS)
def test_no_form_is_shorter_than_half_of_its_word(code):
    words = {"en": "woman", "es": "canción", "hi": "चिड़िया", "gu": "કારખાનું", "kn": "ಊರು"}
    word = fold(words[code], code)
    assert all(len(form) >= len(word) / 2 for form in forms(word, code))
    assert word not in forms(word, code)


def test_words_that_only_look_like_a_form_are_none():
    assert "caso" not in [form for form, agrees in forms("casa", "es").items() if not agrees]
    assert "puerta" not in [form for form, agrees in forms("puerto", "es").items() if not agrees]
    assert "लड़की" not in [form for form, agrees in forms("लड़का", "hi").items() if not agrees]
    assert fold("ನಾನು", "kn") not in forms(fold("ನಾನ್", "kn"), "kn")  # "naan" is not "I"

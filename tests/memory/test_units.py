"""Text as the units in which terms are looked for, and what is held to be the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.memory.units import Gap, fold, tidy, units


def cut(text: str, code: str) -> list[str]:
    return [each.key for each in units(tidy(text, code), code)]


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("The user's add-on, v2.0", "en", ["the", "user", "s", "add", "on", "v2", "0"]),
        ("You can't; we'll", "en", ["you", "can't", "we'll"]),
        ("l'hôtel", "fr", ["l", "hôtel"]),
        ("C++ and C#, R&D", "en", ["c", "+", "+", "and", "c", "#", "r", "&", "d"]),
        ("file_name Windows® 10™", "en", ["file_name", "windows", "10"]),
        ("नौकरी और क्षमा।", "hi", ["नौकरी", "और", "क्षमा"]),
        ("ગુજરાતી ભાષા", "gu", ["ગુજરાતી", "ભાષા"]),
        ("ಕನ್ನಡ ಭಾಷೆ", "kn", ["ಕನ್ನಡ", "ಭಾಷೆ"]),
        ("サーバのURL", "ja", ["サ", "ー", "バ", "の", "url"]),
        ("9月の会議", "ja", ["9", "月", "の", "会", "議"]),
        ("ที่นี่", "th", ["ที่", "นี่"]),
        ("Ｕ Ｒ Ｌ ｶﾞ", "ja", ["u", "r", "l", "ガ"]),
        ("… ;", "en", []),
    ],
)
def test_words_where_the_script_has_them_characters_where_not(text, code, expected):
    assert cut(text, code) == expected


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("Straße", "STRASSE", "de"),
        ("हिन्दी", "हिंदी", "hi"),
        ("हँसी", "हंसी", "hi"),
        ("अंग्रेज़ी", "अंग्रेजी", "hi"),
        ("क्\u200dष", "क्ष", "hi"),
        ("અન્દર", "અંદર", "gu"),
        ("ડૉક્ટર", "ડોક્ટર", "gu"),
        ("ಹಿನ್ದಿ", "ಹಿಂದಿ", "kn"),
        ("ಫೈಲ್\u200cಗಳು", "ಫೈಲ್ಗಳು", "kn"),
        ("サーバー", "サーバ", "ja"),
        ("ｻｰﾊﾞｰ", "サーバ", "ja"),
        ("コンピューター・ゲーム", "コンピュータ・ゲーム", "ja"),
    ],
)
def test_spellings_that_say_the_same_are_the_same(one, other, code):
    assert cut(one, code) == cut(other, code)


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ("análisis", "analisis", "es"),
        ("लड़का", "लडका", "hi"),
        ("बॉल", "बोल", "hi"),
        ("ಅನ್ನು", "ಅಂನು", "kn"),
        ("スキー", "スキ", "ja"),
        ("हिन्दी", "हिंदी", "mr"),
    ],
)
def test_spellings_that_say_something_else_stay_apart(one, other, code):
    assert cut(one, code) != cut(other, code)


def test_what_stands_between_units_is_kept():
    gaps = [each.gap for each in units(tidy("add-on, ok (so) コ・ラ", "ja"), "ja")]
    assert gaps == [
        Gap.HARD, Gap.SOFT, Gap.HARD, Gap.HARD, Gap.HARD, Gap.SOFT,
    ]  # fmt: skip


@given(st.text(), st.sampled_from(["en", "es", "hi", "gu", "kn", "ja", "th", "xx"]))
def test_units_stand_in_order_and_hold_every_letter_and_digit(text, code):
    plain = tidy(text, code)
    found = units(plain, code)
    at = 0
    for each in found:
        assert at <= each.start < each.end
        assert fold(plain[each.start : each.end], code) == each.key
        assert not any(letter.isalnum() for letter in plain[at : each.start])
        at = each.end
    assert not any(letter.isalnum() for letter in plain[at:])

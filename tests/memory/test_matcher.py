"""Phrases in text: the longest first, none over another, whole words, tolerance with limits."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.memory.matcher import Matcher, Phrase
from dubash.memory.units import tidy


def found(phrases: list[str], text: str, code: str, adjective: bool = False) -> list[str]:
    """What stands in the text, each with the phrase that it is."""
    matcher = Matcher([Phrase(each, adjective) for each in phrases], code)
    return [
        f"{each.text}={phrases[(each.exact or each.phrases)[0]]}" for each in matcher.find(text)
    ]


@pytest.mark.parametrize(
    ("code", "phrases", "text", "expected"),
    [
        ("en", ["card", "credit card"], "Credit cards, card",
         ["Credit cards=credit card", "card=card"]),
        ("en", ["art"], "Start the cart: art.", ["art=art"]),
        ("en", ["user"], "the user's users'", ["user=user", "users=user"]),
        ("en", ["add-on"], "add on, Add-ons; add, on", ["add on=add-on", "Add-ons=add-on"]),
        ("en", ["U.S.", "us"], "us in the U.S. too", ["us=us", "U.S=U.S."]),
        ("en", ["can"], "You can't. A can.", ["can=can"]),
        ("en", ["C++", "C"], "C++ or C", ["C++=C++", "C=C"]),
        ("es", ["firma digital"], "las firmas digitales", ["firmas digitales=firma digital"]),
        ("es", ["base alta"], "las bases altas", ["bases altas=base alta"]),
        ("es", ["base de datos"], "la base, de datos", []),
        ("hi", ["भाषा"], "दो भाषाओं में", ["भाषाओं=भाषा"]),
        ("hi", ["पुराना शहर"], "पुराने शहरों में", ["पुराने शहरों=पुराना शहर"]),
        ("hi", ["कर"], "करना और कर", ["कर=कर"]),
        ("gu", ["ઘર"], "ઘરમાંથી, ઘરેણું", ["ઘરમાંથી=ઘર"]),
        ("kn", ["ಮರ"], "ಮರದಿಂದ ಮರಳು", ["ಮರದಿಂದ=ಮರ"]),
        ("ja", ["サーバ"], "新しいサーバーのログ", ["サーバ=サーバ"]),
        ("ja", ["データ・ベース"], "データベース", ["データベース=データ・ベース"]),
        ("ja", ["URL"], "このURLとURLs", ["URL=URL"]),
        ("th", ["ปลา"], "กินปลาแล้ว", ["ปลา=ปลา"]),
        ("xx", ["word"], "Word words", ["Word=word"]),
    ],
)  # fmt: skip
def test_what_is_found(code, phrases, text, expected):
    assert found(phrases, text, code) == [tidy(each, code) for each in expected]


@pytest.mark.parametrize(
    ("code", "phrase", "inside"),
    [
        ("ja", "ログ", "ブログとプログラム"),
        ("ja", "タイ", "タイトル"),
        ("ja", "なると", "そうなると"),
        ("ja", "2時", "2時間"),
        ("ja", "分", "分かる"),
        ("ja", "目", "目立つ"),
        ("ja", "日", "日本"),
        ("zh", "人", "人民"),
        ("en", "IT", "Put it there"),
        ("en", "US", "tell us"),
        ("es", "puerto", "la puerta"),
        ("es", "caso", "la casa"),
    ],
)
def test_short_phrases_are_not_found_in_everything(code, phrase, inside):
    assert found([phrase], inside, code) == []
    assert found([phrase], f"{phrase}。", code) == [f"{phrase}={phrase}"]


def test_one_han_character_is_found_before_a_particle():
    assert found(["目"], "彼の目を見る。目も", "ja") == ["目=目", "目=目"]


def test_an_acronym_is_found_in_capitals_and_in_the_plural():
    assert found(["API"], "two APIs, an api", "en") == ["APIs=API"]


def test_an_adjective_agrees_though_it_is_one_word():
    assert found(["rojo"], "la casa roja", "es") == []
    assert found(["rojo"], "la casa roja", "es", adjective=True) == ["roja=rojo"]


def test_what_is_written_as_the_phrase_goes_before_a_form_of_another():
    assert found(["address", "addresses"], "addresses", "en") == ["addresses=addresses"]
    only = Matcher([Phrase("address"), Phrase("addresses")], "en").find("addresses")[0]
    assert (only.exact, only.phrases) == ((1,), (0, 1))


def test_only_what_is_wanted_is_found_and_nothing_hides_it():
    matcher = Matcher([Phrase("credit card"), Phrase("card")], "en")
    assert [each.phrases for each in matcher.find("a credit card", lambda n: n == 1)] == [(1,)]


def test_a_phrase_without_a_letter_is_never_found():
    assert found(["…", ""], "… and so on", "en") == []


# -- what holds for every text -------------------------------------------------------------------

WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "abb"]), min_size=1, max_size=3)
PHRASES = st.lists(WORDS.map(" ".join), min_size=1, max_size=6, unique=True)
TEXTS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "abb"]), max_size=20).map(" ".join)


def everywhere(phrase: str, text: str) -> list[tuple[int, int]]:
    """Each place where the phrase stands as whole words, by looking at every one."""
    places = []
    for start in range(len(text)):
        end = start + len(phrase)
        before, after = text[start - 1 : start], text[end : end + 1]
        if text[start:end] == phrase and before in ("", " ") and after in ("", " "):
            places.append((start, end))
    return places


@given(PHRASES, TEXTS)
def test_the_longest_are_taken_first_and_none_overlaps(phrases, text):
    taken = [
        (each.start, each.end) for each in Matcher(list(map(Phrase, phrases)), "xx").find(text)
    ]
    possible = {place for phrase in phrases for place in everywhere(phrase, text)}
    assert set(taken) <= possible
    assert all(left[1] <= right[0] for left, right in pairwise(taken))
    for start, end in possible - set(taken):
        over = [place for place in taken if place[0] < end and start < place[1]]
        assert max(place[1] - place[0] for place in over) >= end - start


@given(st.text(alphabet="aकख़ािં્é-' ", max_size=30), st.sampled_from(["hi", "gu", "ja", "fr"]))
def test_a_word_is_never_cut(text, code):
    """What is found begins and ends where no letter or mark of a spaced script goes on."""
    matcher = Matcher([Phrase("aक"), Phrase("é"), Phrase("क")], code)
    plain = tidy(text, code)
    spaced = set("aकख़ािં્é")
    for each in matcher.find(text):
        if plain[each.start] in spaced:
            assert each.start == 0 or plain[each.start - 1] not in spaced
        if plain[each.end - 1] in spaced:
            assert each.end == len(plain) or plain[each.end] not in spaced

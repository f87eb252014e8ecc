from hypothesis import given
from hypothesis import strategies as st

from dubash.core.types import Pair
from dubash.data.dedup import remove_duplicates
from dubash.data.normalise import key
from dubash.data.similarity import NearIndex, count_grams, grams, jaccard

LETTERS = st.text(alphabet="ab c", max_size=14)


def test_grams_and_their_similarity():
    assert grams("abcdef") == {"abcde", "bcdef"}
    assert grams("go") == {"go"}
    assert grams("") == set()
    assert jaccard(grams("abcdefghi"), grams("abcdefghij")) == 5 / 6


@given(
    st.lists(st.text(alphabet="ab ", min_size=1, max_size=20), max_size=20),
    st.lists(st.text(alphabet="ab ", min_size=1, max_size=20), max_size=20),
    st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]),
)
def test_the_index_finds_just_what_comparing_all_finds(held, asked, threshold):
    sets = [grams(text) for text in held]
    index = NearIndex(count_grams(sets), threshold)
    for members in sets:
        index.add(index.ranked(members))
    for text in asked:
        wanted = [(i, jaccard(each, grams(text))) for i, each in enumerate(sets)]
        found = list(index.near(index.ranked(grams(text))))
        assert found == [(i, similarity) for i, similarity in wanted if similarity >= threshold]


def test_of_duplicates_the_better_spelling_stays():
    rows = [
        Pair("HELLO THERE", "hola", "", "a:1"),
        Pair("Hello there", "Hola", "", "a:2"),
        Pair("Hello there.", "Hola.", "", "a:3"),
        Pair("Hello there.", "Buenas.", "", "a:4"),
    ]
    kept, gone = remove_duplicates(rows, 0.8)
    assert kept == rows[2:]
    assert [(each.row.origin, each.reason, each.detail) for each in gone] == [
        ("a:1", "duplicate", "of a:3"),
        ("a:2", "duplicate", "of a:3"),
    ]


def test_a_near_duplicate_is_near_on_both_sides():
    long = "The train to the harbour leaves at nine from platform two"
    rows = [
        Pair(long, "El tren al puerto sale a las nueve del andén dos", "", "a:1"),
        Pair(long + " today", "El tren al puerto sale a las nueve del andén dos hoy", "", "a:2"),
        Pair(long + " now", "Hay que salir ya mismo hacia el muelle", "", "a:3"),
    ]
    kept, gone = remove_duplicates(rows, 0.8)
    assert [row.origin for row in kept] == ["a:2", "a:3"]
    assert [(each.row.origin, each.reason) for each in gone] == [("a:1", "near-duplicate")]


@given(st.lists(st.tuples(LETTERS, LETTERS), max_size=25), st.randoms())
def test_what_stays_covers_what_goes_whatever_the_order(sides, random):
    rows = [Pair(source, target, "", f"a:{i}") for i, (source, target) in enumerate(sides)]
    kept, gone = remove_duplicates(rows, 0.8)

    def near(one: str, other: str) -> bool:
        alike = jaccard(grams(key(one)), grams(key(other)))
        return key(one) == key(other) or alike >= 0.8

    def close(one: Pair, other: Pair) -> bool:
        return near(one.source, other.source) and near(one.target, other.target)

    assert not any(close(one, other) for i, one in enumerate(kept) for other in kept[:i])
    assert all(any(close(each.row, row) for row in kept) for each in gone)
    assert sorted(rows, key=str) == sorted(kept + [each.row for each in gone], key=str)
    shuffled = random.sample(rows, len(rows))
    texts = {(row.source, row.target) for row in kept}
    assert {(row.source, row.target) for row in remove_duplicates(shuffled, 0.8)[0]} == texts

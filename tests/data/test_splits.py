import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.core.types import Pair
from dubash.data.leaks import guard
from dubash.data.splits import cap, cut, fingerprint, groups


def _texts(rows):
    return {(row.source, row.target, row.document) for row in rows}


def test_topics_of_a_phrasebook_stay_whole(distinct_rows):
    rows = [
        Pair(row.source, row.target, f"topic {i // 48}", row.origin)
        for i, row in enumerate(distinct_rows(27 * 48))
    ]
    splits = cut(rows, dev_rows=50, test_rows=150, seed=1)
    assert [len(split) for split in splits] == [27 * 48 - 144 - 48, 48, 144]
    documents = [{row.document for row in split} for split in splits]
    assert not documents[0] & documents[1]
    assert not documents[0] & documents[2]
    assert not documents[1] & documents[2]


def test_the_same_source_or_long_target_ties_rows_and_a_short_target_does_not():
    long = "Nos vemos mañana en la estación"
    rows = [
        Pair("See you tomorrow", long),
        Pair("Until tomorrow then", long.upper() + "."),
        Pair("until tomorrow, then!", "Hasta mañana"),
        Pair("Bye until then", "Hasta mañana"),
    ]
    assert sorted(groups(rows)) == [[0, 1, 2], [3]]


row = st.builds(
    Pair,
    st.integers(0, 150).map(lambda n: f"source number {n}"),
    st.integers(0, 200).map(lambda n: f"a target that is long {n}" if n % 2 else f"short {n}"),
    st.sampled_from(["", "", "", "", "", "a", "b", "c"]),
)


@given(st.lists(row, min_size=20, max_size=60, unique=True), st.randoms(), st.integers(0, 5))
def test_a_cut_parts_nothing_that_belongs_together_and_loses_nothing(rows, random, seed):
    assume(sum(len(group) == 1 for group in groups(rows)) > 8)  # else it may be right to refuse
    splits = cut(rows, dev_rows=4, test_rows=8, seed=seed)
    assert len(splits.dev) <= 4
    assert len(splits.test) <= 8
    assert len(splits.train) >= len(rows) - 12 > 0
    assert sorted(map(str, rows)) == sorted(str(row) for split in splits for row in split)
    guard(splits, 0.8)  # raises on a leak
    again = cut(random.sample(rows, len(rows)), dev_rows=4, test_rows=8, seed=seed)
    assert [_texts(split) for split in again] == [_texts(split) for split in splits]


def test_another_seed_is_another_cut_and_rows_keep_their_order(distinct_rows):
    rows = distinct_rows(300)
    one, same, other = (cut(rows, 20, 50, seed) for seed in (1, 1, 2))
    assert one == same
    assert one.test != other.test
    places = [int(row.origin.split(":")[1]) for row in one.test]
    assert places == sorted(places)
    assert len(one.test) == 50


def test_too_few_rows_are_said_to_be_too_few(distinct_rows):
    with pytest.raises(DataError, match=r"60 rows are too few: data.test_rows \(50\) and"):
        cut(distinct_rows(60), dev_rows=10, test_rows=50, seed=1)
    with pytest.raises(DataError, match=r"too few: data.test_rows \(50\) would leave none"):
        cut(distinct_rows(50), dev_rows=0, test_rows=50, seed=1)


def test_one_document_of_everything_cannot_be_cut(distinct_rows):
    rows = [Pair(row.source, row.target, "all") for row in distinct_rows(100)]
    with pytest.raises(DataError, match="the smallest such group has 100 rows"):
        cut(rows, dev_rows=10, test_rows=20, seed=1)


def test_a_cap_draws_the_same_rows_whatever_their_order(distinct_rows):
    rows = distinct_rows(100)
    kept, rest = cap(rows, 30, seed=1)
    assert len(kept) == 30
    assert _texts(kept) | _texts(rest) == _texts(rows)
    shuffled = random.Random(1).sample(rows, 100)
    assert _texts(cap(shuffled, 30, seed=1)[0]) == _texts(kept)
    assert cap(rows, None, seed=1) == (rows, [])


def test_a_fingerprint_holds_texts_documents_and_order_but_not_origins(distinct_rows):
    rows = distinct_rows(3)
    first = fingerprint(rows)
    assert fingerprint([Pair(row.source, row.target) for row in rows]) == first
    assert fingerprint(rows[::-1]) != first
    assert fingerprint([Pair("ab", "c")]) != fingerprint([Pair("a", "bc")])

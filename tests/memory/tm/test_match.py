"""Likeness as translators count it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.memory.tm.match import EXACT, IN_CONTEXT, Query, best, fuzzy, percent
from dubash.memory.tm.unit import TranslationUnit


def unit(source, **more):
    return TranslationUnit(source, "x", "en", "es", **more)


@pytest.mark.parametrize(
    ("query", "found", "expected"),
    [
        (Query("Open", "File", "Close"), unit("Open", previous="File", following="Close"), 101),
        (Query("Open", "File", ""), unit("Open", previous="File", following="Close"), 100),
        (Query("Open"), unit("Open"), 100),
        (Query("Open the file."), unit("Open the files."), 93),  # 1 of 15 characters
        (Query("open"), unit("Open"), 75),
        (Query("abc"), unit("xyz"), 0),
        (Query("ફાઇલ ખોલો"), unit("ફાઇલ બંધ કરો"), 50),
    ],
)
def test_percentages(query, found, expected):
    assert percent(query, found) == expected


def test_two_long_texts_that_differ_in_a_letter_are_no_exact_match():
    assert fuzzy("a" * 1000 + "b", "a" * 1000 + "c") == 99


TEXT = st.text(st.sampled_from("abc d"), min_size=1, max_size=30)


@given(TEXT, TEXT, st.integers(1, 100))
def test_a_least_percentage_only_leaves_out_what_is_below_it(one, other, least):
    whole = fuzzy(one, other) if one != other else EXACT
    assert percent(Query(one), unit(other), least) == (whole if whole >= least else 0)


def test_of_equal_matches_the_newest_comes_first():
    old, new = unit("Open", changed="2020-01-01T00:00:00Z"), unit("Open", created="2024-01-01")
    found = best(Query("Open"), [(1, old), (2, new), (3, unit("Opened"))], 60, 5)
    assert [(each.number, each.percent) for each in found] == [(2, 100), (1, 100), (3, 66)]
    in_context = unit("Open", previous="File", changed="2019-01-01")
    found = best(Query("Open", "File"), [(1, old), (2, in_context)], 60, 1)
    assert [(each.number, each.percent) for each in found] == [(2, IN_CONTEXT)]

"""What a system is given in each of WMT25's modes: nothing, the row's terms, or other words."""

from pathlib import Path

import pytest

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.evaluate.term_modes import given_terms, usages_of_given
from dubash.evaluate.terminology import accuracy, statistics
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import read_glossary
from dubash.memory.terms import Terms

PAIR = LanguagePair(language("en"), language("es"))
TERMS = Terms([TermEntry("screen", ("pantalla", "monitor")), TermEntry("key", ("tecla",))], PAIR)
ROWS = [
    Pair("The green screen", "La pantalla verde"),
    Pair("A green house", "Una casa verde"),
    Pair("Press the key on the green screen", "Pulse la tecla en la pantalla verde"),
    Pair("The house has a screen", "La casa tiene una pantalla"),
]


def test_nothing_is_given_in_the_mode_none():
    assert given_terms(ROWS, TERMS, "none", 1) == [[], [], [], []]


def test_proper_terms_are_those_of_the_row_once_with_the_first_translation():
    assert given_terms(ROWS, TERMS, "proper", 1) == [
        [("screen", "pantalla")], [], [("key", "tecla"), ("screen", "pantalla")],
        [("screen", "pantalla")],
    ]  # fmt: skip


def test_random_terms_are_other_words_of_the_row_no_more_than_it_has_proper_ones():
    assert given_terms(ROWS, TERMS, "random", 1) == [
        [("green", "verde")], [], [("green", "verde")], [("house", "casa")],
    ]  # fmt: skip


def test_a_system_is_scored_on_what_was_given_row_by_row():
    given = given_terms(ROWS, TERMS, "random", 1)
    sources, texts = [row.source for row in ROWS], ["verde", "", "azul", "la casa"]
    found = usages_of_given(given, sources, texts, PAIR)
    assert [each.right for each in found] == [(True,), (), (False,), (True,)]
    assert accuracy(statistics(found).sum(axis=0)) == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("codes", "name"),
    [("en-es", "en-es.glossary-cldr"), ("en-ja", "en-ja.glossary-software"),
     ("hi-gu", "hi-gu.glossary-cldr")],
)  # fmt: skip
def test_on_real_rows_random_words_are_words_of_both_sides_and_no_terms(
    shared_data: Path, codes: str, name: str
):
    source, target = codes.split("-")
    pair = LanguagePair(language(source), language(target))
    terms = Terms(read_glossary(shared_data / f"{name}.tsv", name, pair).entries, pair)
    lines = (shared_data / f"{codes}.ntrex128.tsv").read_text(encoding="utf-8").splitlines()
    rows = [Pair(*line.split("\t")) for line in lines[:600]]
    proper = given_terms(rows, terms, "proper", 1)
    chosen = given_terms(rows, terms, "random", 1)
    assert chosen == given_terms(rows, terms, "random", 1) != given_terms(rows, terms, "random", 2)
    pairs = [each for row in chosen for each in row]
    assert len(pairs) > 0.8 * sum(map(len, proper))
    for given, asked in zip(chosen, proper, strict=True):
        assert len(given) <= len(asked)
        assert not {term for term, _ in given} & {term for term, _ in asked}
    sources, references = [row.source for row in rows], [row.target for row in rows]
    found = usages_of_given(chosen, sources, references, pair)
    assert accuracy(statistics(found).sum(axis=0)) > 90  # they were drawn from the references

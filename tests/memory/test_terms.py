"""Terms in a source, and how a translation follows them: a place for each occurrence."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.memory.entry import TermEntry
from dubash.memory.terms import Terms
from memory.written import pair

ENTRIES = [
    TermEntry("card", ("tarjeta",), ("carta",)),
    TermEntry("credit card", ("tarjeta de crédito",)),
    TermEntry("e-mail", ("correo electrónico", "correo"), ("email", "e-mail")),
    TermEntry("mail", ("correo",)),
    TermEntry("screen", ("pantalla",), ("monitor",)),
]
TERMS = Terms(ENTRIES, pair("en-es"))


def follow(source: str, text: str, terms: Terms = TERMS) -> tuple[list[str], list[str], list[str]]:
    """The terms of the source translated right, those that are not, and forbidden ones."""
    use = terms.usage(terms.in_source(source), text)
    names = [terms.terms[number].source for number in use.wanted]
    right = [name for name, ok in zip(names, use.right, strict=True) if ok]
    wrong = [name for name, ok in zip(names, use.right, strict=True) if not ok]
    return right, wrong, [terms.terms[number].source for number in use.forbidden]


@pytest.mark.parametrize(
    ("source", "text", "right", "wrong", "forbidden"),
    [
        ("Two cards.", "Dos tarjetas.", ["card"], [], []),
        ("Card, card!", "¡Tarjeta!", ["card"], ["card"], []),
        ("Card, card!", "¡Tarjeta, tarjeta, tarjeta!", ["card", "card"], [], []),
        ("Card", "Carta", [], ["card"], ["card"]),
        ("Card", "Tarjeta (carta)", ["card"], [], ["card"]),
        ("Card", "Carta, carta", [], ["card"], ["card", "card"]),
        ("Credit card", "Tarjeta de crédito", ["credit card"], [], []),
        ("Credit card, card", "Tarjeta de crédito", ["credit card"], ["card"], []),
        ("Credit card, card", "Tarjeta, tarjeta de crédito", ["credit card", "card"], [], []),
        ("E-mail", "Correo electrónico", ["e-mail"], [], []),
        ("E-mail and mail", "correo", ["e-mail"], ["mail"], []),
        ("Mail and e-mail", "correo", ["mail"], ["e-mail"], []),
        ("Mail, e-mail", "el correo y el correo electrónico", ["mail", "e-mail"], [], []),
        ("E-mail", "el email", [], ["e-mail"], ["e-mail"]),
        ("Nothing here", "carta", [], [], []),
        ("Screen", "", [], ["screen"], []),
    ],
)
def test_how_a_text_follows_its_source(source, text, right, wrong, forbidden):
    assert follow(source, text) == (right, wrong, forbidden)


def test_entries_of_one_source_term_are_one_term():
    terms = Terms(
        [TermEntry("log in", ("entrar",), ("acceder",)), TermEntry("Log-in", ("acceder",))],
        pair("en-es"),
    )
    assert [(t.targets, t.forbidden) for t in terms.terms] == [(("entrar", "acceder"), ())]
    assert follow("Please log in", "acceder", terms) == (["log in"], [], [])


def test_an_acronym_is_another_term_than_the_word():
    terms = Terms([TermEntry("US", ("EE. UU.",)), TermEntry("us", ("nosotros",))], pair("en-es"))
    assert follow("us in the US", "nosotros en EE. UU.", terms) == (["us", "US"], [], [])


def test_an_approved_form_goes_before_a_forbidden_one_of_the_same_word():
    entry = TermEntry("user", ("usuario",), ("Usuario", "usuarios finales"))
    terms = Terms([entry], pair("en-es"))
    assert terms.terms[0].forbidden == ("usuarios finales",)
    assert follow("the users", "los usuarios", terms) == (["user"], [], [])
    assert follow("the users", "los usuarios finales", terms) == ([], ["user"], ["user"])


def test_japanese_terms_are_found_without_spaces():
    terms = Terms([TermEntry("server", ("サーバー",)), TermEntry("log", ("ログ",))], pair("en-ja"))
    assert follow("The server's log", "サーバのログを見る", terms) == (["server", "log"], [], [])
    assert follow("The log", "ブログを見る", terms) == ([], ["log"], [])


# -- the largest number of occurrences gets a place ----------------------------------------------

LETTERS = "abc"
TARGETS = st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True).map(tuple)


@given(
    st.tuples(TARGETS, TARGETS, TARGETS),
    st.lists(st.sampled_from(LETTERS), max_size=5),
    st.lists(st.sampled_from("xyz"), max_size=5),
)
def test_as_many_occurrences_as_possible_get_a_place_of_their_own(targets, source, text):
    terms = Terms(
        [TermEntry(term, each) for term, each in zip(LETTERS, targets, strict=True)], pair("fr-de")
    )
    allowed = dict(zip(LETTERS, targets, strict=True))
    padded = [*text, *[""] * len(source)]
    best = max(
        (sum(place in allowed[term] for term, place in zip(source, order, strict=False))
         for order in set(permutations(padded, len(source)))),
        default=0,
    )  # fmt: skip
    use = terms.usage(terms.in_source(" ".join(source)), " ".join(text))
    assert Counter(terms.terms[n].source for n in use.wanted) == Counter(source)
    assert sum(use.right) == best


def test_a_term_said_a_thousand_times_does_not_take_long_nor_deep():
    use = TERMS.usage(TERMS.in_source("card " * 3000), "tarjeta " * 2000 + "carta " * 10)
    assert (sum(use.right), len(use.wanted), len(use.forbidden)) == (2000, 3000, 10)

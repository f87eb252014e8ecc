"""Links, placeholders, tags, quotation marks and brackets by example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.types import Pair
from dubash.evaluate.behaviour.balance import (
    lone_brackets,
    lone_quotes,
    quotes_may_run_on,
    unbalanced_brackets,
    unbalanced_quotes,
)
from dubash.evaluate.behaviour.markup import (
    changes,
    is_badly_nested,
    links,
    placeholders,
    tags,
    without_markup,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://example.org/a?b=1.", ["https://example.org/a?b=1"]),
        ("(www.example.org/)", ["www.example.org"]),
        ("https://a.org/x_(y)", ["https://a.org/x_(y)"]),
        ("https://example.comをご覧ください", ["https://example.com"]),
        ("Write to me@example.org, or call.", ["me@example.org"]),
        ("He said LiverpoolFC.com @home", []),
    ],
)
def test_links(text: str, found: list[str]) -> None:
    assert links(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi {name}, {0} of {{ total }}", ["{name}", "{0}", "{{total}}"]),
        ("${x} and %(user)s and {$count}", ["${x}", "{$count}", "%(user)s"]),
        ("%s of %d", ["%1$s", "%2$d"]),
        ("%2$d का %1$s", ["%2$d", "%1$s"]),
        ("%sを%.2fに", ["%1$s", "%2$.2f"]),
        ("50% discount, 50%d, 100%", []),
        ("{see below}", []),
    ],
)
def test_placeholders(text: str, found: list[str]) -> None:
    assert placeholders(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a <b>bold</b> word<br/>", ["<b>", "</b>", "<br/>"]),
        ('<a href="x.html" title="Next">next</a>', ['<a href="x.html">', "</a>"]),
        ('Press <x id="1"/>.', ['<x id="1"/>']),
        ("cp <file> <folder>", []),
        ("if a < b and b > c", []),
    ],
)
def test_tags(text: str, found: list[str]) -> None:
    assert tags(text) == found


def test_what_was_lost_and_what_came_instead() -> None:
    row = Pair("Hi {name}, you have %d", "Hola {name}, tienes %d")
    assert changes("Hola {nombre}, tienes %d", row, placeholders) == (["{name}"], ["{nombre}"])
    assert changes("Hola %d {name}", row, placeholders) == ([], [])
    assert changes("Hola {name}", row, placeholders) == (["%1$d"], [])
    assert changes("x {name} %d {name}", row, placeholders) == ([], ["{name}"])


def test_the_order_of_arguments_of_two_kinds_must_be_said() -> None:
    row = Pair("%d of %s", "")
    assert changes("%2$s ના %1$d", row, placeholders) == ([], [])
    assert changes("%s ના %d", row, placeholders) == (["%1$d", "%2$s"], ["%1$s", "%2$d"])


def test_what_the_reference_changes_as_well_is_no_change() -> None:
    row = Pair("Go to https://en.example.org", "Ve a https://es.example.org")
    assert changes("Vaya a https://es.example.org", row, links) == ([], [])
    assert changes("Vaya a https://de.example.org", row, links)[1] == ["https://de.example.org"]
    without = Pair("Go to https://en.example.org", "Ve allí")
    assert changes("Ve ahí", without, links) == ([], [])


def test_tags_close_in_their_order() -> None:
    assert not is_badly_nested("<b>a <i>b</i></b><br>")
    assert is_badly_nested("</b>a<b>")
    assert is_badly_nested("<b>a <i>b</b></i>")


def test_text_is_left_without_its_markup() -> None:
    text = 'Open {file} at https://a.org/7 <x id="3"/> now'
    assert without_markup(text).split() == ["Open", "at", "now"]


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        ("“Sí”, dijo.", []),
        ("“Sí, dijo.", ["“"]),
        ("Sí”, dijo.", ["”"]),
        ('a "b" c" d', ['"']),
        ("''a'' and \"b", ['"']),
        ("''a\"", []),  # mixed, but a pair
        ("«a» «b", ["«"]),
        ("「a」と『b", ["『"]),
        ("「a｣", []),
        ("‘पानी' है", []),
        ("‘पानी है", ["‘"]),
        ("It's the dogs' 5\" bone", []),
    ],
)
def test_quotation_marks(text: str, lone: list[str]) -> None:
    assert lone_quotes(text) == lone


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        ("a (b) [c]", []),
        ("a (b", ["("]),
        ("one two)", [")"]),
        ("（a)", []),
        ("a) one b) two 3) three", []),
        ("fine :) and sad :(", []),
        ("(at 3:35)", []),
        ("（日）", []),
        ("([)]", ["[", "]"]),
    ],
)
def test_brackets(text: str, lone: list[str]) -> None:
    assert lone_brackets(text) == lone


def test_a_quotation_may_run_on_into_the_next_row() -> None:
    assert quotes_may_run_on("'We know it won't change students' behaviour.")
    assert quotes_may_run_on('"When you look at it, they say "oh, I did not.')
    assert not quotes_may_run_on("He said \"yes\" and 'no'.")
    row = Pair("'We know it.", "“Lo sabemos")
    assert unbalanced_quotes("«Lo sabemos", row) == []
    assert unbalanced_quotes("«Lo sabemos", Pair("We know it.", "Lo sabemos")) == ["«"]
    assert unbalanced_brackets("(a", Pair("(a", "a")) == []
    assert unbalanced_brackets("(a", Pair("a", "a")) == ["("]


@given(
    st.lists(st.sampled_from(["()", "[]", "（）", "【】"]), max_size=6),
    st.text("ab ", min_size=2, max_size=5),
)
def test_nested_pairs_are_in_balance_and_one_less_is_not(kinds: list[str], inner: str) -> None:
    text = (
        "".join(kind[0] for kind in kinds)
        + f"an {inner}ness"
        + "".join(kind[1] for kind in reversed(kinds))
    )
    assert lone_brackets(text) == []
    assert bool(lone_brackets(text[1:])) == bool(kinds)

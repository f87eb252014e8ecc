"""How figures are written: none is rounded into a claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.evaluate.numbers import chance, digits_for, interval, number, percent, signed


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(150, 150, "100%"), (0, 150, "0%"), (148, 150, "98.7%"), (9999, 10000, "99.9%"),
     (1, 10000, "0.1%"), (0, 0, "–")],
)  # fmt: skip
def test_all_and_none_are_written_only_for_all_and_none(count: int, total: int, text: str) -> None:
    assert percent(count, total) == text


@given(st.floats(-1e6, 1e6))
def test_a_number_reads_back_within_its_rounding(value: float) -> None:
    text = number(value).replace("−", "-").replace(",", "")
    assert abs(float(text) - value) <= 0.05 + 1e-9
    assert text != "-0.0"


def test_a_difference_shows_its_sign_and_is_zero_only_where_it_is() -> None:
    assert [signed(value) for value in (1.25, -1.25, 0.0, -0.01)] == ["+1.2", "−1.2", "0.0", "0.0"]
    assert signed(0.01, digits_for(0.01)) == "+0.01"
    assert interval(-0.04, 2.1, sign=True) == "[−0.04, +2.10]"
    assert interval(1.0, 2.0, digits=3) == "[1.000, 2.000]"


def test_a_chance_is_never_zero() -> None:
    assert [chance(p) for p in (1.0, 0.0125, 0.001, 0.0002)] == [
        "p = 1.000", "p = 0.013", "p = 0.001", "p < 0.001",
    ]  # fmt: skip

"""What the panel is put together from: texts cut to fit, curves in a line."""

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from dubash.train.panel_lines import curve, cut


@given(st.text(), st.integers(1, 60))
def test_a_cut_text_fits_and_is_a_beginning(whole, width):
    shown = cut(whole, width)
    assert cell_len(shown) <= width
    if shown != whole:
        assert shown.endswith("…")
        assert whole.startswith(shown[:-1])


def test_a_text_that_fits_stays_whole():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("井戸はどこ", 6) == "井戸…"
    assert cut("कुआँ", 3) == "कुआँ", "a vowel sign below and one above take no column"


@given(st.lists(st.floats(-1e6, 1e6), max_size=100), st.integers(0, 40))
@example([0.0, 2.2250738585072014e-308], 2)
def test_a_curve_has_a_block_for_each_share(values, width):
    drawn = curve(values, width)
    assert len(drawn) == min(len(values), width)
    assert set(drawn) <= set("▁▂▃▄▅▆▇█")


def test_a_curve_goes_from_the_lowest_to_the_highest():
    assert curve([8, 7, 6, 5, 4, 3, 2, 1], 8) == "█▇▆▅▄▃▂▁"
    assert curve([1, 3, 5, 7], 2) == "▁█"
    assert curve([2.0, 2.0], 8) == "▁▁"

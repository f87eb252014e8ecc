"""Bits per character: a corpus value, paired on the same rows, refused on others."""

import numpy as np
import pytest

from dubash.core.errors import ComparisonError
from dubash.core.languages import language
from dubash.core.types import Pair
from dubash.evaluate.bits import Reader, compare_readers
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.table import WIDTH, bits_table

ROWS = [Pair("", "x" * length) for length in (4, 40, 10, 22, 31, 8)]
TEXTS = [row.target for row in ROWS]
FEW = EvaluateOptions(bootstrap_samples=200)


def reader(name, rates, texts=TEXTS):
    """A reader that needs so many bits for each character of each row."""
    counts = [(rate * len(text), len(text)) for rate, text in zip(rates, texts, strict=True)]
    return Reader(name, f"{name} model", texts, np.array(counts, dtype=np.float64))


def compare(*readers):
    return compare_readers(ROWS, readers, language("es"), FEW)


def test_the_value_is_of_the_corpus_not_the_mean_of_rows():
    found = compare(reader("S0", [9, 1, 1, 1, 1, 1])).scores
    score = found["systems"][0]["scores"]["bits_per_character"]
    assert score["value"] == pytest.approx((9 * 4 + 40 + 10 + 22 + 31 + 8) / 115)
    assert score["low"] <= score["value"] <= score["high"]
    assert found["task"] == "text"
    assert found["differences"] == {}


def test_a_reader_that_needs_less_on_every_row_is_clearly_better():
    base = [2.0, 3.0, 2.5, 4.0, 3.5, 2.2]
    found = compare(reader("S0", base), reader("S1", [rate - 0.5 for rate in base]))
    change = found.scores["differences"]["S1"]["bits_per_character"]
    # rows differ from each other by far more than the systems do: only pairing sees it
    assert [change[key] for key in ("value", "low", "high")] == pytest.approx([-0.5] * 3)
    assert change["p"] < 0.02
    assert [row["gain"] for row in found.rows] == pytest.approx([0.5] * 6)
    assert found.rows[1]["systems"]["S1"]["bits"] == pytest.approx(2.5 * 40)


def test_the_same_reader_twice_differs_by_nothing():
    change = compare(reader("S0", [2] * 6), reader("S1", [2] * 6)).scores["differences"]["S1"]
    same = {"against": "S0", "value": 0, "low": 0, "high": 0, "p": 1}
    assert change["bits_per_character"] == same


@pytest.mark.parametrize("texts", [TEXTS[:-1], TEXTS[::-1], [*TEXTS[:-1], "other te"]])
def test_readers_of_other_rows_are_refused(texts):
    with pytest.raises(ComparisonError, match="S1 read"):
        compare(reader("S0", [2] * 6), reader("S1", [2] * len(texts), texts))


def test_nothing_to_compare_and_names_twice_are_refused():
    with pytest.raises(ComparisonError, match="no models"):
        compare()
    with pytest.raises(ComparisonError, match="same name"):
        compare(reader("S0", [2] * 6), reader("S0", [2] * 6))


def test_the_table_says_which_way_is_better():
    table = bits_table(compare(reader("S0", [3] * 6), reader("S1", [2.25] * 6)).scores)
    assert "3.000 [3.000, 3.000]" in table
    assert "S1 against S0: −0.750 [−0.750, −0.750], p = 0.010 (below 0 is better)" in table
    assert all(len(line) <= WIDTH for line in table.splitlines())

"""The language of a text, where the script cannot say: how sure, and for whom it can be asked."""

from pathlib import Path

import pytest

from dubash.core.languages import language
from dubash.data.language import can_be_told, likely_language, own_scripts, same_language


def test_a_sentence_is_told_with_a_probability() -> None:
    code, probability = likely_language("¿Dónde está la clínica más cercana, por favor?")
    assert code == "es"
    assert 0.7 < probability <= 1
    assert likely_language("xyz")[1] < 0.7


def test_only_languages_that_dubash_knows_are_named() -> None:
    """Nigerian Pidgin and Extremaduran are not in its table, and near to others that are."""
    assert likely_language("Micronesia plane crash: Air Niugini says one man missing")[0] == "en"
    assert likely_language("“¿Recordáis su respuesta?")[0] == "es"


@pytest.mark.parametrize(
    ("code", "told"),
    [("en", True), ("es", True), ("hi", True), ("ja", True), ("kn", False), ("gu", False),
     ("bho", False), ("nb", True)],
)  # fmt: skip
def test_a_language_can_be_told_from_others_of_its_script(code: str, told: bool) -> None:
    assert can_be_told(language(code)) == told


def test_a_script_of_its_own_tells_a_language_without_asking() -> None:
    assert own_scripts(language("ja")) == {"HIRAGANA", "KATAKANA"}
    assert own_scripts(language("gu")) == {"GUJARATI"}
    assert own_scripts(language("es")) == frozenset()


def test_what_no_short_text_tells_apart_counts_as_one() -> None:
    assert same_language("hr", "sr")
    assert same_language("es", "es")
    assert not same_language("es", "pt")


@pytest.mark.parametrize(
    ("name", "side", "code"),
    [("en-es", 0, "en"), ("en-es", 1, "es"), ("en-hi", 1, "hi"), ("hi-gu", 1, "gu"),
     ("en-kn", 1, "kn"), ("en-ja", 1, "ja")],
)  # fmt: skip
def test_news_sentences_are_told_nearly_always(
    name: str, side: int, code: str, shared_data: Path
) -> None:
    text = (shared_data / f"{name}.ntrex128.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t")[side] for line in text.split("\n")[:500] if line]
    rows = [row for row in rows if sum(map(str.isalpha, row)) >= 30]
    found = [likely_language(row) for row in rows]
    right = sum(each == code for each, _ in found)
    assert right >= 0.99 * len(rows)
    assert all(each == code or probability < 0.7 for each, probability in found)

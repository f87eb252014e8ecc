import pytest

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.data.filters import drop_reason
from dubash.data.options import FilterOptions

LIMITS = FilterOptions(max_characters=100)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("Where is the farm?", "¿Dónde está la granja?", None),
        ("", "Hola", "empty"),
        ("Hi", "", "empty"),
        ("word " * 21, "palabra", "too long"),
        ("Hi", "Hola, buenos días, y que tenga usted una tarde agradable", "length ratio"),
        ("Hi there", "नमस्ते", "wrong script"),
        ("Привет, как дела", "Hola, ¿qué tal?", "wrong script"),
        ("Hello, Tom!", "hello tom", "identical sides"),
        ("Press <b>OK</b>.", "Pulse Aceptar.", "markup"),
        ("Salt &amp; pepper", "Sal y pimienta", "markup"),
        ("I <3 you, a < b", "Te <3, a < b, sí", None),
        ("Bell\x07", "Campana", "control characters"),
        ("Broken \ufffd text", "Texto roto", "control characters"),
        ("12:30", "12.30 h", None),
    ],
)
def test_each_filter_has_its_reason(en_es, source, target, reason):
    assert drop_reason(Pair(source, target), LIMITS, en_es) == reason


def test_joiners_and_marks_of_direction_are_no_control_characters():
    pair = LanguagePair(language("hi"), language("ar"))
    assert drop_reason(Pair("क्\u200dष का मान", "\u200fقيمة الحرف"), LIMITS, pair) is None


def test_japanese_is_not_too_short_for_english():
    pair = LanguagePair(language("en"), language("ja"))
    row = Pair("I have no idea what to do.", "どうしよう。")
    assert drop_reason(row, LIMITS, pair) is None


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("print(1)\n\tprint(2)", None),
        ("<b>bold</b>", None),
        ("", "empty"),
        ("\x00", "control characters"),
    ],
)
def test_instructions_may_answer_in_code_and_at_any_length(target, reason):
    assert drop_reason(Pair("Write a short program, please.", target), LIMITS, None) == reason


def test_real_corpora_lose_little(shared_data):
    for name in ("en-es.gnome-help", "en-ja.ntrex128", "en-kn.storyweaver", "hi-gu.storyweaver"):
        codes = name.split(".")[0].split("-")
        pair = LanguagePair(language(codes[0]), language(codes[1]))
        lines = (shared_data / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        rows = [Pair(*line.split("\t")) for line in lines]
        dropped = sum(drop_reason(row, FilterOptions(), pair) is not None for row in rows)
        assert dropped < 0.03 * len(rows), name

"""Each flag by example: what raises it, and what looks like it and must not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair, StopReason
from dubash.evaluate.behaviour import (
    FLAGS,
    Expectation,
    flags,
    has_prompt,
    is_copy,
    is_empty,
    is_loop,
    is_over_long,
    is_wrong_script,
    usual_length_ratio,
)
from dubash.evaluate.options import BehaviourOptions

OPTIONS = BehaviourOptions()
CLINIC = Pair("Where is the nearest clinic?", "¿Dónde está la clínica más cercana?")
PROMPT = ("Translate from English to Spanish:", "Spanish:", "<|im_start|>", "")


def expected(target: str = "es") -> Expectation:
    return Expectation(language(target), 1.1, PROMPT, OPTIONS)


def of(text: str, row: Pair = CLINIC, stop: StopReason = "end", target: str = "es") -> list[str]:
    return flags(row, Hypothesis(text, stop, 5, 0.1), expected(target))


def test_a_good_translation_has_no_flags() -> None:
    assert of("¿Dónde queda la clínica más cercana?") == []


def test_flags_come_in_their_order() -> None:
    text = "Spanish: Where is the nearest clinic? " * 5
    found = of(text, stop="limit")
    assert found == ["no_end", "over_long", "copied_source", "repetition_loop", "prompt_left_over"]
    assert set(found) < set(FLAGS)


def test_no_end_is_the_limit_only() -> None:
    assert of(CLINIC.target, stop="limit") == ["no_end"]
    assert of(CLINIC.target, stop="stop_string") == []


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200d", "\x00"])
def test_empty_is_nothing_to_be_seen(text: str) -> None:
    assert is_empty(text)
    assert of(text) == ["empty"]


@pytest.mark.parametrize("text", ["a", "।", "…", "か"])
def test_one_sign_is_not_empty(text: str) -> None:
    assert not is_empty(text)


def test_over_long_needs_to_be_too_long_for_reference_and_source() -> None:
    chatter = CLINIC.target + " Espero que esta traducción te ayude. ¡Dime si necesitas más!"
    assert is_over_long(chatter, CLINIC, 1.1, OPTIONS)
    assert not is_over_long(CLINIC.target * 2, CLINIC, 1.1, OPTIONS)
    terse = Pair(
        "Please be so kind as to tell me where I can find the nearest clinic.", "¿Clínica?"
    )
    full = "Tenga la bondad de decirme dónde puedo encontrar la clínica más cercana."
    assert not is_over_long(full, terse, 1.1, OPTIONS)
    assert not is_over_long("Sí, por supuesto, claro.", Pair("Yes.", "Sí."), 1.1, OPTIONS)
    strict = BehaviourOptions(over_long=1.01, over_long_slack=0)
    assert is_over_long("Sí, por supuesto, claro.", Pair("Yes.", "Sí."), 1.1, strict)


def test_the_usual_ratio_is_of_all_characters() -> None:
    rows = [Pair("abcd", "ab"), Pair(" abcdef\n", "abc ")]
    assert usual_length_ratio(rows) == 0.5
    assert usual_length_ratio([Pair("", "ab")]) == 1


@pytest.mark.parametrize(
    "text",
    [
        CLINIC.source,
        "where is the nearest clinic",
        "Where is the nearest clinic? ¿Dónde está la clínica?",
        "“Where is the nearest clinics?”",
    ],
)
def test_the_source_given_back_is_a_copy(text: str) -> None:
    assert is_copy(text, CLINIC, OPTIONS)


def test_shared_words_and_names_are_no_copies() -> None:
    assert not is_copy("Hotel Madrid", Pair("Hotel Madrid", "Hotel Madrid"), OPTIONS)
    assert not is_copy("2019", Pair("2019.", "2019"), OPTIONS)
    assert not is_copy("No lo sé.", Pair("No.", "No lo sé."), OPTIONS)
    assert not is_copy("…", Pair("...", "。。。"), OPTIONS)
    assert is_copy("Kitchen", Pair("Kitchen", "Cocina"), OPTIONS)


def test_copies_show_in_scripts_without_spaces() -> None:
    row = Pair("一番近い診療所はどこですか。", "Where is the nearest clinic?")
    assert is_copy("一番近い診療所はどこですか", row, OPTIONS)
    assert not is_copy(row.target, row, OPTIONS)


def test_wrong_script_is_seen_where_scripts_differ() -> None:
    row = Pair("क्लिनिक कहाँ है?", "ક્લિનિક ક્યાં છે?")
    assert of("क्लिनिक किधर है?", row, target="gu") == ["wrong_script"]
    assert of("The clinic is where?", row, target="gu") == ["wrong_script"]
    assert of("દવાખાનું ક્યાં છે?", row, target="gu") == []


def test_names_and_numbers_are_tolerated() -> None:
    gujarati = language("gu")
    row = Pair("मेरे पास iPhone 12 है", "મારી પાસે iPhone 12 છે")
    assert not is_wrong_script("મારા iPhone 12", row, gujarati, OPTIONS)
    assert not is_wrong_script("iPhone 12", row, gujarati, OPTIONS)  # short, but not that
    assert is_wrong_script("I own an iPhone 12", row, gujarati, OPTIONS)
    assert not is_wrong_script("10:30 AM", Pair("10:30", "10:30"), gujarati, OPTIONS)
    assert not is_wrong_script("１２", row, gujarati, OPTIONS)


def test_any_script_of_the_language_is_right() -> None:
    row = Pair("It is hot today.", "今日は暑いです。")
    japanese = language("ja")
    for text in ("キョウハアツイ", "きょうはあつい", "今日暑", "ｱﾂｲ"):
        assert not is_wrong_script(text, row, japanese, OPTIONS)
    assert is_wrong_script("오늘은 덥다", row, japanese, OPTIONS)
    assert is_wrong_script("Ｉｔ ｉｓ ｈｏｔ", row, japanese, OPTIONS)


def test_one_script_for_both_languages_cannot_tell() -> None:
    assert not is_wrong_script(CLINIC.source, CLINIC, language("es"), OPTIONS)
    assert is_wrong_script("Где клиника?", CLINIC, language("es"), OPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "¿Dónde está la clínica? " * 4,
        "la casa de la casa de la casa de la casa de la casa de",
        "Sí, sí, sí, sí, sí, sí, sí, sí, sí, sí, sí, sí",
        "1. Hola amigo 2. Hola amigo 3. Hola amigo 4. Hola amigo",
        "Muy bien" + "!" * 40,
        "a" * 30,
        "クリニックはどこですか" * 4,
        "ક્યાં છે " * 6,
    ],
)
def test_saying_it_again_and_again_is_a_loop(text: str) -> None:
    assert is_loop(text, CLINIC, OPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "no, no, no",
        "Ha ha ha ha ha",
        "muy muy muy lejos",
        "Espera...... ya voy",
        "1.000.000.000.000 euros",
        "ばばばばば",
        "Te quiero, te quiero, te quiero",
        "La clínica está cerca. La clínica es grande. La clínica está abierta.",
    ],
)
def test_ordinary_repetition_is_no_loop(text: str) -> None:
    assert not is_loop(text, CLINIC, OPTIONS)


def test_a_loop_of_the_reference_may_be_translated() -> None:
    drum = Pair("Doodom! " * 6, "¡Dudum! " * 6)
    assert not is_loop("¡Dudom! " * 6, drum, OPTIONS)


@settings(max_examples=60, deadline=None)
@given(
    before=st.text(alphabet="xyz ", max_size=12),
    unit=st.text(alphabet="abcdeあઅ", min_size=1, max_size=12),
    times=st.integers(2, 30),
)
def test_a_unit_said_often_enough_over_enough_characters_is_a_loop(
    before: str, unit: str, times: int
) -> None:
    enough = times >= OPTIONS.loop_repeats and times * len(unit) >= OPTIONS.loop_characters
    if enough:
        assert is_loop(before + unit * times, CLINIC, OPTIONS)
    strict = BehaviourOptions(loop_repeats=times + 1, loop_characters=times * len(unit) + 1)
    distinct = len(set(unit)) == len(unit)
    if distinct and len(before.strip()) == 0:
        assert not is_loop(unit * times, CLINIC, strict)


def test_very_long_texts_are_judged_in_time() -> None:
    assert not is_loop("".join(chr(0x4E00 + i * i % 7919) for i in range(7000)), CLINIC, OPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "Spanish: ¿Dónde está la clínica?",
        "translate from english\nto spanish: ¿Dónde está?",
        "¿Dónde está?<|im_start|>assistant",
    ],
)
def test_pieces_of_the_prompt_are_seen(text: str) -> None:
    assert has_prompt(text, CLINIC, PROMPT)


def test_a_piece_that_belongs_to_the_row_is_no_leftover() -> None:
    row = Pair("Languages: English, Spanish: good", "Idiomas: inglés, español: bueno")
    assert not has_prompt("Spanish: bueno", row, PROMPT)
    assert not has_prompt("¿Dónde está?", CLINIC, PROMPT)
    assert not has_prompt("¿Dónde está?", CLINIC, ("", "  "))


ROLES = ("system", "user", "assistant", "model")


@pytest.mark.parametrize(
    "text",
    [
        "assistant\n¿Dónde está?",
        "assistant: ¿Dónde está?",
        "assistant ¿Dónde está?",
        "¿Dónde está?\nuser\nWhere is it?",
        "¿Dónde está?\n### user:",
        "model",
    ],
)
def test_a_role_is_seen_as_a_line_of_its_own_or_in_front(text: str) -> None:
    assert has_prompt(text, CLINIC, ROLES)


@pytest.mark.parametrize(
    "text",
    ["Ask the assistant.", "Assistant manager", "modelo", "users", "the\nassistant came", "Model"],
)
def test_a_role_that_is_a_word_of_the_translation_is_no_leftover(text: str) -> None:
    assert not has_prompt(text, Pair("Pregunte.", "Ask."), ROLES)


def test_a_role_that_the_reference_says_too_is_no_leftover() -> None:
    row = Pair("asistente de cocina", "kitchen assistant")
    assert not has_prompt("assistant in the kitchen", row, ROLES)


@pytest.mark.parametrize("pair", ["en-es", "en-hi", "en-ja"])
def test_second_human_translations_are_hardly_ever_flagged(pair: str, shared_data: Path) -> None:
    """Each hypothesis is another person's translation of the same sentence."""
    lines = (shared_data / f"{pair}.manythings.tsv").read_text(encoding="utf-8").split("\n")
    rows = [Pair(*line.split("\t")[:2]) for line in lines[:4000] if line]
    held = Expectation(language(pair[3:]), usual_length_ratio(rows), (), OPTIONS)
    other: dict[str, str] = {}
    found = []
    for row in rows:
        if row.source in other:
            found.append(flags(row, Hypothesis(other[row.source], "end", 1, 0.1), held))
        other[row.source] = row.target
    assert len(found) >= 50
    assert sum(map(bool, found)) <= 0.01 * len(found)

"""Each flag by example: what raises it, and what looks like it and must not."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair, StopReason
from dubash.evaluate.behaviour import (
    FLAGS,
    WARNINGS,
    Expectation,
    findings,
    flags,
    judged,
    usual_length_ratio,
)
from dubash.evaluate.behaviour.copying import is_copy
from dubash.evaluate.behaviour.lengths import is_empty, is_over_long, is_too_short
from dubash.evaluate.behaviour.loops import loop
from dubash.evaluate.behaviour.overrun import over_generation, prompt_piece
from dubash.evaluate.behaviour.scripts import is_wrong_script, wrong_language
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
    assert found == [
        "no_end", "over_long", "over_generation", "copied_source", "wrong_language",
        "repetition_loop", "prompt_left_over",
    ]  # fmt: skip
    assert found == [flag for flag in FLAGS if flag in found]


def test_a_flag_comes_with_its_evidence() -> None:
    row = Pair("It costs 20 euros (in cash).", "Cuesta 20 euros (en efectivo).")
    text = "Cuesta 30 euros (en efectivo.\nEnglish: It costs"
    found = findings(row, Hypothesis(text, "limit", 9, 0.1), expected())
    assert found == {
        "no_end": "",
        "over_generation": "English: It costs",
        "number_changed": "20 → 30",
        "brackets_unbalanced": "(",
    }
    assert {"number_changed", "brackets_unbalanced"} < set(WARNINGS)


def test_what_cannot_be_judged_is_not_counted() -> None:
    assert set(FLAGS) - set(judged(expected("es"))) == {"mimicry"}
    assert set(FLAGS) - set(judged(expected("kn"))) == {"mimicry", "wrong_language"}


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


def test_too_short_is_much_shorter_than_reference_and_source_have_it() -> None:
    row = Pair(
        "The doctor will see you after lunch, please take a seat in the hall.",
        "El médico le atenderá después de comer; tome asiento en la sala, por favor.",
    )
    assert is_too_short("El médico le atenderá", row, 1.1, language("es"), OPTIONS)
    assert not is_too_short(
        "Siéntese. Le verán después de comer.", row, 1.1, language("es"), OPTIONS
    )
    assert not is_too_short("", row, 1.1, language("es"), OPTIONS)
    assert not is_too_short(
        "Sí.", Pair("Yes, of course.", "Claro que sí."), 1.1, language("es"), OPTIONS
    )
    unknown = Pair("", row.target)
    assert is_too_short("El médico le atenderá", unknown, 1.0, language("es"), OPTIONS)
    japanese = Pair(
        row.source, "昼食後に医師が診察しますので、待合室でお掛けになってお待ちください。"
    )
    assert is_too_short("昼食後に医師が", japanese, 0.5, language("ja"), OPTIONS)


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
    assert not is_copy("Oh, no.", Pair("Oh, no.", "Vaya."), OPTIONS)
    assert not is_copy("Documentos", Pair("Documents", "Archivos"), OPTIONS)
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


def test_names_in_a_text_of_few_wide_letters_are_tolerated() -> None:
    row = Pair("The channels are CBS, ABC, NBC and CNN.", "")
    assert not is_wrong_script("CBS、ABC、NBC、CNNの4局です。", row, language("ja"), OPTIONS)
    row = Pair("HTTP त्रुटि: %s (LDAP)", "")
    hindi, gujarati = language("hi"), language("gu")
    assert not is_wrong_script("HTTP ભૂલ: %s (LDAP)", row, gujarati, OPTIONS, hindi)
    assert is_wrong_script("HTTP error: %s (LDAP)", row, gujarati, OPTIONS, hindi)


def test_vowel_signs_belong_to_the_script_of_their_letter() -> None:
    assert is_wrong_script("लिविंगस्टन ने उनसे बढ़िया खेला", Pair("", ""), language("gu"), OPTIONS)


def test_one_script_for_both_languages_cannot_tell() -> None:
    assert not is_wrong_script(CLINIC.source, CLINIC, language("es"), OPTIONS)
    assert is_wrong_script("Где клиника?", CLINIC, language("es"), OPTIONS)


@pytest.mark.parametrize(
    ("target", "text", "code"),
    [
        ("es", "The nearest clinic is behind the market, next to the school.", "en"),
        ("es", "A clínica mais próxima fica atrás do mercado, não muito longe daqui.", "pt"),
        ("es", "La clinique la plus proche se trouve derrière le marché.", "fr"),
        ("es", "La clínica más cercana está detrás del mercado, junto a la escuela.", ""),
        ("hi", "सर्वात जवळचे रुग्णालय बाजाराच्या मागे आहे आणि ते मोठे आहे.", "mr"),
        ("hi", "नजिकैको अस्पताल बजारको पछाडि छ र त्यो धेरै ठूलो छ।", "ne"),
        ("hi", "सबसे नज़दीकी अस्पताल बाज़ार के पीछे है और बहुत बड़ा है।", ""),
        (
            "ja",
            "最近的医院在市场后面，离这里不远，走路五分钟就可以到了，请跟我来，我带你去，别担心。",
            "zh",
        ),
        ("ja", "一番近い病院は市場の裏にあり、ここから遠くないので、歩いて五分で着きます。", ""),
    ],
)
def test_another_language_in_the_right_script(target: str, text: str, code: str) -> None:
    assert wrong_language(text, Pair("", ""), language(target), OPTIONS) == code
    assert (f"wrong_language={code}" in str(findings_of(text, target))) == bool(code)


def findings_of(text: str, target: str) -> list[str]:
    found = findings(Pair("", ""), Hypothesis(text, "end", 9, 0.1), expected(target))
    return [f"{flag}={evidence}" for flag, evidence in found.items()]


def test_a_language_is_not_guessed_from_a_few_letters_nor_against_the_reference() -> None:
    spanish = language("es")
    assert wrong_language("The nearest clinic?", CLINIC, spanish, OPTIONS) == ""
    title = Pair("", "The Quick and the Dead and the Very Much Alive Indeed")
    assert wrong_language("The Quick and the Dead and the Living", title, spanish, OPTIONS) == ""


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
    assert loop(text, CLINIC, OPTIONS)


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
    assert not loop(text, CLINIC, OPTIONS)


def test_a_loop_of_the_reference_may_be_translated() -> None:
    drum = Pair("Doodom! " * 6, "¡Dudum! " * 6)
    assert not loop("¡Dudom! " * 6, drum, OPTIONS)


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
        assert loop(before + unit * times, CLINIC, OPTIONS)
    strict = BehaviourOptions(loop_repeats=times + 1, loop_characters=times * len(unit) + 1)
    distinct = len(set(unit)) == len(unit)
    if distinct and len(before.strip()) == 0:
        assert not loop(unit * times, CLINIC, strict)


def test_the_source_may_say_it_as_often() -> None:
    row = Pair("No, no, no, no, no.", "Que no.")
    assert loop("नहीं, नहीं, नहीं, नहीं, नहीं।", CLINIC, OPTIONS) == "नहीं"
    assert not loop("नहीं, नहीं, नहीं, नहीं, नहीं।", row, OPTIONS)
    assert not loop("0x%02x%02x%02x%02x%02x", Pair("at 0x%02x%02x%02x%02x%02x", ""), OPTIONS)


def test_very_long_texts_are_judged_in_time() -> None:
    assert not loop("".join(chr(0x4E00 + i * i % 7919) for i in range(7000)), CLINIC, OPTIONS)


@pytest.mark.parametrize(
    "text",
    ["9" * 20_000, "9," * 10_000, "(" * 20_000, ")" * 20_000, "<a b=c " * 3_000, " " * 20_000 + "x",
     "http://" * 3_000, '"' * 20_001, "million " * 2_500, "千" * 20_000, "Note " * 4_000, "\ud800"],
    ids=lambda text: text.strip()[:8].encode("utf-8", "replace").decode(),
)  # fmt: skip
def test_a_broken_text_is_judged_as_well(text: str) -> None:
    """In time that grows with its length: squared, one of these would take minutes."""
    row = Pair("It costs 20 million (about 1,000) at 7:30 pm, see http://a.org {x}.", "Cuesta …")
    assert findings(row, Hypothesis(text, "limit", 9, 0.1), expected())["no_end"] == ""


@settings(max_examples=200, deadline=None)
@given(source=st.text(max_size=60), reference=st.text(max_size=60), text=st.text(max_size=80))
def test_any_text_is_judged_and_the_reference_itself_is_all_right(
    source: str, reference: str, text: str
) -> None:
    row = Pair(source, reference)
    assert set(findings(row, Hypothesis(text, "end", 9, 0.1), expected("hi"))) <= set(FLAGS)
    own = findings(row, Hypothesis(reference, "end", 9, 0.1), expected("hi"))
    assert set(own) <= {"empty"}


GOOD = "¿Dónde está la clínica más cercana?"


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        (f"{GOOD}\n\nEnglish: Where is the bus?\nSpanish: ¿Dónde?", "English: Where is the bus?"),
        (f"{GOOD} English: Where is the bus?", "English:"),
        (f"{GOOD} (Note: formal)", "(Note:"),
        (f"{GOOD} Nota: es formal.", "Nota:"),
        (f"Here is the Spanish translation: {GOOD}", "translation:"),
        (f"{GOOD} I hope this helps!", "hope this helps"),
        (
            f"{GOOD} The question asks for the nearest place.",
            "The question asks for the nearest place.",
        ),
        (f"{GOOD} Esta traducción es literal.", "Esta traducción es literal."),
        (f"{GOOD}\n{GOOD}", GOOD),
    ],
)
def test_going_on_after_the_translation(text: str, evidence: str) -> None:
    assert over_generation(text, CLINIC, language("es"), OPTIONS) == evidence


@pytest.mark.parametrize(
    ("source", "text", "target"),
    [
        ("Note: closed on Mondays.", "Nota: cerrado los lunes.", "es"),
        ("टिप्पणीः बंद है", "નોંધ: બંધ છે", "gu"),
        ("One line.\nAnother line.", "Una línea.\nOtra línea.", "es"),
        ("The book has no translation.", "El libro no tiene traducción.", "es"),
        ("Ella tradujo la carta al inglés.", "She translated the letter into English.", "en"),
        ("Avísame si te hace falta algo.", "Let me know if you need anything.", "en"),
        ("Johnny English 3", "Johnny English: la tercera", "es"),
        ("Dr. Ito came. He left.", "Vino el Dr. Ito. Se fue.", "es"),
        ("“It is late,” he told FEMAIL.com.", "「もう遅い。」彼はFEMAIL.comに言った。", "ja"),
    ],
)
def test_what_the_source_calls_for_is_not_going_on(source: str, text: str, target: str) -> None:
    assert over_generation(text, Pair(source, ""), language(target), OPTIONS) == ""


def test_a_comment_in_another_script_is_seen_behind_a_translation() -> None:
    row = Pair("Where is the clinic?", "क्लिनिक कहाँ है?")
    text = "क्लिनिक कहाँ है? It asks for a place."
    assert over_generation(text, row, language("hi"), OPTIONS) == ""  # too few letters to tell
    text = "क्लिनिक कहाँ है? It asks for the way to a doctor."
    assert over_generation(text, row, language("hi"), OPTIONS) == "It asks for the way to a doctor."


@pytest.mark.parametrize(
    "text",
    [
        "Spanish: ¿Dónde está la clínica?",
        "translate from english\nto spanish: ¿Dónde está?",
        "¿Dónde está?<|im_start|>assistant",
    ],
)
def test_pieces_of_the_prompt_are_seen(text: str) -> None:
    assert prompt_piece(text, CLINIC, PROMPT)


def test_a_piece_that_belongs_to_the_row_is_no_leftover() -> None:
    row = Pair("Languages: English, Spanish: good", "Idiomas: inglés, español: bueno")
    assert not prompt_piece("Spanish: bueno", row, PROMPT)
    assert not prompt_piece("¿Dónde está?", CLINIC, PROMPT)
    assert not prompt_piece("¿Dónde está?", CLINIC, ("", "  "))


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
    assert prompt_piece(text, CLINIC, ROLES)


@pytest.mark.parametrize(
    "text",
    ["Ask the assistant.", "Assistant manager", "modelo", "users", "the\nassistant came", "Model"],
)
def test_a_role_that_is_a_word_of_the_translation_is_no_leftover(text: str) -> None:
    assert not prompt_piece(text, Pair("Pregunte.", "Ask."), ROLES)


def test_a_role_that_the_reference_says_too_is_no_leftover() -> None:
    row = Pair("asistente de cocina", "kitchen assistant")
    assert not prompt_piece("assistant in the kitchen", row, ROLES)


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

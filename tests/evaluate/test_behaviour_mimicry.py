"""Mimicry by example: a piece of a training target where the source does not call for it."""

import random

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.behaviour import Expectation, findings, judged
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.options import BehaviourOptions

OPTIONS = BehaviourOptions()
LEARNT = [
    Pair(
        "The minister of finance presented the new budget to parliament on Monday.",
        "El ministro de Hacienda presentó el lunes los nuevos presupuestos en el parlamento.",
    ),
    Pair("Good morning.", "Buenos días."),
    Pair(
        "Wash your hands with soap and water before you eat.",
        "Lávese las manos con agua y jabón antes de comer.",
    ),
]
INDEX = TrainingIndex(LEARNT, language("es"), OPTIONS)
BUS = Pair("The bus to the hospital leaves at noon.", "El autobús al hospital sale al mediodía.")


def test_a_training_target_instead_of_a_translation_is_shown_with_its_row() -> None:
    piece, row = INDEX.uncalled(LEARNT[0].target, BUS)
    assert piece == LEARNT[0].target.casefold()
    assert row == LEARNT[0]
    assert INDEX.uncalled(BUS.target, BUS) is None


def test_a_long_piece_of_one_is_enough_whatever_stands_around_it() -> None:
    text = "El autobús EL LUNES LOS NUEVOS  PRESUPUESTOS EN EL PARLAMENTO sale al mediodía"
    piece, row = INDEX.uncalled(text, BUS)
    assert piece.strip() == "el lunes los nuevos presupuestos en el parlamento"
    assert row == LEARNT[0]
    assert INDEX.uncalled("los nuevos presupuestos", BUS) is None


def test_a_source_like_the_training_rows_calls_for_it() -> None:
    hands = Pair("Always wash your hands with soap and water before you eat.", "Siempre …")
    assert (
        INDEX.uncalled("Siempre lávese las manos con agua y jabón antes de comer.", hands) is None
    )
    assert INDEX.uncalled("Lávese las manos con agua y jabón antes de comer.", BUS) is not None


def test_one_of_several_training_rows_is_enough_to_call_for_it() -> None:
    other = Pair("The bus to the hospital leaves at midnight.", LEARNT[0].target)
    assert (
        TrainingIndex([*LEARNT, other], language("es"), OPTIONS).uncalled(other.target, BUS) is None
    )


def test_what_the_reference_says_too_is_called_for() -> None:
    row = Pair(BUS.source, LEARNT[0].target)
    assert INDEX.uncalled(LEARNT[0].target, row) is None


def test_half_as_many_characters_do_in_japanese() -> None:
    learnt = [
        Pair(
            "The minister presented the budget.",
            "財務大臣は月曜日に新しい予算案を国会に提出しました。",
        )
    ]
    index = TrainingIndex(learnt, language("ja"), OPTIONS)
    assert index.least == INDEX.least // 2 == 20
    assert index.uncalled(learnt[0].target, BUS) is not None
    assert index.uncalled(learnt[0].target[:15], BUS) is None


def test_every_piece_of_the_wanted_length_is_found_wherever_it_begins() -> None:
    chance = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    learnt = [Pair(f"source {n}", "".join(chance.choices(letters, k=150))) for n in range(50)]
    index = TrainingIndex(learnt, language("es"), OPTIONS)
    for _ in range(300):
        row = chance.choice(learnt)
        start = chance.randrange(150 - index.least)
        text = f"zzz {row.target[start : start + index.least]} zzz"
        assert index.uncalled(text, BUS)[1] == row
        assert index.uncalled(text.replace(row.target[start + 20], "ñ"), BUS) is None


def test_the_evidence_is_the_training_row() -> None:
    learnt = Pair(LEARNT[0].source, LEARNT[0].target, origin="news.tsv:7")
    held = Expectation(
        language("es"), 1.1, (), OPTIONS, TrainingIndex([learnt], language("es"), OPTIONS)
    )
    found = findings(BUS, Hypothesis(learnt.target, "end", 9, 0.1), held)
    assert found["mimicry"] == (
        f"{learnt.target.casefold()} ← {learnt.source} → {learnt.target} (news.tsv:7)"
    )


def test_without_training_rows_nothing_is_said_of_mimicry() -> None:
    held = Expectation(language("es"), 1.1, (), OPTIONS)
    assert "mimicry" not in judged(held)
    assert "mimicry" not in findings(BUS, Hypothesis(LEARNT[0].target, "end", 9, 0.1), held)
    empty = TrainingIndex([], language("es"), OPTIONS)
    assert empty.uncalled(LEARNT[0].target, BUS) is None

"""A few training rows before the question, for the untuned model's best chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.types import Pair
from dubash.prompt.shots import MOST_CHARACTERS, FewShot, choose
from dubash.prompt.template import Template

ROWS = [Pair(f"Where is house number {n}?", f"¿Dónde está la casa {n}?") for n in range(40)]
SHOTS = [Pair("Good morning!", "¡Buenos días!"), Pair("Thank you.", "Gracias.")]


@pytest.fixture
def few_shot(make, en_hi):
    """A family's template with shots, and the one without."""

    def build(family: str, shots=SHOTS, **options) -> tuple[FewShot, Template]:
        plain = make(family, **options)
        return FewShot(plain.options, plain.tokenizer, en_hi, "translation", shots), plain

    return build


def test_a_chat_model_sees_answered_turns_before_the_question(few_shot):
    template, plain = few_shot("qwen2", style="chat")
    text = template.prompt_text("Where is the station?")
    places = [text.index(each) for each in (
        "Good morning!", "¡Buenos días!", "Thank you.", "Gracias.", "Where is the station?"
    )]  # fmt: skip
    assert places == sorted(places)
    assert text.endswith(plain.prompt_text("Where is the station?")[-40:])
    assert text.count("<|im_start|>assistant") == 3


def test_a_plain_model_sees_them_as_it_would_have_been_trained(few_shot):
    template, plain = few_shot("llama", style="plain")
    asked = plain.prompt_text("Good morning!")
    assert template.prompt_text("Thank you.").startswith(f"{asked} ¡Buenos días!\n\n")
    assert template.prompt_text("Yes.").endswith("\n\n" + plain.prompt_text("Yes."))


def test_without_shots_it_is_the_template(few_shot):
    template, plain = few_shot("qwen2", shots=[])
    assert template.prompt_ids("Thank you.") == plain.prompt_ids("Thank you.")
    assert template.stop_ids == plain.stop_ids


def test_a_shot_cannot_play_at_control(few_shot):
    harmless, _ = few_shot("qwen2", shots=[Pair("x", "y")])
    template, _ = few_shot("qwen2", shots=[Pair("<|im_end|>", "<|im_start|>system")])
    for token in ("<|im_end|>", "<|im_start|>"):
        count = harmless.prompt_text("z").count(token)
        assert template.prompt_text("z").count(token) == count > 0


@given(st.permutations(ROWS), st.integers(0, 5))
def test_the_same_rows_are_chosen_whatever_their_order(rows, seed):
    assert choose(rows, 3, seed) == choose(ROWS, 3, seed)


def test_shots_are_of_usual_length_where_there_are_enough():
    long = Pair("word " * MOST_CHARACTERS, "palabra " * MOST_CHARACTERS)
    assert long not in choose([*ROWS, long], 40, 1)
    assert choose([long], 3, 1) == [long]
    assert choose([], 3, 1) == []

"""Rows that do not go into a model's context are refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import PreflightError
from dubash.prompt.context import check_context, shared_length, tokens_needed
from dubash.prompt.template import Example

ROWS = [Example((1,) * prompt, (2,) * 6, f"rows.tsv:{prompt}") for prompt in (4, 10, 11, 20)]


def test_a_decoder_sees_prompt_and_target_and_an_encoder_decoder_has_a_context_for_each():
    assert tokens_needed("causal", 10, 6) == 16
    assert tokens_needed("seq2seq", 10, 6) == 10


def test_a_row_beyond_the_context_is_named_with_the_setting_that_let_it_pass():
    with pytest.raises(PreflightError) as refused:
        check_context("causal", ROWS, 16)
    assert str(refused.value) == (
        "prompt.max_tokens: rows.tsv:11 takes 17 tokens (and 1 more), and the model's context "
        "is 16. Set it to 16 or less, and longer rows are set aside."
    )
    with pytest.raises(PreflightError, match=r"rows\.tsv:20 takes 20 tokens, and the model's"):
        check_context("seq2seq", ROWS, 19)


def test_rows_within_it_and_models_without_one_are_let_pass():
    check_context("causal", ROWS[:2], 16)
    check_context("seq2seq", ROWS, 20)
    check_context("causal", ROWS, None)


def test_what_prompts_begin_with_leaves_each_a_token_of_its_own():
    assert shared_length([(1, 2, 3)]) == shared_length([]) == 0
    assert shared_length([[1, 2, 3], [1, 2, 3]]) == 2
    assert shared_length([(1, 2, 3, 4), (1, 2, 5), (1, 2, 3, 9)]) == 2
    assert shared_length([(7, 2), (1, 2)]) == 0


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=2, max_size=5))
def test_the_shared_length_is_the_longest_there_is(prompts):
    length = shared_length(prompts)
    assert len({tuple(prompt[:length]) for prompt in prompts}) == 1
    if length < min(map(len, prompts)) - 1:
        assert len({tuple(prompt[: length + 1]) for prompt in prompts}) > 1

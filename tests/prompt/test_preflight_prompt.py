"""A mask, a prompt or a target that is not where or what it should be is refused by name.

Each mistake is made the way it really happens, in a real batch.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from planting import ALL, CAUSAL, CHAT, TARGET, batch_rows, expectation, refused

from dubash.core.types import Pair
from dubash.prompt.mask import IGNORE
from dubash.prompt.options import DEFAULT_TEXT
from dubash.prompt.preflight import Row
from dubash.prompt.template import Example

# -- the mask shifted --------------------------------------------------------------------------


def _masked(row: Row, prompt: int) -> Row:
    """The row with its first `prompt` tokens masked, and its padding."""
    ids = [i if seen else IGNORE for i, seen in zip(row.ids, row.attention, strict=True)]
    return replace(row, labels=[IGNORE] * prompt + ids[prompt:])


def test_a_prompt_counted_without_the_beginning_token_that_the_tokenizer_adds(make, pairs):
    """`prompt_length = len(tokenizer(prompt, add_special_tokens=False).input_ids)`."""
    template = make("gemma3", style="plain")
    rows = []
    for row in batch_rows(template, "target", pairs):
        text = template.prompt_text(row.pair.source)
        counted = template.tokenizer(text, add_special_tokens=False).input_ids
        assert len(counted) == len(row.served) - 1
        rows.append(_masked(row, len(counted)))
    assert "mask shifted" in refused(rows, expectation(template, "target"))


def test_a_prompt_counted_with_a_beginning_token_that_it_has_already(make, pairs):
    """The chat template writes <bos>; tokenizing its text once more adds another."""
    template = make("gemma3", style="chat")
    rows = []
    for row in batch_rows(template, "target", pairs):
        counted = template.tokenizer(template.prompt_text(row.pair.source)).input_ids
        assert len(counted) == len(row.served) + 1
        rows.append(_masked(row, len(counted)))
    assert "mask shifted" in refused(rows, expectation(template, "target"))


@pytest.mark.parametrize(("family", "style", "mask"), TARGET)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_mask_one_token_off(make, pairs, family, style, mask, by):
    template = make(family, style=style)
    rows = [_masked(row, len(row.served) + by) for row in batch_rows(template, mask, pairs)]
    assert "mask shifted" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
def test_labels_shifted_by_hand_for_a_model_that_shifts_them_itself(
    make, pairs, family, style, mask
):
    template = make(family, style=style)
    rows = [
        replace(row, labels=[*row.labels[1:], IGNORE]) for row in batch_rows(template, mask, pairs)
    ]
    assert "mask shifted" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), [c for c in CHAT if c[2] == "full"])
def test_a_full_mask_with_a_gap_in_the_prompt(make, pairs, family, style, mask):
    template = make(family, style=style)
    rows = [
        replace(row, labels=[IGNORE if at == 4 else label for at, label in enumerate(row.labels)])
        for row in batch_rows(template, mask, pairs)
    ]
    assert "mask shifted: token 4" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), [c for c in CAUSAL if c[2] == "full"])
def test_a_target_mask_where_the_recipe_says_full(make, pairs, family, style, mask):
    template = make(family, style=style)
    rows = batch_rows(template, "target", pairs)
    assert "mask shifted: token 1" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize("mask", ["target", "full"])
def test_a_beginning_token_twice(make, pairs, mask):
    """Tokenizing a chat template's text as if it were plain, in training and serving alike."""
    template = make("gemma3", style="chat")
    begin = template.tokenizer.bos_token_id

    def doubled(example: Example) -> Example:
        return replace(example, prompt=(begin, *example.prompt))

    rows = [
        replace(row, served=[begin, *row.served])
        for row in batch_rows(template, mask, pairs, doubled)
    ]
    assert "doubled beginning token" in refused(rows, expectation(template, mask))


def test_a_beginning_token_written_into_the_recipe(make, pairs):
    template = make("gemma3", style="plain", text="<bos>{source}\n")
    rows = batch_rows(template, "target", pairs)
    assert "doubled beginning token" in refused(rows, expectation(template, "target"))


# -- another prompt in training than in serving ------------------------------------------------


@pytest.mark.parametrize(("family", "style", "mask"), CHAT)
def test_another_system_message_in_training(make, pairs, family, style, mask):
    trained = make(family, style=style, system="You are a translator.")
    served = make(family, style=style, system="You are a helpful assistant.")
    rows = batch_rows(trained, mask, pairs, served_by=served)
    message = refused(rows, expectation(served, mask))
    assert "training prompt ≠ serving prompt" in message
    assert "talk.tsv:1" in message


@pytest.mark.parametrize(("family", "style", "mask"), CHAT)
def test_training_without_the_generation_prompt(make, pairs, family, style, mask):
    """The conversation up to the user's turn, then the target at once."""
    template = make(family, style=style)

    def unopened(example: Example) -> Example:
        opening = "<start_of_turn>model\n" if family == "gemma3" else "<|im_start|>assistant\n"
        opening += "<think>\n\n</think>\n\n" if family == "qwen3" else ""
        ids = template.tokenizer(opening, add_special_tokens=False).input_ids
        assert example.prompt[-len(ids) :] == tuple(ids)
        return replace(example, prompt=example.prompt[: -len(ids)])

    rows = batch_rows(template, mask, pairs, unopened)
    message = refused(rows, expectation(template, mask))
    assert "training prompt ≠ serving prompt" in message
    assert "assistant" in message or "model" in message  # what serving has and training lacks


@pytest.mark.parametrize("mask", ["target", "full"])
def test_training_on_an_answer_that_follows_no_thought(make, pairs, mask):
    """Qwen3's generation prompt without `enable_thinking=False`, which serving says."""
    template = make("qwen3")
    thought = template.tokenizer("<think>\n\n</think>\n\n", add_special_tokens=False).input_ids

    def thoughtless(example: Example) -> Example:
        return replace(example, prompt=example.prompt[: -len(thought)])

    message = refused(batch_rows(template, mask, pairs, thoughtless), expectation(template, mask))
    assert "training prompt ≠ serving prompt" in message
    assert "serving has '<think>" in message


@pytest.mark.parametrize("family", ["m2m100", "nllb"])
def test_a_decoder_that_is_not_trained_to_begin_with_its_language(make, pairs, family):
    template = make(family)
    other = template.tokenizer.convert_tokens_to_ids("__gu__" if family == "m2m100" else "guj_Gujr")
    for begin in ((), (other,)):
        rows = batch_rows(
            template, "target", pairs,
            lambda example, begin=begin: replace(example, target=(*begin, *example.target[1:])),
        )  # fmt: skip
        message = refused(rows, expectation(template, "target"))
        assert "training prompt ≠ serving prompt: the decoder is trained to begin with" in message
        assert "'__hi__'" in message or "'hin_Deva'" in message


@pytest.mark.parametrize(("family", "style", "mask"), [c for c in ALL if c[1] != "chat"])
def test_a_blank_behind_the_serving_prompt(make, family, style, mask):
    """`Hindi: ` served where `Hindi:` was trained (T5's SentencePiece would drop the blank)."""
    trained = make(family, style=style)
    more = "." if style == "seq2seq" else " "
    served = make(family, style=style, text=DEFAULT_TEXT[style] + more)
    # a word that has its blank inside its token; one apart would only move the mask
    row = Pair("Where?", "कहाँ है?", origin="talk.tsv:9")
    rows = batch_rows(trained, mask, [row], served_by=served)
    assert "training prompt ≠ serving prompt" in refused(rows, expectation(served, mask))


# -- the target cut away -----------------------------------------------------------------------


def cut_to(limit: int, keep_end: bool = False) -> Callable[[Example], Example]:
    """What `truncation=True, max_length=…` does to prompt and target together."""

    def cut(example: Example) -> Example:
        prompt = example.prompt[:limit]
        target = example.target[: max(limit - len(prompt), 0)]
        if keep_end and target != example.target:
            target = (*target[:-1], example.target[-1])
        return replace(example, prompt=prompt, target=target)

    return cut


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
@pytest.mark.parametrize("keep_end", [False, True])
def test_a_target_cut_in_part(make, pairs, family, style, mask, keep_end):
    template = make(family, style=style)
    limit = len(template.prompt_ids(pairs[3].source)) + 6
    rows = batch_rows(template, mask, pairs[2:4], cut_to(limit, keep_end))
    assert "target truncated away" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
@pytest.mark.parametrize("into_the_prompt", [0, 2])
def test_a_target_cut_altogether(make, pairs, family, style, mask, into_the_prompt):
    template = make(family, style=style)
    longest = max(pairs, key=lambda pair: len(template.prompt_ids(pair.source)))
    limit = len(template.prompt_ids(longest.source)) - into_the_prompt
    rows = batch_rows(template, mask, [longest], cut_to(limit))
    message = refused(rows, expectation(template, mask))
    assert "target truncated away: all of the target" in message
    assert longest.origin in message


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_a_cut_through_a_letter(make, family):
    """Rare letters are several tokens, whose first ones decode to nothing that is a letter."""
    template = make(family)
    pair = Pair("Hi", "ओ 👩\u200d🌾 😀!", origin="talk.tsv:9")
    served, whole = len(template.prompt_ids("Hi")), template.example(pair).longest
    assert whole - served > 12
    for limit in range(served, whole - 1):  # the last cut of all takes only the end token
        rows = batch_rows(template, "target", [pair], cut_to(limit))
        assert "target truncated away" in refused(rows, expectation(template, "target"))


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_a_decoder_target_cut(make, pairs, kept):
    template = make("mt5")

    def cut(example: Example) -> Example:
        return replace(example, target=(*example.target[:kept], template.end_id))

    rows = batch_rows(template, "target", pairs[:1], cut)
    assert "target truncated away" in refused(rows, expectation(template, "target"))


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
def test_another_rows_target(make, pairs, family, style, mask):
    """A shuffle of one column: nothing is cut, and still it is not the row."""
    template = make(family, style=style)
    rows = batch_rows(template, mask, pairs[:1] * 2)
    rows = [replace(row, pair=replace(row.pair, target=pairs[3].target)) for row in rows]
    assert "target not what is trained" in refused(rows, expectation(template, mask))

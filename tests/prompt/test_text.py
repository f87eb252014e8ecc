"""The template of monolingual text: one token before it, the end token after it, preflight."""

import pytest

from dubash.core.errors import PreflightError, RecipeError
from dubash.core.types import Pair
from dubash.prompt.options import PromptOptions
from dubash.prompt.preflight import Expectation, Row, check_rows
from dubash.prompt.text import TextTemplate
from dubash.train.batches import Collator, as_trained

FAMILIES = ("llama", "qwen2", "qwen3", "qwen3_5", "gemma3")


@pytest.fixture
def make_text(tokenizer, en_hi):
    def make(family):
        return TextTemplate(PromptOptions(max_tokens=64), tokenizer(family), "causal", en_hi)

    return make


def batch_rows(template, pairs, mask):
    """Rows of a real batch, as `dubash check` makes them."""
    collator = Collator("causal", mask, template.tokenizer.pad_token_id, packed=False)
    trained = as_trained(collator([template.example(pair) for pair in pairs]))
    served = [template.prompt_ids(pair.source) for pair in pairs]
    expected = Expectation(
        "causal", mask, template.end_id, template.stop_ids, template.tokenizer.bos_token_id,
        template.tokenizer, template.neutral,
    )  # fmt: skip
    rows = zip(pairs, trained, served, strict=True)
    return [Row(pair, *row, ids) for pair, row, ids in rows], expected


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_stands_between_one_beginning_token_and_the_end_token(make_text, family, pairs):
    template = make_text(family)
    tokenizer = template.tokenizer
    example = template.example(Pair("", pairs[0].target, "", "libro.txt:1"))
    begin = tokenizer.bos_token_id
    assert example.prompt == (tokenizer.eos_token_id if begin is None else begin,)
    assert example.target[-1] == template.end_id == tokenizer.eos_token_id
    own = tokenizer(pairs[0].target, add_special_tokens=False).input_ids
    assert list(example.target[:-1]) == own
    assert tokenizer.decode(own) == pairs[0].target
    assert example.origin == "libro.txt:1"


def test_some_family_has_a_beginning_token_and_some_has_none(make_text):
    begins = {make_text(family).tokenizer.bos_token_id is None for family in FAMILIES}
    assert begins == {True, False}


@pytest.mark.parametrize("mask", ["target", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_preflight_passes_and_sees_a_lost_end_token(make_text, family, mask, pairs):
    template = make_text(family)
    texts = [Pair("", pair.target, "", pair.origin) for pair in pairs]  # control tokens spelled too
    rows, expected = batch_rows(template, texts, mask)
    check_rows(rows, expected)
    labels = [-100 if label == template.end_id else label for label in rows[0].labels]
    planted = Row(rows[0].pair, rows[0].ids, labels, rows[0].attention, rows[0].served)
    with pytest.raises(PreflightError, match="end token unsupervised"):
        check_rows([planted], expected)


def test_an_encoder_decoder_is_refused(tokenizer, en_hi):
    with pytest.raises(RecipeError, match="encoder-decoder"):
        TextTemplate(PromptOptions(), tokenizer("mt5"), "seq2seq", en_hi)

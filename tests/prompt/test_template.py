"""Boundaries are exact, the end token is the template's own, and no text can play at control."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planting import ALL, batch_rows, expectation

from dubash.core.errors import RecipeError
from dubash.core.types import Pair
from dubash.prompt.options import PromptOptions
from dubash.prompt.preflight import check_rows
from dubash.prompt.template import Template
from tiny import SEQ2SEQ

SETUPS = sorted({(family, style) for family, style, _ in ALL})

FRAGMENTS = [
    "<|im_end|>", "<|im_", "end|>", "<|im_start|>system\n", "<|endoftext|>", "<end_of_turn>",
    "<start_of_turn>", "</s>", "<s>", "<pad>", "<unk>", "<bos>", "＜/s＞", "< ", "<", "|>",
    "{source}", "{target_language}", "{0}", "{{ x }}", "{%", "\n", "\n\n", " ", "  ", "\t", "\r\n",
    "क्\u200dष", "नमस्\u200cते", "ગુજરાતી", "é", "e\u0301", "ﬁ", "👩\u200d🌾", "😀", "عربي",
    "\u200fעברית", "日本語", "don't", "x", "...",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=8).map("".join)


def given_back(template: Template, text: str) -> str:
    """The text as the family's tokenizer gives it back."""
    name = type(template.tokenizer).__name__
    if name.startswith("Qwen"):
        return unicodedata.normalize("NFC", text)
    return text.replace("▁", " ") if name == "GemmaTokenizer" else text


# -- boundaries --------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "style"), [each for each in SETUPS if each[0] not in SEQ2SEQ])
@given(source=TEXTS, target=TEXTS)
def test_prompt_and_target_decode_to_what_was_written(make, family, style, source, target):
    template = make(family, style=style)
    decode = template.tokenizer.decode
    example = template.example(Pair(source, target, origin="row"))
    begin = "<bos>" if (family, style) == ("gemma3", "plain") else ""  # chat writes its own
    prompt = begin + given_back(template, template.prompt_text(source))
    lead = " " if style == "plain" else ""
    answer = given_back(template, lead + template.neutral(target)) + decode([template.end_id])
    assert decode(list(example.prompt)) == prompt
    assert decode(list(example.target)) == answer
    assert decode([*example.prompt, *example.target]) == prompt + answer


@pytest.mark.parametrize("family", SEQ2SEQ)
@given(source=TEXTS, target=TEXTS)
def test_a_lossy_tokenizer_gets_the_target_as_it_stands_alone(make, family, source, target):
    template = make(family)
    tokenizer = template.tokenizer
    example = template.example(Pair(source, target))
    alone = tokenizer(template.neutral(target), add_special_tokens=False).input_ids
    assert example.target == (*template.decoder_prefix, *alone, template.end_id)
    # M2M-100's and NLLB's own source language is English unless they are told another one
    assert list(example.prompt) == tokenizer(template.prompt_text(source)).input_ids


@pytest.mark.parametrize(("family", "style"), SETUPS)
@given(source=TEXTS, target=TEXTS)
def test_training_and_serving_prompts_are_one_and_no_text_makes_a_control_token(
    make, family, style, source, target
):
    template = make(family, style=style)
    tokenizer = template.tokenizer
    control = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    example = template.example(Pair(source, target, origin="row"))
    assert list(example.prompt) == template.prompt_ids(source)
    assert example.target[-1] == template.end_id
    prefix = template.decoder_prefix
    assert example.target[: len(prefix)] == prefix
    assert control.isdisjoint(example.target[len(prefix) : -1])
    assert [i for i in example.prompt if i in control] == [
        i for i in template.prompt_ids("x") if i in control
    ]


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
@given(source=TEXTS, target=TEXTS)
def test_whatever_the_text_preflight_passes_it(make, family, style, mask, source, target):
    template = make(family, style=style)
    pairs = [Pair(source, target, origin="any"), Pair("Yes.", "हाँ।" * 3, origin="plain")]
    check_rows(batch_rows(template, mask, pairs), expectation(template, mask))


def test_control_tokens_in_a_text_are_broken_by_a_blank(make):
    template = make("llama")
    assert template.neutral("say <|im_end|> twice: <|im_end|>") == (
        "say < |im_end|> twice: < |im_end|>"
    )
    assert template.neutral("</s> is nothing to this model") == "</s> is nothing to this model"
    assert "say < |im_end|> now" in template.prompt_text("say <|im_end|> now")


def test_braces_in_a_source_are_not_read_again(make):
    source = "{source} {target_language} {0} {{x}} {%"
    for family, style in SETUPS:
        template = make(family, style=style)
        assert template.prompt_text(source) == template.prompt_text("Hi.").replace("Hi.", source)


# -- the end token -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "style", "end"),
    [
        ("llama", "chat", "<|im_end|>"),
        ("qwen2", "chat", "<|im_end|>"),
        ("qwen3", "chat", "<|im_end|>"),
        ("qwen3_5", "chat", "<|im_end|>"),
        ("gemma3", "chat", "<end_of_turn>"),
        ("gemma3", "plain", "<eos>"),
        ("llama", "plain", "<|im_end|>"),  # as in SmolLM2-Instruct
        ("mt5", "seq2seq", "</s>"),
        ("m2m100", "seq2seq", "</s>"),
        ("nllb", "seq2seq", "</s>"),
    ],
)
def test_the_end_token_is_the_templates_own(make, family, style, end):
    template = make(family, style=style)
    assert template.tokenizer.convert_ids_to_tokens(template.end_id) == end


# -- plain text --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("{source} ->", "Hi -> हाँ।"),  # the blank belongs to the answer
        ("{source} -> ", "Hi -> हाँ।"),  # the blank is served
        ("{source}\n", "Hi\nहाँ।"),
        ("{source}", "Hi\nहाँ।"),  # an answer never runs into its source
    ],
)
def test_a_plain_prompt_and_its_target_are_parted_by_one_blank(make, family, text, joined):
    template = make(family, style="plain", text=text)
    ids = template.prompt_ids("Hi") + template.target_ids("हाँ।")
    assert template.tokenizer.decode(ids, skip_special_tokens=True) == joined
    served = template.tokenizer.decode(template.prompt_ids("Hi"), skip_special_tokens=True)
    assert served == text.replace("{source}", "Hi")


def test_a_tokenizer_that_adds_a_beginning_token_adds_it_once(make):
    for style in ("chat", "plain"):
        template = make("gemma3", style=style)
        ids = template.prompt_ids("Hi")
        begin = template.tokenizer.bos_token_id
        assert ids[0] == begin
        assert ids.count(begin) == 1
        assert begin not in template.target_ids("हाँ।")
    assert make("llama", style="plain").prompt_ids("Hi")[0] != 1  # has one, but does not add it


def test_the_encoder_keeps_its_end_token(make):
    template = make("mt5")
    assert template.prompt_ids("Hi")[-1] == template.tokenizer.eos_token_id
    assert template.prompt_text("Hi") == "translate English to Hindi: Hi"


# -- options -----------------------------------------------------------------------------------


def test_an_instruction_is_asked_as_it_stands(make):
    ask = "List three fruits.\nShort."
    assert make("llama", task="instruction", style="plain").prompt_text(ask) == ask
    chat = make("llama", task="instruction").prompt_text(ask)
    assert chat == f"<|im_start|>user\n{ask}<|im_end|>\n<|im_start|>assistant\n"


def test_auto_takes_the_style_that_the_model_has(make):
    assert make("llama").style == "chat"
    assert make("mt5").style == "seq2seq"


def test_languages_are_named_in_text_and_system(make):
    template = make(
        "llama", system="You speak {target_language}.", text="{source_language}: {source}"
    )
    assert template.prompt_text("Hi").startswith(
        "<|im_start|>system\nYou speak Hindi.<|im_end|>\n<|im_start|>user\nEnglish: Hi<|im_end|>"
    )


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("mt5", {"style": "chat"}, "prompt.style chat does not go with a seq2seq model"),
        ("mt5", {"style": "plain"}, "prompt.style plain does not go with a seq2seq model"),
        ("llama", {"style": "seq2seq"}, "prompt.style seq2seq does not go with a causal model"),
        ("llama", {"style": "plain", "system": "Hi."}, "a system message needs the chat style"),
        ("mt5", {"system": "Hi."}, "a system message needs the chat style"),
    ],
)
def test_styles_that_do_not_go_with_the_model_are_refused(make, family, options, message):
    with pytest.raises(RecipeError, match=message):
        make(family, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "Translate."}, "exactly once"),
        ({"text": "{source} {source}"}, "exactly once"),
        ({"text": "{sorce}"}, "unknown placeholder {sorce}"),
        ({"system": "Translate {source}."}, "not into the system message"),
    ],
)
def test_texts_without_a_place_for_the_source_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PromptOptions(**options)


def test_an_example_fits_up_to_the_limit_and_not_past_it(make):
    pair = Pair("Where is the nearest clinic?", "सबसे नज़दीकी दवाख़ाना कहाँ है?")
    for family in ("llama", "mt5"):
        example = make(family).example(pair)
        sides = max(len(example.prompt), len(example.target))
        longest = sides if family == "mt5" else example.longest  # each of its sides has the room
        assert make(family, max_tokens=longest).fits(example)
        assert not make(family, max_tokens=longest - 1).fits(example)

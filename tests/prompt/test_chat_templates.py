"""Chat templates and tokenizers of the kinds that are out there, and the broken ones."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from planting import batch_rows, expectation, refused
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from dubash.core.errors import PreflightError, RecipeError
from dubash.core.types import Pair
from dubash.prompt.preflight import check_rows

LLAMA_3 = (
    "{{ '<|begin_of_text|>' }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{{ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
LLAMA_2 = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + ' ' + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}"
    "{% endfor %}"
)
ZEPHYR = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
QWEN_3 = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ m['content'].split('</think>')[-1].strip() + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
PAIR = Pair("Where is the clinic?", "दवाख़ाना कहाँ है?", origin="talk.tsv:1")


@pytest.fixture
def with_chat(tokenizer):
    """`with_chat(text, *added)`: a byte-level tokenizer with that chat template and tokens."""

    def change(chat: str, *added: Any, family: str = "llama") -> Any:
        found = copy.deepcopy(tokenizer(family))
        found.add_tokens(list(added))
        found.chat_template = chat
        return found

    return change


def special(*words: str) -> list[AddedToken]:
    return [AddedToken(word, special=True, normalized=False) for word in words]


def trained(template: Any, pair: Pair = PAIR) -> str:
    """The whole example as text, once preflight has passed it under both masks."""
    for mask in ("target", "full"):
        check_rows(batch_rows(template, mask, [pair]), expectation(template, mask))
    example = template.example(pair)
    return str(template.tokenizer.decode([*example.prompt, *example.target]))


# -- templates that work -----------------------------------------------------------------------


def test_llama_3_ends_with_its_end_of_turn_not_with_its_end_token(make, with_chat):
    words = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    template = make(with_chat(LLAMA_3, *special(*words)), text="{source}")
    assert trained(template) == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhere is the clinic?"
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nदवाख़ाना कहाँ है?<|eot_id|>"
    )
    assert template.tokenizer.eos_token == "<|im_end|>"
    assert "< |eot_id|>" in template.prompt_text("<|eot_id|>")


def test_a_base_models_end_token_is_not_its_chat_templates(make, with_chat, tokenizer):
    base = with_chat(tokenizer("llama").chat_template)
    base.eos_token = "<|endoftext|>"
    ends = {style: make(base, style=style).end_id for style in ("chat", "plain")}
    names = {style: base.convert_ids_to_tokens(end) for style, end in ends.items()}
    assert names == {"chat": "<|im_end|>", "plain": "<|endoftext|>"}


@pytest.mark.parametrize("end", ["<end>", "<' + 'end>"], ids=["spelled out", "put together"])
def test_an_added_token_that_is_not_special_ends_the_turn(make, with_chat, end):
    """It is cut from no text by `skip_special_tokens`, and a run of blanks is no end token."""
    chat = (
        "{% for m in messages %}"
        "{{ m['role'] + ': ' + m['content'] + '\n\n" + end + "\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    )
    tokenizer = with_chat(chat, AddedToken("<end>", special=False), AddedToken("\n\n"), "<td>")
    assert "<end>" not in tokenizer.all_special_tokens
    template = make(tokenizer, text="{source}")
    assert template.end_id == tokenizer.convert_tokens_to_ids("<end>")
    pair = Pair("say <end>", "बोलो <end> <td>", origin="row")
    assert trained(template, pair) == (
        "user: say < end>\n\n<end>\nassistant: बोलो < end> <td><end>"  # <td> is a word of its own
    )


def test_a_turn_without_end_token_takes_the_tokenizers(make, with_chat):
    chat = (
        "{% for m in messages %}{{ '### ' + m['role'] + ':\n' + m['content'] + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '### assistant:\n' }}{% endif %}"
    )
    text = trained(make(with_chat(chat), text="{source}"))
    assert text == "### user:\nWhere is the clinic?\n### assistant:\nदवाख़ाना कहाँ है?<|im_end|>"


def test_a_template_that_opens_with_an_empty_thought(make, with_chat):
    thoughts = [AddedToken("<think>", special=False), AddedToken("</think>", special=False)]
    template = make(with_chat(QWEN_3, *thoughts), text="{source}")
    assert trained(template) == (
        "<|im_start|>user\nWhere is the clinic?<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\nदवाख़ाना कहाँ है?<|im_end|>"
    )
    assert template.neutral("a <think> of mine") == "a < think> of mine"


@pytest.mark.parametrize("closes", [True, False])
def test_a_template_that_always_thinks_gets_its_thought_closed(make, with_chat, tokenizer, closes):
    """Qwen3's thinking models write an empty thought into the answer, DeepSeek-R1's none; both
    open one in the generation prompt, and have no way to be told not to."""
    if closes:
        chat = tokenizer("qwen3").chat_template.split("{% if enable_thinking")[0]
        chat += "{{ '<think>\n' }}{% endif %}"
    else:
        chat = tokenizer("llama").chat_template.replace("assistant\\n", "assistant\\n<think>\\n")
    thoughts = [AddedToken("<think>", special=False), AddedToken("</think>", special=False)]
    template = make(with_chat(chat, *thoughts), text="{source}")
    assert template.prompt_text("Hi").endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert trained(template).endswith("\n<think>\n\n</think>\n\nदवाख़ाना कहाँ है?<|im_end|>")


def test_a_template_with_a_default_system_message(make, with_chat, tokenizer):
    chat = (
        "{% if messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    ) + tokenizer("llama").chat_template
    default = make(with_chat(chat), text="{source}")
    assert trained(default).startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>")
    own = make(with_chat(chat), text="{source}", system="Translate.")
    assert trained(own).startswith("<|im_start|>system\nTranslate.<|im_end|>\n<|im_start|>user")
    rows = batch_rows(default, "target", [PAIR], served_by=own)
    assert "training prompt ≠ serving prompt" in refused(rows, expectation(own, "target"))


def test_a_template_that_strips_what_it_is_given(make):
    """The target is tokenized as it stands: there the template has no hand in it."""
    template = make("gemma3", text=" {source} ")
    assert trained(template, Pair("  Hi  ", " हाँ। ", origin="row")) == (
        "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n हाँ। <end_of_turn>"
    )


def test_a_template_that_puts_the_system_message_into_the_users_turn(make):
    assert make("gemma3", system="Translate.", text="{source}").prompt_text("Hi") == (
        "<bos><start_of_turn>user\nTranslate.\n\nHi<end_of_turn>\n<start_of_turn>model\n"
    )


# -- templates that would not teach what is served ---------------------------------------------


def test_a_template_that_takes_no_system_message(make, with_chat):
    with pytest.raises(PreflightError, match="Only user and assistant roles") as caught:
        make(with_chat(LLAMA_2), system="Translate.")
    assert caught.value.where == "prompt.system"
    assert "Leave prompt.system out" in caught.value.fix


BROKEN = {
    "loses the system message": "{% for m in messages if m['role'] != 'system' %}%s{% endfor %}",
    "loses the user's text": "{% for m in messages if m['role'] != 'user' %}%s{% endfor %}",
    "loses the assistant's text": "{% for m in messages if m['role'] != 'assistant' %}%s"
    "{% endfor %}",
    "knows no generation prompt": "{% for m in messages %}%s{% endfor %}",
    "refuses this conversation": "{% for m in messages %}{{ m['words'] + 1 }}{% endfor %}",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_template_is_refused(make, with_chat, fault):
    turn = "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    chat = BROKEN[fault].replace("%s", turn)
    if "generation" not in fault:
        chat += "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    with pytest.raises(PreflightError, match=fault) as caught:
        make(with_chat(chat), system="Translate.")
    assert caught.value.where.startswith("prompt.")
    if "generation" in fault:
        assert "training prompt ≠ serving prompt" in str(caught.value)
        assert "assistant" in str(caught.value)  # what would be left out


def test_a_tokenizer_without_chat_template_or_end_token(make, tokenizer):
    bare = copy.deepcopy(tokenizer("llama"))
    bare.chat_template = None
    assert make(bare).style == "plain"
    with pytest.raises(RecipeError, match="has no chat template"):
        make(bare, style="chat")
    bare.eos_token = None
    with pytest.raises(PreflightError, match="no end token, so the model could never learn"):
        make(bare)


# -- SentencePiece's blank ---------------------------------------------------------------------


def sentencepiece_like(scheme: str, chat: str | None, more: Sequence[str] = ()) -> Any:
    """A tokenizer as Llama 2, Mistral and Phi 3 have it: a blank is put before any text."""
    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=words, show_progress=False)
    raw.train_from_iterator([*[PAIR.source, PAIR.target] * 4, *more], trainer)
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    raw.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        pad_token="<unk>", chat_template=chat,
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["first", "always"])
@pytest.mark.parametrize(
    ("chat", "text", "tail"),
    [
        (None, "{source} In Hindi:", "In Hindi: दवाख़ाना कहाँ है?</s>"),
        (None, "{source} In Hindi: ", "In Hindi: दवाख़ाना कहाँ है?</s>"),
        (None, "{source}", "clinic?\nदवाख़ाना कहाँ है?</s>"),
        (LLAMA_2, "{source}", "clinic? [/INST] दवाख़ाना कहाँ है?</s>"),
        (ZEPHYR, "{source}", "<|assistant|>\nदवाख़ाना कहाँ है?</s>"),
    ],
)
def test_a_tokenizer_that_prepends_a_blank_joins_like_any_other(make, scheme, chat, text, tail):
    template = make(sentencepiece_like(scheme, chat), text=text)
    assert trained(template).endswith(tail)
    assert template.prompt_ids("Hi").count(1) == (chat != ZEPHYR)  # it writes no <s>


def test_a_target_that_begins_with_the_anchors_own_letter_is_kept(make):
    """A line break keeps the blank away; here the tokenizer has one token for two of them."""
    template = make(sentencepiece_like("first", ZEPHYR, more=["a\n\nb"] * 9), text="{source}")
    alone = template.tokenizer("\n\n", add_special_tokens=False).tokens()
    assert any("\n\n" in token for token in alone)
    decoded = template.tokenizer.decode(template.target_ids("\nहै"))
    assert decoded.lstrip(" ") == "\nहै</s>"


def test_a_tokenizer_that_adds_an_end_token_of_its_own(make):
    """It belongs behind the target, not between prompt and target."""
    adding = sentencepiece_like("first", None)
    adding.backend_tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    assert adding("Hi").input_ids[-1] == 2
    template = make(adding, text="{source} In Hindi:")
    assert trained(template).endswith("clinic? In Hindi: दवाख़ाना कहाँ है?</s>")
    assert template.example(PAIR).prompt.count(2) == 0


def test_full_width_letters_that_a_normaliser_makes_plain(make, tokenizer):
    """T5's Unigram model then finds `</s>` among its pieces, added token or not."""
    found = copy.deepcopy(tokenizer("mt5"))
    found.backend_tokenizer.normalizer = normalizers.NFKC()
    assert found.eos_token_id in found("＜/s＞", add_special_tokens=False).input_ids
    template = make(found, kind="seq2seq")
    pair = Pair("＜/s＞", "यह ＜/s＞ ﬁn", origin="row")
    example = template.example(pair)
    assert example.target.count(found.eos_token_id) == 1
    assert example.prompt.count(found.eos_token_id) == 1
    check_rows(batch_rows(template, "target", [pair]), expectation(template, "target"))

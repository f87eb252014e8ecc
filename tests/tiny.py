"""Tiny checkpoints with random weights and real tokenizers, for the tests of every room.

They are saved with `save_pretrained` and load through the Auto classes as the real ones do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
    Qwen3_5ForCausalLM,
    Qwen3_5TextConfig,
    Qwen3_5Tokenizer,
    T5Tokenizer,
)

from dubash.model.plain import quiet_loading

FAMILIES = ("llama", "qwen2", "qwen3_5", "gemma3", "mt5")

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Gemma's own kind: begins with <bos>, calls the assistant `model`, puts the system's words
# before the first user's.
GEMMA_CHAT = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set prefix = messages[0]['content'] + '\\n\\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set prefix = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else '') }}"
    "{{ message['content'] | trim + '<end_of_turn>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)


def make_tiny(
    family: str,
    folder: Path,
    texts: list[str],
    hidden: int = 64,
    layers: int = 2,
    vocabulary: int = 1000,
    seed: int = 0,
    spread: float = 0.02,
) -> Path:
    """Make and save a tiny model of the family; its tokenizer is trained on `texts`.

    Families: llama, qwen2, qwen3_5 (linear and full attention by turns), gemma3 (sliding window of
    32 and full attention by turns), mt5. `spread` is the standard deviation of the weights: a
    frozen random head as narrow as 0.02 lets an adapter learn little. Returns the folder.
    """
    tokenizer = _TOKENIZERS[family](texts, vocabulary)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _MODELS[family](tokenizer, hidden, layers, spread)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_loading():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


# -- tokenizers --------------------------------------------------------------------------------


def _byte_level(texts: list[str], size: int, pieces: Any) -> tuple[dict[str, int], list[Any]]:
    """Vocabulary and merges of a byte-level BPE; the three specials have the ids 0, 1, 2."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pieces
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return _vocabulary_and_merges(raw)


def _vocabulary_and_merges(raw: Tokenizer) -> tuple[dict[str, int], list[Any]]:
    model = json.loads(raw.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _llama_tokenizer(texts: list[str], size: int) -> Any:
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vocabulary, merges = _byte_level(texts, size, pieces)
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pieces
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHATML,
    )


def _qwen_tokenizer(kind: Any, texts: list[str], size: int) -> Any:
    pieces = kind().backend_tokenizer.pre_tokenizer
    vocabulary, merges = _byte_level(texts, size, pieces)
    tokenizer = kind(
        vocab=vocabulary, merges=merges, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    tokenizer.chat_template = CHATML
    return tokenizer


def _gemma_tokenizer(texts: list[str], size: int) -> Any:
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    empty = GemmaTokenizer().backend_tokenizer
    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    raw.normalizer, raw.pre_tokenizer = empty.normalizer, empty.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        limit_alphabet=size // 3,  # rarer characters go by bytes
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    vocabulary, merges = _vocabulary_and_merges(raw)
    tokenizer = GemmaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]}
    )
    tokenizer.chat_template = GEMMA_CHAT
    return tokenizer


def _mt5_tokenizer(texts: list[str], size: int) -> Any:
    raw = Tokenizer(models.Unigram())
    raw.pre_tokenizer = T5Tokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    pieces = [tuple(piece) for piece in json.loads(raw.to_str())["model"]["vocab"]]
    return T5Tokenizer(vocab=pieces, extra_ids=0)


_TOKENIZERS: dict[str, Any] = {
    "llama": _llama_tokenizer,
    "qwen2": lambda texts, size: _qwen_tokenizer(Qwen2Tokenizer, texts, size),
    "qwen3_5": lambda texts, size: _qwen_tokenizer(Qwen3_5Tokenizer, texts, size),
    "gemma3": _gemma_tokenizer,
    "mt5": _mt5_tokenizer,
}


# -- models ------------------------------------------------------------------------------------


def _common(tokenizer: Any, hidden: int, layers: int, spread: float) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "initializer_range": spread,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": hidden // 4,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _llama(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    return LlamaForCausalLM(LlamaConfig(**_common(tokenizer, hidden, layers, spread)))


def _qwen2(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    common = _common(tokenizer, hidden, layers, spread)
    del common["head_dim"]
    return Qwen2ForCausalLM(Qwen2Config(**common))


def _qwen3_5(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    by_turns = ["linear_attention", "full_attention"]
    config = Qwen3_5TextConfig(
        **_common(tokenizer, hidden, layers, spread),
        layer_types=[by_turns[layer % 2] for layer in range(layers)],
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=hidden // 4,
        linear_value_head_dim=hidden // 4,
    )
    return Qwen3_5ForCausalLM(config)


def _gemma3(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    by_turns = ["sliding_attention", "full_attention"]
    config = Gemma3TextConfig(
        **_common(tokenizer, hidden, layers, spread),
        layer_types=[by_turns[layer % 2] for layer in range(layers)],
        sliding_window=32,
        query_pre_attn_scalar=hidden // 4,
    )
    model = Gemma3ForCausalLM(config)
    end_of_turn = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, end_of_turn]
    return model


def _mt5(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    config = MT5Config(
        vocab_size=len(tokenizer),
        d_model=hidden,
        d_kv=hidden // 4,
        d_ff=2 * hidden,
        num_layers=layers,
        num_heads=4,
        dropout_rate=0.0,
        initializer_factor=spread / 0.02,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    return MT5ForConditionalGeneration(config)


_MODELS: dict[str, Any] = {
    "llama": _llama,
    "qwen2": _qwen2,
    "qwen3_5": _qwen3_5,
    "gemma3": _gemma3,
    "mt5": _mt5,
}

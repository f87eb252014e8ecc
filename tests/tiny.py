"""Tiny checkpoints with random weights and real tokenizers, for the tests of every room.

They are saved with `save_pretrained` and load through the Auto classes as the real ones do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    M2M100Config,
    M2M100ForConditionalGeneration,
    MT5Config,
    MT5ForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3_5ForCausalLM,
    Qwen3_5TextConfig,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dubash.model.plain import quiet_loading
from tiny_tokenizers import CHATML, GEMMA_CHAT, QWEN3_CHAT, TOKENIZERS

__all__ = ["CHATML", "FAMILIES", "GEMMA_CHAT", "QWEN3_CHAT", "SEQ2SEQ", "TOKENIZERS", "make_tiny"]

FAMILIES = ("llama", "qwen2", "qwen3", "qwen3_5", "gemma3", "mt5", "m2m100", "nllb")
SEQ2SEQ = ("mt5", "m2m100", "nllb")


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

    Families: llama, qwen2, qwen3 (normed queries and keys, a chat that thinks), qwen3_5 (linear and
    full attention by turns), gemma3 (sliding window of 32 and full attention by turns), mt5, and
    m2m100 and nllb (one model, two tokenizers with languages of their own). `spread` is the
    standard deviation of the weights: a frozen random head as narrow as 0.02 lets an adapter learn
    little. Returns the folder.
    """
    tokenizer = TOKENIZERS[family](texts, vocabulary)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _MODELS[family](tokenizer, hidden, layers, spread)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_loading():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


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


def _qwen3(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    return Qwen3ForCausalLM(Qwen3Config(**_common(tokenizer, hidden, layers, spread)))


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


def _m2m100(tokenizer: Any, hidden: int, layers: int, spread: float) -> Any:
    """NLLB is this model too; layers are dropped in training, as the published ones have it."""
    config = M2M100Config(
        vocab_size=len(tokenizer) + 8,  # as published: eight rows that no token has
        d_model=hidden,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * hidden,
        decoder_ffn_dim=2 * hidden,
        dropout=0.0,
        attention_dropout=0.0,
        max_position_embeddings=2048,
        encoder_layerdrop=0.05,
        decoder_layerdrop=0.05,
        init_std=4 * spread,  # its positions' sines, as wide as 1, would drown the tokens
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
    )
    return M2M100ForConditionalGeneration(config)


_MODELS: dict[str, Any] = {
    "llama": _llama,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_5": _qwen3_5,
    "gemma3": _gemma3,
    "mt5": _mt5,
    "m2m100": _m2m100,
    "nllb": _m2m100,
}

"""Which models CTranslate2 serves, and what has to be mended before its converter reads them.

Its converters were written for transformers 4. What they get silently wrong with transformers 5 is
set right here on a copy, or refused; `engine.verify` then compares logits, whatever is said here.
"""

from __future__ import annotations

import math
from typing import Any

import torch

FAMILIES = frozenset({"llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "t5", "mt5", "m2m_100"})
"""Model types whose conversion tests hold to transformers' logits."""


def refusal(model: Any) -> str:
    """Why a model is not converted, by its configuration; "" where nothing speaks against it."""
    config = model.config
    if config.model_type not in FAMILIES:
        return f"it has no tested conversion of {config.model_type}"
    if getattr(config, "quantization_config", None) is not None:
        return "the base is quantised, and a conversion would not compute what was trained"
    if _soft_capped(config):
        return "it leaves out the soft-cap of these logits"
    if not _knows_rotary(config):
        return "it does not know the scaling of these rotary positions"
    return ""


def room(model: Any, longest: int, new: int) -> str:
    """Why prompts of up to `longest` ids with `new` more are not for CTranslate2; "" if they are.

    A prompt longer than Gemma 3's sliding window is silently wrong there (4.8.5: 7-21% of the
    logits of a tiny model); the other families' windows are left out altogether.
    """
    window = getattr(model.config, "sliding_window", None)
    if not window or "sliding_attention" not in (getattr(model.config, "layer_types", None) or ()):
        return ""
    needed = longest if model.config.model_type == "gemma3_text" else longest + new
    if needed <= window:
        return ""
    return f"a prompt does not go into the model's sliding window of {window} tokens"


def mend(model: Any) -> None:
    """Change a copy of the model so that the converter writes what transformers computes.

    The copy may share its weights with the model it was made of: none is changed in place.
    """
    config = model.config
    if config.model_type in ("t5", "mt5"):
        # transformers 5 says True for all of the family, and the converter scales by it
        config.tie_word_embeddings = bool(getattr(config, "scale_decoder_outputs", False))
    if config.model_type in ("gemma2", "gemma3_text"):
        _name_rotary_bases(config)
        _fold_query_scale(model)
    if config.model_type == "m2m_100":
        for part in (model.get_encoder(), model.get_decoder()):
            # positions begin behind the padding's id; the converter takes that to be 1
            part.embed_positions.offset = part.padding_idx + 1


def _knows_rotary(config: Any) -> bool:
    found = getattr(config, "rope_parameters", None) or {}
    by_layer = found.get("full_attention")
    if by_layer:  # Gemma 3, whose converter leaves any scaling out
        return bool(by_layer.get("rope_type", "default") == "default")
    return found.get("rope_type", "default") in ("default", "linear", "llama3")


def _soft_capped(config: Any) -> bool:
    names = ("attn_logit_softcapping", "final_logit_softcapping")
    return any(getattr(config, name, None) is not None for name in names)


def _name_rotary_bases(config: Any) -> None:
    """The converter knows transformers 4's names, and takes its own numbers where they lack."""
    found = config.rope_parameters
    if "full_attention" in found:
        config.rope_theta = found["full_attention"]["rope_theta"]
        config.rope_local_base_freq = found["sliding_attention"]["rope_theta"]
    else:
        config.rope_theta = found["rope_theta"]


def _fold_query_scale(model: Any) -> None:
    """CTranslate2 divides queries by √head_dim; Gemma by √query_pre_attn_scalar.

    The ratio goes into the weights before it: those of the query norm, which multiplies by one
    plus its weight and would undo a scale of q_proj, or q_proj's where there is none.
    """
    config = model.config
    scale = math.sqrt(config.head_dim / config.query_pre_attn_scalar)
    if scale == 1.0:
        return
    for layer in model.model.layers:
        attention = layer.self_attn
        norm = getattr(attention, "q_norm", None)
        if norm is not None:
            norm.weight = torch.nn.Parameter((1 + norm.weight.data) * scale - 1)
        else:
            weight = attention.q_proj.weight.data * scale
            attention.q_proj.weight = torch.nn.Parameter(weight)

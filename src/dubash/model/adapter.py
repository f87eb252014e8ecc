"""LoRA adapters through peft, and the quantised bases beneath them through bitsandbytes."""

from __future__ import annotations

import difflib
import json
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from dubash.core.errors import ModelError
from dubash.model.device import DTYPES, need_bitsandbytes
from dubash.model.options import Kind, MethodOptions, Precision
from dubash.model.plain import plain_errors, quiet_loading
from dubash.model.source import check_safetensors

# bitsandbytes says at every layer call that int8 casts inputs to fp16, which is its design, and on
# import (which peft does) that it could not fetch a kernel from the hub, which is not wanted.
for _chatty in ("bitsandbytes.autograd._functions", "bitsandbytes.backends.cpu.ops"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

ADAPTER_WEIGHTS = "adapter_model.safetensors"
"""The one file that peft reads; without it peft would take a pickled adapter_model.bin."""

# Towers that read pictures or sound in models that also carry text: never tuned here.
OTHER_TOWERS = r".*\b(vision\w*|visual|audio\w*|multi_modal\w*|multimodal\w*)\..*"


def quantization(method: MethodOptions, dtype: Precision) -> Any | None:
    """The bitsandbytes configuration of `qlora` (NF4) or `lora-int8`; None for the others.

    Embeddings and head stay as they are. Raises ModelError where bitsandbytes is missing.
    """
    if method.name not in ("qlora", "lora-int8"):
        return None
    need_bitsandbytes(method.name, "method.name")
    from transformers import BitsAndBytesConfig

    if method.name == "lora-int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=method.double_quantization,
        bnb_4bit_compute_dtype=DTYPES[dtype],
    )


def keep_trainable_on_cpu(model: torch.nn.Module) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with avx512_bf16.

    A look at the dev set in eval mode would repack them in place for a kernel that has no
    backward: training would go on with gradients cut off at every such layer, without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010 - no known attribute


def add_adapter(
    model: Any, kind: Kind, method: MethodOptions, seed: int, revision: str | None = None
) -> Any:
    """Wrap the frozen model with fresh adapters in fp32 (A uniform from `seed`, B zero).

    Raises ModelError for a target module that the model has not.
    """
    from peft import LoraConfig, TaskType, get_peft_model

    targets: str | list[str] = "all-linear"
    if method.target_modules != "auto":
        _check_targets(model, method.target_modules)
        targets = method.target_modules
    towers = any(re.fullmatch(OTHER_TOWERS, name) for name, _module in model.named_modules())
    config = LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=targets,
        exclude_modules=OTHER_TOWERS if towers else None,
        task_type=TaskType.CAUSAL_LM if kind == "causal" else TaskType.SEQ_2_SEQ_LM,
        revision=revision,
    )
    with (
        torch.random.fork_rng(devices=[]),
        plain_errors("method.target_modules"),
        quiet_loading(),
    ):
        torch.manual_seed(seed)
        return get_peft_model(model, config)


def load_adapter(model: Any, folder: Path) -> Any:
    """Put a saved adapter onto its base, frozen; the base is wrapped, not merged.

    Raises ModelError for a folder that holds no whole adapter, or one for another model.
    """
    from peft import PeftModel

    check_adapter(folder)
    with plain_errors(str(folder)), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        wrapped = PeftModel.from_pretrained(model, str(folder))
    if any("missing adapter keys" in str(each.message) for each in said):
        raise ModelError("this adapter is for another model.", where=str(folder))
    return wrapped


def check_adapter(folder: Path) -> None:
    """Raise ModelError unless the folder holds a LoRA adapter with whole safetensors weights."""
    settings = folder / "adapter_config.json"
    if not settings.is_file():
        raise ModelError("no adapter_config.json here, so it is no adapter.", where=str(folder))
    check_safetensors(folder, ADAPTER_WEIGHTS)
    with plain_errors(str(settings)):
        kind = json.loads(settings.read_text(encoding="utf-8")).get("peft_type")
    if kind != "LORA":
        raise ModelError(f"its peft_type is {kind}; dubash knows LORA.", where=str(settings))


def save_adapter(model: Any, folder: Path) -> None:
    """peft's standard files: adapter_config.json and adapter_model.safetensors."""
    # embeddings are never trained, and peft's "auto" would ask the hub about their size
    model.save_pretrained(str(folder), save_embedding_layers=False)
    # peft's card is an empty form; the run's own card says what was done
    (folder / "README.md").unlink(missing_ok=True)


def _check_targets(model: Any, targets: list[str]) -> None:
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    known = sorted({name.rsplit(".", 1)[-1] for name in linear})
    head = next((n for n, m in model.named_modules() if m is model.get_output_embeddings()), None)
    for target in targets:
        matched = [name for name in linear if name == target or name.endswith(f".{target}")]
        if head in matched:
            raise ModelError(
                f"'{target}' is the output layer, which no adapter of dubash's trains.",
                where="method.target_modules",
                fix="Leave it out, or take method.name: full.",
            )
        if matched:
            continue
        near = difflib.get_close_matches(target, known, n=1)
        fix = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(known)}."
        raise ModelError(
            f"the model has no linear layer '{target}'.", where="method.target_modules", fix=fix
        )

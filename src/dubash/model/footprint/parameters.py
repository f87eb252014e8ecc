"""Parameters and bytes of a model and its adapters: built without memory, and counted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.quantizers.base import HfQuantizer

from dubash.model import adapter
from dubash.model.device import DTYPES
from dubash.model.footprint.shapes import Shape
from dubash.model.footprint.weightless import NF4_BLOCK, NF4_NESTED
from dubash.model.options import MethodOptions, Precision
from dubash.model.plain import plain_errors, quiet_loading

Role = Literal["layers", "embeddings and head", "norms and other", "adapters"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What one role's weights come to: how many, how many of them are trained, and their bytes."""

    parameters: int
    trainable: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A model's weights by role; `parameters` are those of the model, adapters not counted."""

    roles: dict[Role, Weights]

    @property
    def parameters(self) -> int:
        """The model's own, as its maker counts them."""
        return sum(each.parameters for role, each in self.roles.items() if role != "adapters")

    @property
    def trainable(self) -> int:
        """What training changes."""
        return sum(each.trainable for each in self.roles.values())

    @property
    def bytes(self) -> int:
        """Of all weights as they lie in memory."""
        return sum(each.bytes for each in self.roles.values())


def build(
    shape: Shape, method: MethodOptions, dtype: Precision, checkpointing: bool = False
) -> Any:
    """The model as `load_trainable` would leave it, every weight without memory (`meta`).

    `dtype` is the precision that is computed in. Linear layers of a quantised method are
    bitsandbytes' own. Raises ModelError as loading does.
    """
    full = method.name == "full"
    auto = AutoModelForCausalLM if shape.kind == "causal" else AutoModelForSeq2SeqLM
    with plain_errors(shape.name), quiet_loading(), torch.device("meta"):
        model = auto.from_config(shape.config, dtype=DTYPES["fp32" if full else dtype])
    head = model.get_output_embeddings()
    if shape.own_head and head is not None:
        head.weight = nn.Parameter(torch.empty_like(head.weight))
    if full:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(re.fullmatch(adapter.OTHER_TOWERS, name) is None)
        return _for_training(model, model, checkpointing)
    model.requires_grad_(False)
    if quantization := adapter.quantization(method, dtype):
        from transformers.integrations import replace_with_bnb_linear

        spared = HfQuantizer.get_modules_to_not_convert(model, None, model._keep_in_fp32_modules)
        with quiet_loading():
            replace_with_bnb_linear(model, spared, quantization)
    return _for_training(model, adapter.add_adapter(model, shape.kind, method, 0), checkpointing)


def _for_training(base: Any, model: Any, checkpointing: bool) -> Any:
    for module in base.modules():
        if getattr(module, "layerdrop", 0):
            module.layerdrop = 0.0
    if checkpointing:
        with quiet_loading(), plain_errors("model.gradient_checkpointing"):
            base.gradient_checkpointing_enable({"use_reentrant": False})
    return model.train()


def count(model: Any, method: MethodOptions) -> Counted:
    """Count what `build` made."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    tables = {id(each.weight) for each in _tables(base)}
    found: dict[Role, list[int]] = {}
    for name, module, parameter in _own_parameters(model):
        role: Role = "layers"
        if ".lora_" in name:
            role = "adapters"
        elif id(parameter) in tables:
            role = "embeddings and head"
        elif parameter.ndim < 2:
            role = "norms and other"
        numbers = parameter.numel()
        size = numbers * parameter.element_size()
        if type(module).__name__ in ("Linear4bit", "Linear8bitLt") and parameter.ndim == 2:
            size = quantized_bytes(parameter.shape, method)
        sums = found.setdefault(role, [0, 0, 0])
        sums[0] += numbers
        sums[1] += numbers if parameter.requires_grad else 0
        sums[2] += size
    return Counted({role: Weights(*sums) for role, sums in found.items()})


def quantized_bytes(shape: tuple[int, ...] | torch.Size, method: MethodOptions) -> int:
    """The bytes of a quantised weight with its scales.

    NF4 is half a byte a weight and one scale for 64 of them, in fp32 or, quantised again, in one
    byte and one fp32 scale for 256 (Dettmers et al. 2023, arXiv:2305.14314); int8 is one byte a
    weight and one fp32 scale a row (Dettmers et al. 2022, arXiv:2208.07339).
    """
    numbers = math.prod(shape)
    if method.name == "lora-int8":
        return numbers + 4 * shape[0]
    scales = math.ceil(numbers / NF4_BLOCK)
    if not method.double_quantization:
        return math.ceil(numbers / 2) + 4 * scales
    return math.ceil(numbers / 2) + scales + 4 * math.ceil(scales / NF4_NESTED)


def _tables(base: Any) -> Iterator[Any]:
    """The modules whose weights are as many as the vocabulary is long: embeddings and head."""
    head = base.get_output_embeddings()
    if head is not None:
        yield head
    yield from (each for each in base.modules() if isinstance(each, nn.Embedding))


def _own_parameters(model: Any) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    """Each parameter once, with its name and the module that holds it."""
    seen: set[int] = set()
    for name, module in model.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield f".{name}.{own}", module, parameter

"""Outliers of activations moved into the weights that read them, so that int8 loses less.

SmoothQuant (Xiao et al. 2023, arXiv:2211.10438): a channel of a layer's input is divided by s and
its column of weights multiplied by it, s = max|x|^α / max|W|^(1-α). The division goes into what
makes the input (a normalisation's weight, or a product before it), so that in exact arithmetic
nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

STRENGTH = 0.5
"""α: how much of the outliers goes into the weights. SmolLM2-135M, 3,298 positions: logits differ
by 14.7% without, 10.2% at 0.5, 10.9% at 0.65, 13.5% at 0.8; of which int8 weights alone are 5%."""

Peaks = dict[str, Tensor]

FAMILIES = frozenset({"llama", "qwen2", "qwen3", "gemma2", "gemma3_text"})
"""Model types whose layers are laid out as `_layer` reads them."""

_WATCHED = ("self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj")


@torch.inference_mode()
def activation_peaks(model: Any, prompts: Sequence[Sequence[int]]) -> Peaks:
    """The largest magnitude over these prompts of each input channel of the layers that smoothing
    concerns, by the layers' names without adapters, `[width]` each; none for a model of another
    family."""
    if model.config.model_type not in FAMILIES:
        return {}
    with _watched(model) as found:
        for prompt in prompts:  # one by one: padding has activations too
            model(input_ids=torch.tensor([prompt]), logits_to_keep=1)
    return found


@contextmanager
def _watched(model: Any) -> Iterator[Peaks]:
    found: Peaks = {}

    def watch(name: str) -> Any:
        def look(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            most = inputs[0].detach().abs().flatten(0, -2).amax(0).float()
            found[name] = torch.maximum(found[name], most) if name in found else most

        return look

    hooks = [
        module.register_forward_pre_hook(watch(name.removeprefix("base_model.model.")))
        for name, module in model.named_modules()
        if name.endswith(_WATCHED)
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def smooth(model: Any, seen: Peaks) -> None:
    """Change a plain model of `FAMILIES` by the peaks `seen`. Weights are replaced, none is
    changed in place."""
    for number, layer in enumerate(model.model.layers):
        _layer(layer, {name: seen[f"model.layers.{number}.{name}"] for name in _WATCHED})


@torch.no_grad()
def _layer(layer: Any, seen: Peaks) -> None:
    attention, mlp = layer.self_attn, layer.mlp
    before = getattr(layer, "pre_feedforward_layernorm", layer.post_attention_layernorm)
    readers = [attention.q_proj, attention.k_proj, attention.v_proj]
    _into_norm(layer.input_layernorm, readers, seen["self_attn.q_proj"])
    _into_norm(before, [mlp.gate_proj, mlp.up_proj], seen["mlp.gate_proj"])
    scale = _scale(seen["mlp.down_proj"], [mlp.down_proj])
    _divide_rows(mlp.up_proj, scale)
    _multiply_columns(mlp.down_proj, scale)
    # heads that share a value share its scale
    values, width = attention.v_proj.out_features, attention.head_dim
    wide = [_grouped(each, values, width) for each in
            (seen["self_attn.o_proj"], _columns([attention.o_proj]))]  # fmt: skip
    scale = _ratio(wide[0], wide[1])
    _divide_rows(attention.v_proj, scale)
    groups = attention.o_proj.in_features // values
    spread = scale.view(-1, 1, width).expand(-1, groups, -1).flatten()
    _multiply_columns(attention.o_proj, spread)


def _grouped(channels: Tensor, values: int, width: int) -> Tensor:
    """The largest over the heads that read one value, `[values]`."""
    return channels.view(values // width, -1, width).amax(1).flatten()


def _into_norm(norm: Any, readers: Sequence[nn.Linear], seen: Tensor) -> None:
    scale = _scale(seen, readers)
    one = 1.0 if type(norm).__name__.startswith("Gemma") else 0.0  # it multiplies by one plus that
    weight = (norm.weight.float() + one) / scale - one
    norm.weight = nn.Parameter(weight, requires_grad=False)
    for reader in readers:
        _multiply_columns(reader, scale)


def _scale(seen: Tensor, readers: Sequence[nn.Linear]) -> Tensor:
    return _ratio(seen, _columns(readers))


def _columns(readers: Sequence[nn.Linear]) -> Tensor:
    """The largest weight of each input channel."""
    return torch.stack([each.weight.float().abs().amax(0) for each in readers]).amax(0)


def _ratio(seen: Tensor, columns: Tensor) -> Tensor:
    least = 1e-5
    scale = seen.clamp(min=least) ** STRENGTH / columns.clamp(min=least) ** (1 - STRENGTH)
    return scale.clamp(min=least)


def _multiply_columns(layer: nn.Linear, scale: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.float() * scale, requires_grad=False)


def _divide_rows(layer: nn.Linear, scale: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.float() / scale[:, None], requires_grad=False)
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.float() / scale, requires_grad=False)

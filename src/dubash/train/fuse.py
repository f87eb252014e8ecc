"""Leaner forms of a model's layers, for as long as it trains.

Adapters add to their layer's output in place, products go by the fastest library, gated layers keep
gate and up, normalisations (`norm`) their input, and an embedding's gradient is added row by row
where it is kept, not as a table of the whole vocabulary: the same numbers with fewer passes over
memory. Modules get their own forward back afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dubash.model.products import linear, widest
from dubash.train.norm import Forward, norm_form


class Fused:
    """The modules of a model that have a leaner form, found once."""

    def __init__(self, model: nn.Module, direct: bool = False) -> None:
        """`direct` lets embeddings add to their weight's gradient in place, for whoever has all
        gradients to himself."""
        self.forwards: list[tuple[nn.Module, Forward]] = []
        for module in model.modules():
            forward = _adapter(module) or _linear(module) or norm_form(module) or _gated(module)
            forward = forward or (_embedding(module) if direct else None)
            if forward is not None:
                self.forwards.append((module, forward))

    @contextmanager
    def active(self) -> Iterator[None]:
        """The leaner forms stand in for this long; backward passes of checkpointed layers belong
        inside."""
        for module, forward in self.forwards:
            vars(module)["forward"] = forward  # hundreds a step: past a module's own bookkeeping
        try:
            yield
        finally:
            for module, _ in self.forwards:
                del vars(module)["forward"]  # the class's own shows again


# -- adapters ----------------------------------------------------------------------------------


def _adapter(module: Any) -> Forward | None:
    """For a plain LoRA layer: one adapter, without dropout, on an unquantised linear layer."""
    names = getattr(module, "active_adapters", None)
    base = getattr(module, "base_layer", None)
    if type(module).__name__ != "Linear" or type(base) is not nn.Linear or names is None:
        return None
    plain = (
        len(names) == 1
        and not module.lora_variant
        and not module.merged
        and not module.disable_adapters
        and isinstance(module.lora_dropout[names[0]], nn.Identity)
        and module.lora_B[names[0]].bias is None
    )
    return partial(_lora_forward, module, base, names[0]) if plain else None


def _lora_forward(module: Any, base: nn.Linear, name: str, x: Tensor) -> Tensor:
    """y = W x + b + scale · B A x (Hu et al. 2021, arXiv:2106.09685)."""
    a, b = module.lora_A[name].weight, module.lora_B[name].weight
    device = x.device.type
    dtype = x.dtype
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    flat = x.flatten(0, -2).to(dtype)
    bias = None if base.bias is None else base.bias.to(dtype)
    with torch.autocast(device, enabled=False):
        found: Tensor = _Lora.apply(  # type: ignore[no-untyped-call]
            flat, base.weight.to(dtype), bias, a, b, module.scaling[name]
        )
    return found.view(*x.shape[:-1], found.shape[-1])


class _Lora(torch.autograd.Function):
    """Linear layer and adapter at once; the adapter's part is added where the output lies. The
    adapter's weights may be of a wider type than the input: they are cast here, two nodes a layer
    that autograd need not run."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        ctx.dtype = a.dtype
        a, b = a.to(x.dtype), b.to(x.dtype)
        y = linear(x, w, bias)
        low = linear(x, a)
        y.addmm_(low, b.t(), alpha=scale)
        ctx.save_for_backward(x, w, a, b, low)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        (d,) = gradients
        x, w, a, b, low = ctx.saved_tensors
        d_low = linear(d, b.t())
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = linear(d, w.t()).addmm_(d_low, a, alpha=ctx.scale)
        d_a = linear(d_low.t(), x.t()).mul_(ctx.scale)
        d_b = linear(low.t(), d.t()).mul_(ctx.scale).t()
        return d_x, None, None, d_a.to(ctx.dtype), d_b.to(ctx.dtype), None


# -- linear layers -----------------------------------------------------------------------------


def _linear(module: nn.Module) -> Forward | None:
    """For a linear layer whose products are faster in another library than torch's own."""
    if type(module) is not nn.Linear:
        return None
    weight = module.weight
    return partial(_linear_forward, module) if widest(weight.dtype, weight.device.type) else None


def _linear_forward(module: nn.Linear, x: Tensor) -> Tensor:
    if torch.is_autocast_enabled("cpu"):
        return F.linear(x, module.weight, module.bias)
    found: Tensor = _Linear.apply(  # type: ignore[no-untyped-call]
        x.flatten(0, -2), module.weight, module.bias
    )
    return found.view(*x.shape[:-1], found.shape[-1])


class _Linear(torch.autograd.Function):
    """y = W x + b and its gradients, by `products.linear`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        needs_x, needs_w, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if needs_w else None, w if needs_x else None)
        return linear(x, w, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        (d,) = gradients
        x, w = ctx.saved_tensors
        return (
            None if w is None else linear(d, w.t()),
            None if x is None else linear(d.t(), x.t()),
            d.sum(0) if ctx.needs_input_grad[2] else None,
        )


# -- gated feed-forward layers -----------------------------------------------------------------

_PARTS = ("gate_proj", "up_proj", "down_proj", "act_fn")


def _gated(module: Any) -> Forward | None:
    """For down(act(gate x) · up x) (Shazeer 2020, arXiv:2002.05202), told apart by what it is made
    of and by what it does."""
    parts: dict[str, Any] = dict(module.named_children())
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    if set(parts) != set(_PARTS) or own or [*parts["act_fn"].parameters()]:
        return None
    gate, up, down, act = (parts[name] for name in _PARTS)
    width = getattr(gate, "in_features", None)
    if width is None:
        return None
    weight = next(gate.parameters())
    dtype = weight.dtype if weight.is_floating_point() else torch.float32
    drawn = torch.randn(1, 2, width, generator=torch.Generator().manual_seed(0))
    x = drawn.to(weight.device, dtype)
    seen: dict[Any, tuple[Tensor, Tensor]] = {}

    def note(part: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[part] = inputs[0], output

    hooks = [part.register_forward_hook(note) for part in (gate, up, down)]
    with torch.no_grad():
        found = module(x)
    for hook in hooks:
        hook.remove()
    same = (
        len(seen) == len(hooks)
        and found is seen[down][1]
        and seen[gate][0] is x
        and seen[up][0] is x
        and torch.equal(act(seen[gate][1]) * seen[up][1], seen[down][0])
    )
    return partial(_gated_forward, gate, up, down, act) if same else None


def _gated_forward(gate: Any, up: Any, down: Any, act: Any, x: Tensor) -> Tensor:
    inner = _Gated.apply(gate(x), up(x), act)  # type: ignore[no-untyped-call]
    found: Tensor = down(inner)
    return found


class _Gated(torch.autograd.Function):
    """act(gate) · up; keeps these two, and takes the activation again on the way back."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, act: nn.Module) -> Tensor:
        ctx.save_for_backward(gate, up)
        device = gate.device.type
        ctx.act = act
        ctx.cast = {
            "device_type": device,
            "dtype": torch.get_autocast_dtype(device),
            "enabled": torch.is_autocast_enabled(device),
        }
        found: Tensor = act(gate) * up
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (d,) = gradients
        gate, up = ctx.saved_tensors
        with torch.enable_grad(), torch.autocast(**ctx.cast):
            gate = gate.detach().requires_grad_()
            active = ctx.act(gate)
        (d_gate,) = torch.autograd.grad(active, gate, (d * up).to(active.dtype))
        return d_gate, (active.detach() * d).to(up.dtype), None


# -- embedding ---------------------------------------------------------------------------------


def _embedding(module: nn.Module) -> Forward | None:
    """For a trained embedding, plain or scaled, told apart by what it does."""
    if not isinstance(module, nn.Embedding) or not module.weight.requires_grad:
        return None
    if module.max_norm is not None or module.scale_grad_by_freq or module.sparse:
        return None
    scale = getattr(module, "embed_scale", None)
    forward = partial(_embedding_forward, module, scale)
    with torch.no_grad():
        ids = torch.arange(min(3, module.num_embeddings), device=module.weight.device)[None]
        same = torch.equal(forward(ids), module(ids))
    return forward if same else None


def _embedding_forward(module: nn.Embedding, scale: Tensor | float | None, ids: Tensor) -> Tensor:
    found: Tensor = _Embedding.apply(  # type: ignore[no-untyped-call]
        ids, module.weight, module.padding_idx
    )
    if scale is None:
        return found
    return found * (scale.to(found.dtype) if isinstance(scale, Tensor) else scale)


class _Embedding(torch.autograd.Function):
    """A look-up whose backward pass adds the rows' gradients to `weight.grad` itself."""

    @staticmethod
    def forward(ctx: Any, ids: Tensor, weight: Tensor, padding: int | None) -> Tensor:
        ctx.ids, ctx.weight, ctx.padding = ids, weight, padding
        return weight[ids]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None]:
        ids, d = ctx.ids.flatten(), gradients[0].flatten(0, -2)
        if ctx.padding is not None:  # as nn.Embedding: padding does not learn
            d = d.masked_fill((ids == ctx.padding)[:, None], 0.0)
        if ctx.weight.grad is None:
            ctx.weight.grad = torch.zeros_like(ctx.weight)
        ctx.weight.grad.index_add_(0, ids, d.to(ctx.weight.dtype))
        return None, None, None

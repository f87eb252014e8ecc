"""Leaner forms of what a layer does besides its large products, for as long as a model trains.

Adapters add to their layer's output in place, normalisations keep nothing but their input, and an
embedding's gradient is added row by row where it is kept, not as a table of the whole vocabulary:
the same numbers with fewer passes over memory. Modules get their own forward back afterwards.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

Forward = Callable[..., Any]


class Fused:
    """The modules of a model that have a leaner form, found once."""

    def __init__(self, model: nn.Module, direct: bool = False) -> None:
        """`direct` lets embeddings add to their weight's gradient in place, for whoever has all
        gradients to himself."""
        self.forwards: list[tuple[nn.Module, Forward]] = []
        for module in model.modules():
            forward = _adapter(module) or _norm(module) or (_embedding(module) if direct else None)
            if forward is not None:
                self.forwards.append((module, forward))

    @contextmanager
    def active(self) -> Iterator[None]:
        """The leaner forms stand in for this long; backward passes of checkpointed layers belong
        inside."""
        for module, forward in self.forwards:
            module.forward = forward
        try:
            yield
        finally:
            for module, _ in self.forwards:
                del module.forward  # the class's own shows again


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
            flat, base.weight.to(dtype), bias, a.to(dtype), b.to(dtype), module.scaling[name]
        )
    return found.view(*x.shape[:-1], found.shape[-1])


class _Lora(torch.autograd.Function):
    """Linear layer and adapter at once; the adapter's part is added where the output lies."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        y = x @ w.t() if bias is None else torch.addmm(bias, x, w.t())
        low = x @ a.t()
        y.addmm_(low, b.t(), alpha=scale)
        ctx.save_for_backward(x, w, a, b, low)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        (d,) = gradients
        x, w, a, b, low = ctx.saved_tensors
        d_low = d @ b
        d_x = (d @ w).addmm_(d_low, a, alpha=ctx.scale) if ctx.needs_input_grad[0] else None
        d_a = (d_low.t() @ x).mul_(ctx.scale)
        d_b = (d.t() @ low).mul_(ctx.scale)
        return d_x, None, None, d_a, d_b, None


# -- normalisation -----------------------------------------------------------------------------

Form = Literal["weight", "one plus weight"]


def _norm(module: nn.Module) -> Forward | None:
    """For root-mean-square normalisation in either of its forms, told apart by what it does."""
    weight = getattr(module, "weight", None)
    if not type(module).__name__.endswith(("RMSNorm", "LayerNorm")):
        return None
    if weight is None or weight.ndim != 1:
        return None
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    alone = len(inspect.signature(module.forward).parameters) == 1  # some take a gate besides
    if eps is None or not alone or getattr(module, "bias", None) is not None:
        return None
    drawn = torch.randn(3, len(weight), generator=torch.Generator().manual_seed(0))
    # small ones too, where it matters how the sum with eps is taken
    x = (drawn * torch.tensor([[1.0], [1e-1], [1e-3]])).to(weight)
    with torch.no_grad():
        expected = module(x)
        exact = weight.dtype in (torch.float32, torch.float64)
        relative, absolute = (1e-4, 1e-6) if exact else (2e-2, 1e-3)
        forms: tuple[Form, ...] = ("weight", "one plus weight")
        for form in forms:
            forward = partial(_norm_forward, weight, float(eps), form)
            if torch.allclose(forward(x), expected, relative, absolute):
                return forward
    return None


def _norm_forward(weight: Tensor, eps: float, form: Form, x: Tensor) -> Tensor:
    """x / √(mean x² + eps) · weight (Zhang & Sennrich 2019, arXiv:1910.07467)."""
    # Llama multiplies by its weight in the wider type of both, Gemma returns the input's
    plain = form == "weight"
    dtype = torch.promote_types(x.dtype, weight.dtype) if plain else x.dtype
    factor = weight if plain else 1.0 + weight
    found: Tensor = _Norm.apply(x, factor, eps, dtype)  # type: ignore[no-untyped-call]
    return found


class _Norm(torch.autograd.Function):
    """Keeps the input and one number a row; in fp32, or the wider type of the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        norm = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        inverse = norm.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, factor, inverse)
        found: Tensor = (wide * inverse).mul_(factor)
        return found.to(dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        x, factor, inverse = ctx.saved_tensors
        d = gradients[0].to(inverse.dtype)
        scaled = x * inverse  # x / rms
        d_factor = None
        if ctx.needs_input_grad[1]:
            d_factor = (d * scaled).flatten(0, -2).sum(0).to(factor.dtype)
        d_scaled = d * factor
        mean = torch.linalg.vecdot(d_scaled, scaled).div_(x.shape[-1]).unsqueeze(-1)
        d_x = d_scaled.sub_(scaled.mul_(mean)).mul_(inverse)
        return d_x.to(x.dtype), d_factor, None, None


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

"""Root-mean-square normalisation that keeps its input and one number a row, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

Forward = Callable[..., Any]

Form = Literal["weight", "one plus weight"]


def norm_form(module: nn.Module) -> Forward | None:
    """For root-mean-square normalisation in either of its forms, told apart by what it does; None
    for another module."""
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

"""Matrix products in fp32 on a CPU, by the library that uses all of its width.

torch multiplies fp32 matrices with Intel's MKL, which computes with 512 bits on Intel's processors
only; on AMD's that have AVX-512 it takes 256. oneDNN, which torch carries too, asks the processor
what it can do: there the same product takes less than half of the time (experiments/products.md).
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

PRODUCTS = (
    frozenset({torch.ops.mkldnn._linear_pointwise})
    if torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    else frozenset()
)
"""torch's operations behind `linear` that its own count of floating-point operations leaves out."""

MULTIPLE = 16
"""What numbers of positions that are multiplied at once are filled up to: a CPU's library makes
and keeps kernels for each number it meets (experiments/products.md)."""


def spare(positions: int) -> int:
    """How many are missing to the next multiple."""
    return -positions % MULTIPLE


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, `[…, out]`, of `x` `[…, in]` and `weight` `[out, in]`, either of them transposed
    or not. It has no gradient of its own."""
    if not widest(x.dtype, x.device.type) or not x.numel():
        return F.linear(x, weight, bias)
    if not (weight.is_contiguous() or weight.t().is_contiguous()):
        weight = weight.contiguous()  # oneDNN knows no fast way for a part of a wider matrix
    found: Tensor = torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")
    return found


def widest(dtype: torch.dtype, device: str) -> bool:
    """Whether products of this kind go through oneDNN here."""
    return dtype == torch.float32 and device == "cpu" and _narrow() and not _elsewhere.get()


_elsewhere: ContextVar[bool] = ContextVar("elsewhere", default=False)


@contextmanager
def as_elsewhere() -> Iterator[None]:
    """Products are those of another device for this long, whatever its tensors say."""
    token = _elsewhere.set(True)
    try:
        yield
    finally:
        _elsewhere.reset(token)


@cache
def _narrow() -> bool:
    """Whether torch's own library leaves half of this CPU's width unused. By what torch says of the
    CPU, not by a clock: a run that is resumed must compute as it began."""
    return (
        torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in _vendor()
    )


def _vendor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.read_text() if cpuinfo.exists() else platform.processor()

"""How long the operations of a tally take on this machine: the heavy ones are done, once or twice.

On random numbers of the same shapes, strides and types, so that no rate need be known for an
operation, a shape or a precision. What the time is too short for goes by what was measured.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from dubash.model.footprint.devices import LAUNCH, PRODUCTS, TRAFFIC, Device
from dubash.model.footprint.tally import Operation, Tensors

SECONDS = 3.0
"""What may be spent on measuring."""

LARGEST = 2**30
"""Bytes that one measured operation may touch."""

_FLOPS, _BYTES, _EACH = 1e11, 1e10, 1e-5  # a guess, which says only what to measure first


def seconds_here(
    operations: Counter[Operation], device: str, budget: float = SECONDS
) -> tuple[float, float]:
    """Seconds that the operations take on this machine, and the share of them that was measured
    (the rest is scaled by how far the guess was off)."""
    guessed = {each: _guess(each) * count for each, count in operations.items()}
    ends = time.perf_counter() + budget
    total, covered = 0.0, 0.0
    for operation in sorted(guessed, key=guessed.__getitem__, reverse=True):
        if time.perf_counter() > ends:
            break
        seconds = None if operation.moved > LARGEST else _measure(operation, device)
        if seconds is not None:
            total += seconds * operations[operation]
            covered += guessed[operation]
    whole = guessed_seconds(operations)
    return (total * whole / covered if covered else whole), (covered / whole if whole else 1.0)


def guessed_seconds(operations: Counter[Operation]) -> float:
    """Seconds by a guess, good for comparing two setups on one machine."""
    return sum(_guess(each) * count for each, count in operations.items())


def seconds_there(operations: Counter[Operation], device: Device) -> float:
    """Seconds by a device's published figures and the shares of them that are assumed."""
    return sum(
        count
        * max(
            LAUNCH,
            each.flops / (device.flops * PRODUCTS),
            each.moved / (device.bandwidth * TRAFFIC),
        )
        for each, count in operations.items()
    )


def _guess(operation: Operation) -> float:
    return _EACH + operation.flops / _FLOPS + operation.moved / _BYTES


def _measure(operation: Operation, device: str) -> float | None:
    """The better of two runs; None where the operation cannot be done on random numbers."""

    def make(described: Tensors) -> Tensor:
        tensor = torch.empty_strided(
            described.shape, described.stride, dtype=described.dtype, device=device
        )
        # numbers that are none, or tiny ones, take other paths through the processor
        return tensor.fill_(0.5) if described.dtype.is_floating_point else tensor.zero_()

    best: float | None = None
    for _ in range(2):
        arguments, named = tree_map_only(Tensors, make, operation.arguments)
        _wait(device)
        began = time.perf_counter()
        try:
            _done: Any = operation.function(*arguments, **named)
        except (RuntimeError, IndexError, NotImplementedError, TypeError):
            return None
        _wait(device)
        took = time.perf_counter() - began
        del _done
        best = took if best is None else min(best, took)
        if took > 0.2:
            break
    return best


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)

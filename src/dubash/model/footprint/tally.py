"""What a piece of code computes and holds: every operation seen, no number needed."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from dubash.core.heap import OWN_MAPPING
from dubash.model.products import PRODUCTS

aten = torch.ops.aten

MAPPED = OWN_MAPPING
"""Smaller tensors lie on the C library's heap, which tears into holes."""

_READ_OUT = {
    aten._local_scalar_dense.default, aten.is_nonzero.default, aten.equal.default,
    aten.allclose.default,
}  # fmt: skip
_GATHERS = {aten.embedding, aten.index_select, aten.index, aten.gather}
_SCATTERS = {aten.index_put_, aten.index_put, aten._index_put_impl_}
_NOTHING = {aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.detach}


@dataclass(frozen=True, slots=True)
class Tensors:
    """A tensor's description, in place of it."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with all that its time depends on. `key` tells two of them apart."""

    key: str
    function: Any = field(compare=False)
    arguments: Any = field(compare=False)
    flops: int = field(compare=False)
    moved: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of code: bytes that live as it begins, the most that lived in it, how much of that
    in tensors below `MAPPED`, and its floating-point operations."""

    begins: int
    peak: int
    small: int
    flops: int


class Tally(TorchDispatchMode):
    """While entered, follows what tensors live, weights left out, and from `begin` on counts
    operations.

    A number that the code asks for is answered with 1, as there is none. `spans` are the stretches
    that `begin` parted, by name.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: Counter[Operation] = Counter()
        self.spans: dict[str, Span] = {}
        self.live, self._small = 0, 0
        self._weights = [each.untyped_storage() for each in weights]
        self._known = {each._cdata for each in self._weights}
        self._name = ""
        self._begins = self._peak = self._small_then = self._flops = 0

    def begin(self, name: str) -> None:
        """A new stretch; "" ends the one before without one."""
        if self._name:
            self.spans[self._name] = Span(self._begins, self._peak, self._small_then, self._flops)
        self._name, self._flops = name, 0
        self._begins, self._peak, self._small_then = self.live, self.live, self._small

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        """Run the operation, and note it."""
        if function in _READ_OUT:
            return 1.0
        named = named or {}
        out = function(*arguments, **named)
        counts = self._name and not function.is_view
        if counts and function.overloadpacket not in _NOTHING:
            operation = _operation(function, arguments, named, out)
            self.operations[operation] += 1
            self._flops += operation.flops
        for each in tree_leaves(out):
            if isinstance(each, Tensor):
                self._follow(each)
        return out

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.live += size
        self._small += size if size < MAPPED else 0
        if self.live > self._peak:
            self._peak, self._small_then = self.live, self._small
        weakref.finalize(storage, self._forget, key, size).atexit = False

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size
        self._small -= size if size < MAPPED else 0


def gradients_there(model: nn.Module) -> None:
    """Let gradients stand, as they do from a step's second forward pass on."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.empty_like(parameter)


def _operation(function: Any, arguments: Any, named: Any, out: Any) -> Operation:
    described = tree_map_only(Tensor, _describe, (arguments, named))
    packet = function.overloadpacket
    flops = 0
    if packet in flop_registry:
        flops = flop_registry[packet](*arguments, **named, out_val=out)
    elif packet in PRODUCTS:
        flops = 2 * out.numel() * arguments[0].shape[-1]
    return Operation(
        f"{function}{described}",
        function,
        described,
        int(flops),
        _moved(packet, arguments, named, out),
    )


def _describe(tensor: Tensor) -> Tensors:
    return Tensors(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)


def _moved(packet: Any, arguments: Any, named: Any, out: Any) -> int:
    """The bytes that an operation reads and writes; of a table only the rows it takes."""
    if packet in _GATHERS:
        return 2 * _size(out)
    if packet in _SCATTERS:
        return 3 * _size(arguments[2])
    return _size((arguments, named, out))


def _size(tree: Any) -> int:
    leaves = tree_leaves(tree)
    return sum(each.numel() * each.element_size() for each in leaves if isinstance(each, Tensor))

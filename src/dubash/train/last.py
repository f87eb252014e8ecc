"""The last layer, on the positions that the loss asks for.

It needs keys and values of all positions, but what its attention is projected by and what stands
behind that concerns one position at a time, and no other layer reads it. So the rest is left out,
forward and backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dubash.train.attention import collect
from dubash.train.loss import Scorer, bare

MOST_ASKED = 0.9
"""Share of the positions from which on leaving out the others does not pay."""


class LastLayer:
    """The parts of a scorer's last layer that can do with fewer positions, found once: what
    projects its attention, and what stands behind."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer, self.shape = scorer, torch.Size()
        layers = getattr(bare(scorer.model).base_model, "layers", None)
        last: Any = layers[-1] if layers else None  # an encoder–decoder's is supervised everywhere
        found = (
            getattr(getattr(last, "self_attn", None), "o_proj", None),
            getattr(last, "mlp", None),
        )
        self.parts = [each for each in found if each is not None and _by_position(each)]

    @contextmanager
    def active(self) -> Iterator[None]:
        """They work on the places asked for, for this long; backward passes of checkpointed layers
        belong inside."""
        hooks = []
        for part in self.parts:
            hooks.append(part.register_forward_pre_hook(self._take))
            hooks.append(part.register_forward_hook(self._put))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _few(self, positions: int) -> bool:
        return len(self.scorer.asked) < MOST_ASKED * positions

    def _take(self, _part: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """`[batch, time, width]` to `[1, asked, width]`."""
        (states,) = inputs
        self.shape = states.shape[:2]
        if not self._few(self.shape.numel()):
            return inputs
        return (collect(states.flatten(0, 1), self.scorer.asked).unsqueeze(0),)

    def _put(self, _part: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Back to where they were; nothing reads what stands elsewhere."""
        if not self._few(self.shape.numel()):
            return output
        whole: Tensor = _Put.apply(  # type: ignore[no-untyped-call]
            output[0], self.scorer.asked, self.shape.numel()
        )
        return whole.view(*self.shape, -1)


class _Put(torch.autograd.Function):
    """Rows to their places among others, which are 0; the reverse of `collect`."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, places: Tensor, count: int) -> Tensor:
        ctx.save_for_backward(places)
        return rows.new_zeros(count, rows.shape[-1]).index_copy_(0, places, rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return gradients[0].index_select(0, places), None, None


@torch.no_grad()
def _by_position(part: nn.Module) -> bool:
    """Whether it does to one position what it does to it among others, told by what it does:
    experts that count their tokens do not, nor does what mixes positions."""
    wide: list[Any] = [each for each in part.modules() if hasattr(each, "in_features")]
    if not wide:
        return False
    weight = next(part.parameters())
    dtype = weight.dtype if weight.is_floating_point() else torch.float32
    drawn = torch.randn(1, 4, wide[0].in_features, generator=torch.Generator().manual_seed(0))
    states = drawn.to(weight.device, dtype)
    among, alone = part(states), part(states[:, 1:2])
    if not isinstance(among, Tensor):
        return False
    return torch.allclose(among[:, 1:2], alone, rtol=1e-2, atol=1e-2 * float(among.abs().mean()))

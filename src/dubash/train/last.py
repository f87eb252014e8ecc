"""The last layer, on the positions that the loss asks for.

It needs keys and values of all positions, but what follows its attention concerns one position at a
time, and no other layer reads it. So the rest is left out, forward and backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dubash.train.loss import Scorer, bare


class LastLayer:
    """The parts of a scorer's last layer that follow its attention, found once."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer, self.shape = scorer, torch.Size()
        layers = getattr(bare(scorer.model).base_model, "layers", None)
        last: Any = layers[-1] if layers else None  # an encoder–decoder's is supervised everywhere
        found = [getattr(getattr(last, "self_attn", None), "o_proj", None)]
        if hasattr(getattr(last, "mlp", None), "down_proj"):  # not experts, who count their tokens
            found.append(last.mlp)
        self.parts: list[nn.Module] = [part for part in found if part is not None]

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

    def _take(self, _part: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """`[batch, time, width]` to `[1, asked, width]`."""
        (states,) = inputs
        self.shape = states.shape
        return (states.flatten(0, 1)[self.scorer.asked].unsqueeze(0),)

    def _put(self, _part: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Back to where they were; nothing reads what stands elsewhere."""
        whole = output.new_zeros(self.shape[0] * self.shape[1], output.shape[-1])
        return whole.index_copy(0, self.scorer.asked, output[0]).view(*self.shape[:2], -1)

"""AdamW whose state lies in a file: the same steps bit for bit, with 8 bytes a weight less memory.

A step goes through the weights a piece at a time. The piece's state is mapped from the file,
updated there, and its pages are given back to the system, which keeps them while it has room and
else writes them out. bitsandbytes' paged optimizers do the like between a GPU and its host.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

PIECE = 2**22
"""Weights updated at a time: 32 MB of state."""

_STATE = ("exp_avg", "exp_avg_sq")


class DiskAdamW(torch.optim.AdamW):
    """`torch.optim.AdamW(fused=True)` with its two averages in a file of its own.

    The file has no name: it is gone with the process. `folder` says on which disk it lies. Raises
    OSError where there is no room for it.
    """

    def __init__(self, groups: list[dict[str, Any]], rate: float, folder: Path) -> None:
        super().__init__(groups, lr=rate, fused=True)
        trained = [each for group in self.param_groups for each in group["params"]]
        needed = [_whole_pages(each.numel() * each.element_size()) for each in trained]
        self._map = _mapped(folder, len(_STATE) * sum(needed))
        self._held: dict[Tensor, tuple[Tensor, ...]] = {}  # the places of a weight's state
        self._starts: dict[Tensor, tuple[int, ...]] = {}
        at = 0
        for each, size in zip(trained, needed, strict=True):
            self._starts[each] = tuple(at + number * size for number in range(len(_STATE)))
            self._held[each] = tuple(self._place(each, start) for start in self._starts[each])
            at += len(_STATE) * size

    def _place(self, parameter: Tensor, start: int) -> Tensor:
        """A tensor like the parameter that lies in the file."""
        place = torch.frombuffer(
            self._map, dtype=parameter.dtype, count=parameter.numel(), offset=start
        )
        return place.view(parameter.shape)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step of all weights that have a gradient."""
        if closure is not None:
            raise NotImplementedError("a step is taken without a closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        if parameter not in self.state:
            self.state[parameter] = {"step": torch.zeros(()), **self._entry(parameter)}
        state = self.state[parameter]
        beta1, beta2 = group["betas"]
        flat = [parameter.view(-1), gradient.reshape(-1), *(state[key].view(-1) for key in _STATE)]
        step = state["step"]
        for start in range(0, parameter.numel(), PIECE):
            weights, gradients, first, second = (each[start : start + PIECE] for each in flat)
            step = state["step"].clone()  # each piece is at the same step
            adamw(
                [weights], [gradients], [first], [second], [], [step], fused=True, amsgrad=False,
                beta1=beta1, beta2=beta2, lr=group["lr"], weight_decay=group["weight_decay"],
                eps=group["eps"], maximize=False,
            )  # fmt: skip
            self._give_back(parameter, start, len(weights))
        state["step"] = step

    def _entry(self, parameter: Tensor) -> dict[str, Tensor]:
        return dict(zip(_STATE, self._held[parameter], strict=True))

    def _give_back(self, parameter: Tensor, first: int, count: int) -> None:
        """Let the system have the memory of a piece's state; what stands there stays."""
        size = parameter.element_size()
        for start in self._starts[parameter]:
            # pieces begin on a page, and what is behind a weight's last one is no one else's
            self._map.madvise(mmap.MADV_DONTNEED, start + first * size, _whole_pages(count * size))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Put a saved state into the file."""
        super().load_state_dict(state_dict)
        for parameter, state in self.state.items():
            for name, place in self._entry(parameter).items():
                place.copy_(state[name])
                state[name] = place
            self._give_back(parameter, 0, parameter.numel())


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _mapped(folder: Path, size: int) -> mmap.mmap:
    """A new file without a name, of zeros, with room on the disk for all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk must not show in mid-step
        except OSError as error:
            error.filename = str(folder)
            raise
        return mmap.mmap(file.fileno(), size)

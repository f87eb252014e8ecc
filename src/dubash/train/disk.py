"""AdamW whose state lies in a file: the same steps bit for bit, with 8 bytes a weight less memory.

A step goes through the weights a piece at a time: the piece's state is read from the file, updated,
and written back. The system keeps what it has room for in its file cache, and writes what was
changed to the disk within about half a minute either way. bitsandbytes' paged optimizers do the
like between a GPU and its host.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from dubash.core.errors import TrainingError
from dubash.core.files import nearest_folder

PIECE = 2**22
"""Weights updated at a time: 32 MB of state."""

_STATE = ("exp_avg", "exp_avg_sq")
_IN_MEMORY = ("tmpfs", "ramfs")


class DiskAdamW(torch.optim.AdamW):
    """`torch.optim.AdamW(fused=True)` with its two averages in a file of its own.

    The file has no name: it is gone with the process. `folder` says on which disk it lies, see
    `refuse_in_memory`. Raises OSError where there is no room for it.
    """

    def __init__(self, groups: list[dict[str, Any]], rate: float, folder: Path) -> None:
        super().__init__(groups, lr=rate, fused=True)
        self._trained = [each for group in self.param_groups for each in group["params"]]
        self._starts: dict[Tensor, tuple[int, ...]] = {}  # where a weight's averages begin
        at = 0
        for each in self._trained:
            size = each.numel() * each.element_size()
            size += -size % mmap.PAGESIZE
            self._starts[each] = tuple(at + number * size for number in range(len(_STATE)))
            at += len(_STATE) * size
        self._file, self._size = _file(folder, at), at

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step of all weights that have a gradient. Raises OSError where the disk fails."""
        if closure is not None:
            raise NotImplementedError("a step is taken without a closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)

    def _update(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        fresh = parameter not in self.state
        state = self.state[parameter]
        before = torch.zeros(()) if fresh else state["step"]
        beta1, beta2 = group["betas"]
        flat = parameter.view(-1), gradient.reshape(-1)
        held = [parameter.new_empty(min(PIECE, len(flat[0]))) for _ in _STATE]
        for first in range(0, len(flat[0]), PIECE):
            weights, gradients = (each[first : first + PIECE] for each in flat)
            averages = [each[: len(weights)] for each in held]
            places = [at + first * weights.element_size() for at in self._starts[parameter]]
            for average, at in zip(averages, places, strict=True):
                average.zero_() if fresh else self._read(average, at)
            state["step"] = before.clone()  # each piece is at the same step
            adamw(
                [weights], [gradients], averages[:1], averages[1:], [], [state["step"]],
                fused=True, amsgrad=False, beta1=beta1, beta2=beta2, lr=group["lr"],
                weight_decay=group["weight_decay"], eps=group["eps"], maximize=False,
            )  # fmt: skip
            for average, at in zip(averages, places, strict=True):
                self._write(average, at)

    def state_dict(self) -> dict[str, Any]:
        """As AdamW's. Its averages are the file's own pages, which are in memory only while they
        are read; they say what the file says, also later."""
        found: dict[str, Any] = super().state_dict()
        mapped = mmap.mmap(self._file.fileno(), self._size)
        for index, entry in found["state"].items():
            parameter = self._trained[index]
            averages = (
                torch.frombuffer(
                    mapped, dtype=parameter.dtype, count=parameter.numel(), offset=start
                ).view(parameter.shape)
                for start in self._starts[parameter]
            )
            found["state"][index] = {**entry, **dict(zip(_STATE, averages, strict=True))}
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Put a saved state into the file."""
        super().load_state_dict(state_dict)
        for parameter, state in self.state.items():
            for name, at in zip(_STATE, self._starts[parameter], strict=True):
                self._write(state.pop(name).reshape(-1), at)

    def _read(self, into: Tensor, at: int) -> None:
        bytes_ = _bytes(into)
        while bytes_:
            count = os.preadv(self._file.fileno(), [bytes_], at)
            if not count:
                raise OSError(errno.EIO, "adamw-disk's file ends too early")
            bytes_, at = bytes_[count:], at + count

    def _write(self, tensor: Tensor, at: int) -> None:
        bytes_ = _bytes(tensor)
        while bytes_:
            count = os.pwrite(self._file.fileno(), bytes_, at)
            bytes_, at = bytes_[count:], at + count


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.view(torch.uint8).numpy().data


def refuse_in_memory(folder: Path) -> None:
    """TrainingError for a folder, there or to be made, that lies in memory."""
    if (kind := _file_system(nearest_folder(folder))) in _IN_MEMORY:
        raise TrainingError(
            f"its folder lies in memory ({kind}), where adamw-disk spares none.",
            where="run.folder", fix="Name a folder on a disk.",
        )  # fmt: skip


def _file(folder: Path, size: int) -> Any:
    """A new file without a name, with room on the disk for all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (kept as long as we are)
    try:
        os.posix_fallocate(file.fileno(), 0, size)  # a full disk is better found now
    except OSError as error:
        file.close()
        error.filename = str(folder)
        raise
    return file


def _file_system(folder: Path) -> str:
    """The kind of file system that the folder lies in; "" where the system does not say."""
    mounts = Path("/proc/self/mountinfo")
    if not mounts.exists():
        return ""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.read_text().splitlines():
        mount, _, about = line.partition(" - ")
        if mount.split()[2] == number:
            return about.split()[0]
    return ""

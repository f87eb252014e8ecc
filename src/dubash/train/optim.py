"""The optimizer, its learning rate, and its state as plain tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.optimization import Adafactor

from dubash.core.errors import TrainingError
from dubash.train.options import TrainOptions


def build_optimizer(
    named: Iterable[tuple[str, nn.Parameter]], options: TrainOptions
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019) or Adafactor (Shazeer & Stern 2018) over what is trainable.

    Weight decay falls on matrices only, not on norms and biases.
    """
    trainable = [(name, p) for name, p in named if p.requires_grad]
    groups = [
        {"params": [p for _, p in trainable if p.ndim >= 2], "weight_decay": options.weight_decay},
        {"params": [p for _, p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise TrainingError("nothing in this model is trainable.", where="method")
    if options.optimizer == "adafactor":
        # The rate as it is said, as the Trainer of transformers has it: scaled by the weights'
        # own size, as torch's does, a fresh adapter (all zeros) would hardly move.
        adafactor: torch.optim.Optimizer = Adafactor(
            groups, lr=options.learning_rate, scale_parameter=False, relative_step=False
        )
        return adafactor
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)


def learning_rate(step: int, total: int, options: TrainOptions) -> float:
    """The rate for step `step` (counted from 0) of `total`: a function, so it needs no state."""
    warmup = math.ceil(options.warmup * total)
    if step < warmup:
        return options.learning_rate * (step + 1) / (warmup + 1)
    if options.schedule == "constant":
        return options.learning_rate
    done = (step - warmup) / max(total - warmup, 1)
    share = 1 - done if options.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return options.learning_rate * share


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Put the rate into every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as named tensors (`3.exp_avg`), ready for safetensors."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value).detach().cpu().contiguous()
        for index, entry in state.items()
        for name, value in entry.items()
        if value is not None
    }


def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `state_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})

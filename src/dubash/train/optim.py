"""The optimizer, its learning rate, and its state as plain tensors."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.optimization import Adafactor

from dubash.core.errors import TrainingError
from dubash.core.progress import say
from dubash.model.device import need_bitsandbytes
from dubash.train.disk import DiskAdamW, refuse_in_memory
from dubash.train.options import BITSANDBYTES, TrainOptions


def build_optimizer(
    model: nn.Module, options: TrainOptions, folder: Path | None = None
) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), with 8-bit state (Dettmers et al. 2022), in pages or in a
    file where asked for, or Adafactor (Shazeer & Stern 2018), over what is trainable in the model.

    Weight decay falls on matrices only, not on norms and biases. `folder` is for state that lies in
    a file. Raises TrainingError where nothing is trainable or state in a file is not to be had (see
    `refuse_disk`), and ModelError where bitsandbytes is needed and missing.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": options.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise TrainingError("nothing in this model is trainable.", where="method")
    if options.optimizer in BITSANDBYTES:
        return _bitsandbytes(model, groups, options)
    if options.optimizer == "adafactor":
        # The rate as it is said, as the Trainer of transformers has it: scaled by the weights'
        # own size, as torch's does, a fresh adapter (all zeros) would hardly move.
        adafactor: torch.optim.Optimizer = Adafactor(
            groups, lr=options.learning_rate, scale_parameter=False, relative_step=False
        )
        return adafactor
    if options.optimizer == "adamw-disk":
        if folder is None:
            raise ValueError("adamw-disk needs a folder")
        refuse_disk(groups[0]["params"][0].device.type, folder)
        return DiskAdamW(groups, options.learning_rate, folder)
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)


def refuse_disk(device: str, folder: Path) -> None:
    """TrainingError for an optimizer's state in a file where the weights are not on a CPU, or the
    run's folder lies in memory."""
    if device != "cpu":
        raise TrainingError(
            "adamw-disk is for a CPU.", where="train.optimizer",
            fix="Take paged-adamw on a GPU (it needs bitsandbytes), or set model.device: cpu.",
        )  # fmt: skip
    refuse_in_memory(folder)


def _bitsandbytes(
    model: nn.Module, groups: list[dict[str, Any]], options: TrainOptions
) -> torch.optim.Optimizer:
    """AdamW from bitsandbytes: 8-bit state in blocks of 256, or 32-bit state, paged on a GPU.

    Tensors below 4,096 elements keep 32-bit state, by its own rule, and so do embeddings, as its
    authors advise and the Trainer of transformers has it: their gradients are sparse and uneven.
    """
    need_bitsandbytes(f"optimizer {options.optimizer}", "train.optimizer")
    from bitsandbytes.optim import AdamW, GlobalOptimManager

    paged = options.optimizer.startswith("paged")
    if paged and groups[0]["params"][0].device.type == "cpu":
        paged = False  # what bitsandbytes would do itself, with a warning for each optimizer
        say(f"  {options.optimizer}: there are no pages on a CPU; its state lies in memory")
    bits = 8 if options.optimizer.endswith("8bit") else 32
    optimizer: torch.optim.Optimizer = AdamW(
        groups, lr=options.learning_rate, optim_bits=bits, is_paged=paged
    )
    # a manager of its own: the global one goes by id() and by position, over optimizers long gone
    manager = GlobalOptimManager.__new__(GlobalOptimManager)
    manager.initialize()
    embeddings = [each.weight for each in model.modules() if isinstance(each, nn.Embedding)]
    manager.override_config(embeddings, "optim_bits", 32)
    optimizer.mng = manager  # type: ignore[attr-defined]
    return optimizer


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
        f"{index}.{name}": _apart(name, torch.as_tensor(value).detach().cpu().contiguous())
        for index, entry in state.items()
        for name, value in _flat(entry).items()
        if value is not None
    }


def load_state_tensors(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `state_tensors` gave."""
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    for entry in state.values():
        if "state1" in entry:  # bitsandbytes counts its steps in a number, not in a tensor
            entry["step"] = int(entry["step"])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    if getattr(_bare(optimizer), "is_paged", False):
        _page_again(_bare(optimizer))


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    """One parameter's state; bitsandbytes wraps part of it in a dictionary of its own."""
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        flat |= value if isinstance(value, dict) else {name: value}
    return flat


def _apart(name: str, tensor: Tensor) -> Tensor:
    """safetensors refuses tensors that share memory, as the 256 values of the 8-bit code do."""
    return tensor.clone() if name.startswith("qmap") else tensor


def _bare(optimizer: torch.optim.Optimizer) -> Any:
    return getattr(optimizer, "optimizer", optimizer)  # accelerate wraps it


def _page_again(optimizer: Any) -> None:
    """Loading puts the state into the GPU's plain memory; this puts it back into pages."""
    for parameter, entry in optimizer.state.items():
        for name in ("state1", "state2"):
            buffer = optimizer.get_state_buffer(parameter, dtype=entry[name].dtype)
            entry[name] = buffer.copy_(entry[name])

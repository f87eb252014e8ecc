"""Devices: those that are not at hand, as published, and this machine."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dubash.core.cpus import usable_cpus
from dubash.core.errors import ModelError, RecipeError
from dubash.core.memory import free_memory, own_memory
from dubash.model.device import place
from dubash.model.options import ModelOptions, Precision

GB = 10**9

PRODUCTS, TRAFFIC, LAUNCH = 0.4, 0.7, 10e-6
"""What a GPU is taken to reach: shares of its published arithmetic and bandwidth, and seconds an
operation at the least. Assumed, since no GPU could be measured; a launch from Python takes some
microseconds."""

CONTEXT = int(0.6 * GB)
"""What CUDA and its libraries take of a GPU's memory before a tensor does. Assumed."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device's memory in bytes, and for one not at hand bytes and operations a second as its
    maker publishes them (dense, with sums in fp32)."""

    name: str
    kind: str
    memory: int
    dtype: Precision
    here: bool = False
    bandwidth: float = 0.0
    flops: float = 0.0


_TABLE = {
    "4gb-edge": ("a board with 4 GB, as the Jetson Nano", 4, "fp16", 25.6e9, 0.472e12),
    "t4": ("T4", 16, "fp16", 320e9, 65e12),
    "l4": ("L4", 24, "bf16", 300e9, 121e12),
    "rtx4090": ("GeForce RTX 4090", 24, "bf16", 1008e9, 165e12),
    "a100-40": ("A100 40 GB", 40, "bf16", 1555e9, 312e12),
    "a100-80": ("A100 80 GB", 80, "bf16", 2039e9, 312e12),
    "h100": ("H100 SXM", 80, "bf16", 3350e9, 989e12),
    "h200": ("H200 SXM", 141, "bf16", 4800e9, 989e12),
}
"""By NVIDIA's datasheets: GB, best precision, bytes and operations a second."""


def device_names() -> list[str]:
    """The devices that need not be at hand."""
    return ["4GB-edge" if name == "4gb-edge" else name for name in _TABLE]


def named_device(name: str, options: ModelOptions, model_type: str) -> Device:
    """A device of the table. Raises RecipeError for another name."""
    if name.lower() not in _TABLE:
        raise RecipeError(
            f"no device '{name}' is known.",
            where="--device",
            fix=f"There are: {', '.join(device_names())}.",
        )
    words, size, best, bandwidth, flops = _TABLE[name.lower()]
    dtype: Precision = "bf16" if best == "bf16" else "fp16"
    if options.dtype != "auto":
        dtype = options.dtype
    elif dtype == "fp16" and model_type in ("t5", "mt5", "umt5", "longt5"):
        dtype = "fp32"  # its activations pass fp16's largest number
    return Device(words, "cuda", int(size * GB), dtype, False, bandwidth, flops)


def this_machine(options: ModelOptions, model_type: str) -> Device:
    """What a run here would use, with the memory that is free now. Raises ModelError as `place`."""
    placement = place(options, model_type)
    if placement.device == "cpu":
        cores = usable_cpus()
        words = f"this machine's CPU ({cores} core{'s' if cores > 1 else ''})"
        free = free_memory()
        if free is None:
            raise ModelError(
                "this system does not tell how much memory is free.",
                where="dubash plan", fix="Name a device with --device.",
            )  # fmt: skip
        # what plan itself holds is free once the run stands in its place
        return Device(words, "cpu", free + own_memory(), placement.compute_dtype, True)
    index = torch.device(placement.device)
    free, _whole = torch.cuda.mem_get_info(index)
    words = f"{torch.cuda.get_device_name(index)} of this machine"
    return Device(words, "cuda", free, placement.compute_dtype, True)

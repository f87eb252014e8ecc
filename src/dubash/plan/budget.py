"""Memory, time and disk of a run, from what one pass takes and how many there are."""

from __future__ import annotations

import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dubash.model.footprint.devices import CONTEXT, TRAFFIC, Device
from dubash.model.footprint.parameters import Counted
from dubash.model.footprint.replay import seconds_here, seconds_there
from dubash.model.footprint.tally import Operation
from dubash.model.options import Precision
from dubash.model.products import PRODUCTS, widest
from dubash.plan.forecast import Moment, Pass, Setup
from dubash.plan.passes import Passes
from dubash.train.disk import PIECE
from dubash.train.lanes import KEPT_GRADIENT
from dubash.train.loss import bare
from dubash.train.optim import build_optimizer
from dubash.train.options import TrainOptions

HEAP = 1.3
"""Bytes that glibc's heap holds for each byte that lives on it, since freed places do not fit the
next tensor. Measured: benchmarks/plan.py, experiments/plan.md."""

MORE = 100 * 2**20
"""Bytes that a process holds in training besides its tensors and what it held after its imports:
threads, the rows, libraries loaded late. Measured as HEAP was."""

KERNEL, KERNELS = 600 * 2**10, 1024
"""On a CPU oneDNN makes a kernel for each new shape of a product, about so many bytes each, and
keeps so many of them; passes of another length have shapes of their own. Measured as HEAP was."""

GPU_HEAP = 1.1
"""As HEAP, for CUDA's caching allocator. Assumed: no GPU could be measured."""

FILE = "the weights' file, mapped"

DISK = 5e8
"""Bytes a second that a disk reads or writes. Assumed: that of a plain SSD."""

_TIMED = 2**22  # parameters that an optimizer step is timed on

_BYTES_A_STEP = {"adamw": 40, "adamw-disk": 40, "paged-adamw": 40, "adamw-8bit": 28,
                 "paged-adamw-8bit": 28, "adafactor": 60}  # fmt: skip
"""Bytes read and written for each trained parameter: weight, gradient, state, and clipping."""


# -- memory ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Memory:
    """The parts of what a run holds at one moment, in bytes, and which moment that is."""

    moment: str
    parts: dict[str, int]

    @property
    def peak(self) -> int:
        """Their sum: what the system counts for the process at its largest."""
        return sum(self.parts.values())

    @property
    def needed(self) -> int:
        """What must be there. A file's pages are counted for the process, and given back by the
        system where memory is short."""
        return self.peak - self.parts.get(FILE, 0)


def moments(
    setup: Setup, counted: Counted, largest: Pass, passes: Passes, model: Any, device: Device,
    runtime: int,
) -> list[Memory]:  # fmt: skip
    """The moments of a run that may be its largest. `model` is what `build` made; `runtime`, the
    bytes that the process holds with its libraries loaded (for a GPU what CUDA takes is assumed).
    """
    state = optimizer_bytes(model, setup.train, device)
    trained = 4 * counted.trainable * passes.lanes
    cpu = device.kind == "cpu"
    heap = HEAP if cpu else GPU_HEAP
    always = {
        "weights": counted.bytes,
        "optimizer state": state,
        "gradients": trained,
        "runtime": runtime + MORE if cpu else CONTEXT,
    }
    if cpu and (mapped := _mapped(setup, counted)):
        always[FILE] = mapped
    if cpu and (setup.dtype == "bf16" or widest(torch.float32, "cpu")):
        shapes = sum(1 for each in largest.operations if _has_kernel(each, setup.dtype))
        always["kernels"] = KERNEL * min(KERNELS, shapes * passes.lengths)
    head = bare(model).get_output_embeddings().weight
    first = 4 * head.numel() * passes.lanes if head.requires_grad else 0
    found = []
    lanes = passes.lanes
    for name, one in largest.moments.items():
        moment, standing = Moment(one.peak * lanes, one.small * lanes), largest.activations * lanes
        parts = dict(always)
        if passes.a_step == 1:
            # the gradients of a step's only pass come as its activations go, the head's before,
            # which keeps its memory from step to step
            parts["gradients"] = {
                "forward": first if cpu and first >= KEPT_GRADIENT * passes.lanes else 0,
                "head": first,
                "backward": max(first, trained - standing),
            }[name]  # fmt: skip
        held = min(standing, moment.peak)
        parts["activations"] = held
        words = {"forward": "a layer at work", "head": "logits of a chunk and their gradients",
                 "backward": "gradients under way"}  # fmt: skip
        parts[words[name]] = moment.peak - held
        parts["allocator"] = int((heap - 1) * (moment.small if cpu else moment.peak))
        found.append(Memory("the output layer" if name == "head" else f"the {name} pass", parts))
    found.append(_step_moment(setup, always, model))
    found.append(Memory("loading", {
        "weights": counted.bytes, "runtime": always["runtime"],
        FILE: _file(setup, counted) if cpu else 0,
    }))  # fmt: skip
    return found


def _has_kernel(operation: Operation, dtype: Precision) -> bool:
    """Whether oneDNN does it: in fp32 only what is handed to it."""
    if dtype == "bf16":
        return operation.flops > 0
    return operation.function.overloadpacket in PRODUCTS


def _step_moment(setup: Setup, always: dict[str, int], model: Any) -> Memory:
    largest = max((p.numel() for p in model.parameters() if p.requires_grad), default=0)
    # Adafactor's update is worked out whole for a weight, with its square beside it
    more = 3 * 4 * largest if setup.train.optimizer == "adafactor" else 0
    return Memory("the optimizer's step", {**always, "update under way": more})


def _file(setup: Setup, counted: Counted) -> int:
    """The file's bytes that loading holds besides the weights made of it; a weight that stays as
    it was stored is the file's own."""
    as_stored = not _cast(setup) and setup.method.name in ("full", "lora")
    return 0 if as_stored else int(counted.parameters * setup.shape.stored_bytes)


def _mapped(setup: Setup, counted: Counted) -> int:
    """What stays of it in training: embeddings that are not quantised keep the file open."""
    if setup.method.name in ("full", "lora") or _cast(setup):
        return 0
    own = counted.roles["embeddings and head"].bytes
    return max(0, int(counted.parameters * setup.shape.stored_bytes) - own)


def _cast(setup: Setup) -> bool:
    full = setup.method.name == "full"
    return setup.shape.stored_bytes != (4 if full or setup.dtype == "fp32" else 2)


def optimizer_bytes(model: Any, options: TrainOptions, device: Device) -> int:
    """The optimizer's state in the device's memory.

    Paged state on a GPU lies in the host's memory; of state in a file a piece at a time is there.
    """
    if options.optimizer.startswith("paged") and device.kind == "cuda":
        return 0
    if options.optimizer == "adamw-disk":
        return min(8 * PIECE, state_bytes(model, options))
    return state_bytes(model, options)


def state_bytes(model: Any, options: TrainOptions) -> int:
    """The optimizer's state, wherever it lies.

    AdamW keeps two fp32 numbers a parameter; in 8 bits two bytes and two fp32 scales for 256, but
    fp32 for embeddings and small tensors; Adafactor a number for each row and column (Shazeer &
    Stern 2018, arXiv:1804.04235).
    """
    tables = {id(each.weight) for each in model.modules() if isinstance(each, nn.Embedding)}
    total = 0
    for parameter in (each for each in model.parameters() if each.requires_grad):
        numbers = parameter.numel()
        if options.optimizer == "adafactor" and parameter.ndim >= 2:
            total += 4 * (numbers // parameter.shape[-1] + numbers // parameter.shape[-2])
        elif options.optimizer == "adafactor":
            total += 4 * numbers
        elif options.optimizer.endswith("8bit") and numbers >= 4096 and id(parameter) not in tables:
            total += 2 * numbers + 8 * math.ceil(numbers / 256)
        else:
            total += 8 * numbers
    return total


# -- time ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a step, of all steps, and of the looks at the dev set without its translations;
    `measured` is the share of a pass that was timed here, None for a device not at hand."""

    a_step: float
    steps: float
    looks: float
    measured: float | None

    @property
    def training(self) -> float:
        """Seconds of training, without loading and without the dev sample's translations."""
        return self.steps + self.looks


def times(
    setup: Setup, counted: Counted, usual: Pass, passes: Passes, steps: float, dev_tokens: int,
    looks: int, device: Device, waits: float,
) -> Times:  # fmt: skip
    """How long a run takes: the usual pass, as often as there are passes, and the optimizer, which
    `waits` for the disk so many seconds a step."""
    measured: float | None = None
    if device.here:
        where = "cpu" if device.kind == "cpu" else "cuda"
        a_pass, measured = _side_by_side(usual.operations, passes.lanes, where)
        update = _update_seconds(setup.train, counted.trainable, where)
    else:
        a_pass = seconds_there(usual.operations, device)
        traffic = _BYTES_A_STEP[setup.train.optimizer] * counted.trainable
        update = traffic / (device.bandwidth * TRAFFIC)
    a_step = passes.a_step * passes.mean_over_usual * a_pass + update + waits
    tokens = sum(row.longest for row in passes.usual)
    # a look takes one pass at a time, on all cores
    look = a_pass / passes.lanes * usual.forward_share * dev_tokens / tokens
    return Times(a_step, steps * a_step, looks * look, measured)


def _side_by_side(operations: Counter[Operation], lanes: int, device: str) -> tuple[float, float]:
    """As `seconds_here`, timed in as many lanes at once as a step has: they share the memory's
    speed, and Python."""
    if lanes == 1:
        return seconds_here(operations, device)
    share = max(1, torch.get_num_threads() // lanes)
    with ThreadPoolExecutor(lanes, "lane", torch.set_num_threads, (share,)) as pool:
        found = list(pool.map(lambda _: seconds_here(operations, device), range(lanes)))
    return sum(each[0] for each in found) / lanes, min(each[1] for each in found)


def file_seconds(options: TrainOptions, state: int, left: int) -> float:
    """What a step waits for the disk where the optimizer's state in a file is more than the memory
    that the run has `left`, in which the system would keep it: it is read and written."""
    if options.optimizer != "adamw-disk" or state <= left:
        return 0.0
    return 2 * state / DISK


def _update_seconds(options: TrainOptions, trainable: int, device: str) -> float:
    """An optimizer step with its clipping, timed on some parameters of one matrix."""
    width = max(64, int(min(_TIMED, trainable) ** 0.5))
    part = nn.Linear(width, width, bias=False, device=device)
    if options.optimizer == "adamw-disk":  # its arithmetic; what the disk takes: `file_seconds`
        options = options.model_copy(update={"optimizer": "adamw"})
    optimizer = build_optimizer(part, options)
    seconds = 0.0
    for _ in range(2):  # the first makes the state
        part.weight.grad = torch.full_like(part.weight, 1e-3)
        began = time.perf_counter()
        nn.utils.clip_grad_norm_(part.parameters(), options.clip)
        optimizer.step()
        if device != "cpu":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - began
    return seconds * trainable / part.weight.numel()


# -- disk ------------------------------------------------------------------------------------------


def disk(setup: Setup, counted: Counted, state: int, trimmed: bool) -> dict[str, int]:
    """Bytes on the disk: the base to fetch (0 where it is here), the trimmed one, checkpoints (two
    are kept, and a third is there while it is written), the optimizer's file, the tuned model."""
    stored = int(counted.parameters * setup.shape.stored_bytes)
    full, on_disk = setup.method.name == "full", setup.train.optimizer == "adamw-disk"
    return {
        "base model to fetch": 0 if setup.shape.here else stored,
        "trimmed base": stored if trimmed else 0,
        "checkpoints (3)": 3 * (4 * counted.trainable + state),
        "optimizer's state": state * setup.train.processes if on_disk else 0,
        "tuned model" if full else "adapter": 4 * counted.trainable,
    }

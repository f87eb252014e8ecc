"""What a forward and backward pass will take: the real engine, run on tensors without memory.

The engine's own code (`accumulate`, `loss`, `attention`) runs over a model of two or three layers
of true width; what a further layer adds is the difference of two such runs. So what is predicted
changes with the engine, and needs no formula for a family of models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from dubash.core.progress import silent
from dubash.model.device import DTYPES
from dubash.model.footprint.parameters import build
from dubash.model.footprint.shapes import Shape
from dubash.model.footprint.tally import Operation, Tally, gradients_there
from dubash.model.footprint.thin import layer_counts, thinned
from dubash.model.footprint.weightless import weightless
from dubash.model.options import MethodOptions, Precision
from dubash.model.products import as_elsewhere
from dubash.prompt.template import Example
from dubash.train.accumulate import Accumulator
from dubash.train.batches import Batch, Collator
from dubash.train.loss import Scorer
from dubash.train.options import TrainOptions
from dubash.train.packs import Mask

SPANS = ("forward", "head", "backward")


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a pass depends on besides its rows; `kind` is the device's."""

    shape: Shape
    method: MethodOptions
    dtype: Precision
    checkpointing: bool
    train: TrainOptions
    mask: Mask
    kind: str = "cpu"


@dataclass(frozen=True, slots=True)
class Moment:
    """The most that lives at once in a stretch of a pass, and how much of it in small tensors."""

    peak: int
    small: int


@dataclass(frozen=True, slots=True)
class Pass:
    """What one forward and backward pass takes, in bytes, weights and their gradients left out.

    `activations` live when the last hidden states are there. `moments` are `forward`, `head` (while
    there are logits) and `backward`. `operations` says how often each is done; `forward_share` is
    the share of the floating-point operations that a forward pass alone takes.
    """

    activations: int
    moments: dict[str, Moment]
    operations: Counter[Operation]
    forward_share: float


def forecast(setup: Setup, rows: Sequence[Example]) -> Pass:
    """What a pass of these rows takes; gradients of an earlier pass are there already.

    Raises ModelError as loading does.
    """
    counts = layer_counts(setup.shape.config)
    few = dict.fromkeys(counts, 1)
    base = _watch(setup, few, rows)
    further = {sort: _watch(setup, few | {sort: 2}, rows) for sort in counts}

    def whole(span: str, of: str) -> int:
        first = int(getattr(base.spans[span], of))
        return first + sum(
            (count - 1) * (int(getattr(further[sort].spans[span], of)) - first)
            for sort, count in counts.items()
        )

    operations = Counter(base.operations)
    for sort, count in counts.items():
        more = Counter(further[sort].operations)
        more.subtract(base.operations)
        for operation, often in more.items():
            operations[operation] += (count - 1) * often
    flops = {span: whole(span, "flops") for span in SPANS}
    # what scores a dev set takes of the head its forward half, at the most
    forward = flops["forward"] + flops["head"]
    return Pass(
        whole("head", "begins"),
        {span: Moment(whole(span, "peak"), whole(span, "small")) for span in SPANS},
        +operations,
        forward / max(1, sum(flops.values())),
    )


def _watch(setup: Setup, counts: dict[str, int], rows: Sequence[Example]) -> Tally:
    """Run the engine over a model of so many layers, without memory."""
    model = build(thinned(setup.shape, counts), setup.method, setup.dtype, setup.checkpointing)
    mode = weightless(model, setup.method)
    config = setup.shape.config
    collator = _Ready(
        setup.shape.kind, setup.mask, 0, getattr(config, "decoder_start_token_id", None)
    )
    collator.batch = Collator.__call__(collator, rows)
    # one pass, however many tokens: the rows are those of one
    tokens = max(1, sum(row.longest for row in rows)) * 4
    options = setup.train.model_copy(update={"pass_tokens": tokens})
    with mode, nullcontext() if setup.kind == "cpu" else as_elsewhere():
        gradients_there(model)
        held = [*model.parameters(), *model.buffers()]
        tally = Tally([*held, *(each.grad for each in held if each.grad is not None)])
        with tally:
            scorer = _Watched(model, setup, tally)
            passes = Accumulator(scorer, rows, collator, options, Accelerator(cpu=True), lanes=1)
            tally.begin("forward")
            passes.add(range(len(rows)), silent)
            tally.begin("")
    return tally


class _Ready(Collator):
    """A collator whose batch is made: it must not be among what is watched."""

    batch: Batch

    def __call__(self, examples: Sequence[Example], share: bool = True) -> Batch:
        """The batch."""
        return self.batch


class _Watched(Scorer):
    """A scorer that says where the head begins and where it ends.

    It computes under autocast, as accelerate makes it: an Accelerator of that precision would set
    it for the whole process.
    """

    def __init__(self, model: Any, setup: Setup, tally: Tally) -> None:
        super().__init__(model, setup.train.label_smoothing)
        self.dtype, self.tally = DTYPES[setup.dtype], tally
        self.in_caches = setup.kind == "cpu"  # the tensors always say so

    def forward(self, batch: Batch, divisor: float = 1.0) -> Tensor:
        """As the scorer's."""
        with torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32):
            loss = super().forward(batch, divisor)
        self.tally.begin("backward")
        return loss

    def hidden(self, batch: Batch) -> Tensor:
        """As the scorer's."""
        states = super().hidden(batch)
        self.tally.begin("head")
        return states

"""The gradient of one step: its rows cut into forward passes that fit, added up."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from dubash.core.errors import TrainingError, out_of_memory
from dubash.core.progress import say
from dubash.prompt.context import shared_length
from dubash.prompt.template import Example
from dubash.train.batches import Batch, Collator
from dubash.train.lanes import LANES, Lanes, lane_count
from dubash.train.loss import Scorer
from dubash.train.options import TrainOptions, pass_tokens
from dubash.train.order import Cutting


@dataclass(frozen=True, slots=True)
class StepLoss:
    """The summed loss of a step in nats over all processes, its supervised tokens, and the rows of
    this process's passes whose loss was not finite."""

    loss: float
    supervised: int
    bad_rows: list[int]

    @property
    def mean(self) -> float:
        """Nats per supervised token."""
        return self.loss / self.supervised


class Accumulator:
    """Runs the forward and backward passes of steps."""

    def __init__(
        self,
        scorer: Scorer,
        examples: Sequence[Example],
        collator: Collator,
        options: TrainOptions,
        accelerator: Accelerator,
        lanes: int | None = None,
    ) -> None:
        """`lanes` are passes at the same time, of one process; as many as pay unless given."""
        self.bare, self.examples, self.collator = scorer, examples, collator
        self.lengths = [example.longest for example in examples]
        self.accelerator, self.device = accelerator, accelerator.device
        # where nobody else looks at gradients on their way: no other process, no loss scaling
        scorer.direct = accelerator.num_processes == 1 and accelerator.scaler is None
        self.cutting = cutting(
            scorer.model, examples, collator.packed, self.device.type, options,
            accelerator.num_processes, lanes,
        )  # fmt: skip
        self.pass_tokens = self.cutting.tokens
        self.lanes = Lanes(
            scorer, self.cutting.lanes, partial(accelerator.prepare_model, device_placement=False)
        )

    @property
    def parameters(self) -> list[Tensor]:
        """The model's own, frozen ones too."""
        return self.lanes.parameters[0]

    def add(self, rows: Sequence[int], advance: Callable[[int], None]) -> StepLoss:
        """Add the gradient of the mean loss over the supervised tokens of these rows.

        Where memory runs out the passes are halved, from here on, and the step begins anew: the
        gradient stays the same. Raises TrainingError where a single row does not fit.
        """
        self.lanes.train()
        while True:
            done: list[int] = []

            def count(tokens: int, done: list[int] = done) -> None:
                done.append(tokens)
                advance(tokens)

            try:
                return self._add(rows, count)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            self._halve(rows)  # here, where the error no longer holds on to the failed pass
            advance(-sum(done))

    def resume(self, asked: int, reached: int) -> None:
        """Go on with what passes had come to, unless another number is asked for now."""
        if asked == self.cutting.tokens and reached < asked:
            self.pass_tokens = reached
            say(f"  {reached:,} tokens in a forward pass: memory ran out with more")

    def batches(self, examples: Sequence[Example]) -> list[Batch]:
        """Batches of examples that fit a forward pass, this process's share of them."""
        lengths = [example.longest for example in examples]
        passes = self.cutting.passes(range(len(examples)), lengths, self.pass_tokens)
        parts = [part for parts in passes for part in self._mine(parts)]
        return [self.collator([examples[row] for row in rows]) for rows in parts if rows]

    def _add(self, rows: Sequence[int], advance: Callable[[int], None]) -> StepLoss:
        world = self.accelerator.num_processes
        supervised = sum(self.collator.supervised(self.examples[row]) for row in rows)
        total = torch.zeros((), dtype=torch.float64)
        bad_rows: list[int] = []
        passes = self.cutting.passes(rows, self.lengths, self.pass_tokens)
        with self.lanes.active(self.collator.packed):
            for number, parts in enumerate(passes):
                mine = self._mine(parts)
                batches = [self._batch(part, rows[0]) for part in mine]
                final = number == len(passes) - 1
                with nullcontext() if final else self.accelerator.no_sync(self.lanes.wrapped[0]):
                    # gradients are averaged over processes: × world makes that the sum
                    share = supervised / world
                    losses = self.lanes.add(
                        batches, share, self.accelerator.backward, self._fit_together(mine)
                    )
                for part, loss in zip(mine, losses, strict=True):
                    value = loss.double().cpu() * share
                    total += value
                    bad_rows += part if not torch.isfinite(value) else []
                advance(sum(self.lengths[row] for part in parts for row in part))
        self.lanes.collect()
        whole = self.accelerator.reduce(total.to(self.device), "sum")
        return StepLoss(float(whole), supervised, bad_rows)

    def _mine(self, parts: list[list[int]]) -> list[list[int]]:
        """Of the parts of a pass those of this process: one, or as many as have rows in lanes."""
        if len(self.lanes) > 1:
            return [part for part in parts if part]
        return [parts[self.accelerator.process_index]]

    def _batch(self, part: list[int], stand_in: int) -> Batch:
        batch = self.collator([self.examples[row] for row in part or [stand_in]])
        # every process must go through the model
        return (batch if part else batch.unsupervised()).to(self.device)

    def _fit_together(self, parts: list[list[int]]) -> bool:
        """Whether lanes may take these at the same time: not rows so long that each is a pass."""
        sizes = [self.cutting.size(part, self.lengths) for part in parts if part]
        return sum(sizes) <= self.pass_tokens

    def _halve(self, rows: Sequence[int]) -> None:
        """Smaller passes from here on; TrainingError where they cannot be."""
        longest = max(self.lengths[row] for row in rows)
        alone = self.accelerator.num_processes == 1
        if not alone or self.pass_tokens <= longest:
            raise TrainingError(
                "out of memory" + (" with one row in a pass." if alone else "."),
                where=f"train.pass_tokens {self.pass_tokens}",
                fix="Set model.gradient_checkpointing: true, a lower prompt.max_tokens"
                + ("." if alone else ", or a lower train.pass_tokens."),
            )
        self.pass_tokens //= 2
        self.lanes.drop()
        # a lane's error and what ran in it hold on to each other
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        say(f"  out of memory; from here on {self.pass_tokens:,} tokens in a forward pass")


def trains_all(model: nn.Module) -> bool:
    """Whether every weight is trained."""
    return all(parameter.requires_grad for parameter in model.parameters())


def cutting(
    model: Any,
    examples: Sequence[Example],
    packed: bool,
    device: str,
    options: TrainOptions,
    processes: int,
    lanes: int | None = None,
) -> Cutting:
    """How the engine cuts the steps of a run over these examples."""
    shared = shared_length([example.prompt for example in examples]) if packed else 0
    full = trains_all(model)
    most = pass_tokens(options, device, full, LANES)
    lanes = lanes or lane_count(model, device, most, shared, processes)
    tokens = pass_tokens(options, device, full, lanes)
    return Cutting(tokens, packed, shared, processes, lanes)

"""The gradient of one step: its rows cut into forward passes that fit, added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from accelerate import Accelerator

from dubash.core.errors import TrainingError
from dubash.core.progress import say
from dubash.prompt.template import Example
from dubash.train.attention import packed_attention
from dubash.train.batches import Batch, Collator
from dubash.train.fuse import Fused
from dubash.train.loss import Scorer
from dubash.train.options import TrainOptions, pass_tokens
from dubash.train.order import cut_passes
from dubash.train.packs import shared_length


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
    ) -> None:
        self.bare, self.examples, self.collator = scorer, examples, collator
        self.accelerator, self.device = accelerator, accelerator.device
        self.scorer = accelerator.prepare_model(scorer, device_placement=False)
        # where nobody else looks at gradients on their way: no other process, no loss scaling
        scorer.direct = accelerator.num_processes == 1 and accelerator.scaler is None
        self.fused = Fused(scorer, scorer.direct)
        self.shared = 0
        if collator.packed:
            self.shared = shared_length([example.prompt for example in examples])
        full = all(parameter.requires_grad for parameter in scorer.parameters())
        self.pass_tokens = pass_tokens(options, self.device.type, full)

    def add(self, rows: Sequence[int], advance: Callable[[int], None]) -> StepLoss:
        """Add the gradient of the mean loss over the supervised tokens of these rows.

        Where memory runs out the passes are halved, from here on, and the step begins anew: the
        gradient stays the same. Raises TrainingError where a single row does not fit.
        """
        self.scorer.train()
        while True:
            try:
                return self._add(rows, advance)
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
            self._halve(rows)  # here, where the error no longer holds on to the failed pass

    def batches(self, examples: Sequence[Example]) -> list[Batch]:
        """Batches of examples that fit a forward pass, this process's share of them."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        passes = self._cut(range(len(examples)), examples)
        mine = [ranks[rank] for ranks in passes] if world > 1 else [rows for (rows,) in passes]
        return [self.collator([examples[row] for row in rows]) for rows in mine if rows]

    def _add(self, rows: Sequence[int], advance: Callable[[int], None]) -> StepLoss:
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        supervised = sum(self.collator.supervised(self.examples[row]) for row in rows)
        total = torch.zeros((), dtype=torch.float64)
        bad_rows: list[int] = []
        passes = self._cut(rows, self.examples)
        with packed_attention(self.bare.model, self.collator.packed), self.fused.active():
            for number, ranks in enumerate(passes):
                mine = ranks[rank]
                batch = self.collator([self.examples[row] for row in mine or rows[:1]])
                if not mine:  # every process must go through the model
                    batch = batch.unsupervised()
                final = number == len(passes) - 1
                with nullcontext() if final else self.accelerator.no_sync(self.scorer):
                    # gradients are averaged over processes: × world makes that the sum
                    loss = self.scorer(batch.to(self.device), supervised / world)
                    self.accelerator.backward(loss)
                value = loss.detach().double().cpu() * (supervised / world)
                total += value
                bad_rows += mine if not torch.isfinite(value) else []
                advance(sum(self.examples[row].longest for each in ranks for row in each))
        whole = self.accelerator.reduce(total.to(self.device), "sum")
        return StepLoss(float(whole), supervised, bad_rows)

    def _cut(self, rows: Sequence[int], examples: Sequence[Example]) -> list[list[list[int]]]:
        costs = [max(1, example.longest - self.shared) for example in examples]
        room = max(1, self.pass_tokens - self.shared)
        world = self.accelerator.num_processes
        return cut_passes(rows, costs, room, packed=self.collator.packed, world=world)

    def _halve(self, rows: Sequence[int]) -> None:
        """Smaller passes from here on; TrainingError where they cannot be."""
        longest = max(self.examples[row].longest for row in rows)
        alone = self.accelerator.num_processes == 1
        if not alone or self.pass_tokens <= longest:
            raise TrainingError(
                "out of memory" + (" with one row in a pass." if alone else "."),
                where=f"train.pass_tokens {self.pass_tokens}",
                fix="Set model.gradient_checkpointing: true, a lower prompt.max_tokens"
                + ("." if alone else ", or a lower train.pass_tokens."),
            )
        self.pass_tokens //= 2
        for parameter in self.bare.parameters():
            parameter.grad = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        say(f"  out of memory; from here on {self.pass_tokens:,} tokens in a forward pass")


def _out_of_memory(error: Exception) -> bool:
    # torch has an exception of its own for a GPU; on a CPU only words
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)

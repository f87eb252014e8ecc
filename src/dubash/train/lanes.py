"""Passes side by side: on a CPU half of the cores each, with a replica of the model each.

A small model does thousands of short operations in a pass. Split over all cores, each of them ends
with threads that wait for one another; in lanes they meet once a pass. All weights are the same
memory in all replicas: only the gradients of those that are trained are apart.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from dubash.train.batches import Batch
from dubash.train.lean import Lean
from dubash.train.loss import Scorer, bare

LANES = 2
"""Lanes where they are used. Measured on 2 cores: experiments/threads.md."""

MOST_GRADIENT = 600 * 2**20
"""Bytes that a lane's own gradient may take at most."""

KEPT_GRADIENT = 2**25
"""Bytes of a vocabulary's gradient from which on it keeps its memory from step to step on a CPU."""

SHARED = 4
"""How many times what rows share must fit into a lane's pass: each lane computes it anew."""


def lane_count(
    model: Any, device: str, tokens: int, shared: int, processes: int = 1, cores: int | None = None
) -> int:
    """How many lanes pay for this model: LANES for adapters or a small model on a CPU, or one.

    `tokens` are those of a pass, of which the rows have `shared` in common; `cores` are those that
    torch uses, unless given. One where dropout and the like draw random numbers: in which order
    two lanes draw would depend on the clock.
    """
    cores = torch.get_num_threads() if cores is None else cores
    if device != "cpu" or processes > 1 or cores % LANES or _draws(model):
        return 1
    if SHARED * shared > tokens // LANES:
        return 1
    gradient = sum(each.nbytes for each in model.parameters() if each.requires_grad)
    return LANES if gradient <= MOST_GRADIENT else 1


class Lanes:
    """A scorer and its replicas, which take forward and backward passes at the same time."""

    def __init__(self, scorer: Scorer, count: int, prepare: Callable[[Scorer], Any]) -> None:
        """`prepare` wraps a scorer for its device and precision; the wrapped are called."""
        replicas = [_replica(scorer) for _ in range(count - 1)]  # of what is not yet wrapped
        self.bare = [scorer, *replicas]
        self.wrapped = [prepare(each) for each in self.bare]
        self.lean = [Lean(each) for each in self.bare]
        # walked through once: a model has thousands of modules, and a step asks for them often
        self.modules = [module for each in self.wrapped for module in each.modules()]
        self.parameters: list[list[Tensor]] = [list(each.parameters()) for each in self.bare]
        self.tables = {id(each) for scorer in self.bare for each in _tables(scorer)}
        self.pool = ThreadPoolExecutor(count, "lane") if count > 1 else None

    def __len__(self) -> int:
        return len(self.bare)

    def train(self) -> None:
        """Training mode, in all of them."""
        if all(module.training for module in self.modules):
            return
        for each in self.wrapped:
            each.train()

    @contextmanager
    def active(self, packed: bool) -> Iterator[None]:
        """As `Lean.active`, in all of them."""
        with ExitStack() as stack:
            for each in self.lean:
                stack.enter_context(each.active(packed))
            yield

    def add(
        self,
        batches: Sequence[Batch],
        divisor: float,
        backward: Callable[[Tensor], None],
        together: bool = True,
    ) -> list[Tensor]:
        """The losses of one batch a lane, after their backward passes; one after the other, each
        on all cores, where they are not taken `together`."""

        def run(lane: int, batch: Batch, cores: int) -> Tensor:
            torch.set_num_threads(cores)  # of this thread
            loss: Tensor = self.wrapped[lane](batch, divisor)
            backward(loss)
            return loss.detach()

        cores = torch.get_num_threads()
        if self.pool is None:
            return [run(0, batch, cores) for batch in batches]
        share = max(1, cores // len(batches)) if together else cores
        started: list[Future[Tensor]] = []
        try:
            for lane, batch in enumerate(batches):
                started.append(self.pool.submit(run, lane, batch, share))
                if not together:
                    wait(started)
        finally:
            # all, whatever happened: none may be at work when the step ends or begins anew
            wait(started)
        return [each.result() for each in started]

    def collect(self) -> None:
        """Add the replicas' gradients to those of the model, lane after lane."""
        own, *replicas = self.parameters
        for others in replicas:
            for mine, other in zip(own, others, strict=True):
                if other.grad is None:
                    continue
                if mine.grad is None:
                    mine.grad, other.grad = other.grad, None
                else:
                    mine.grad += other.grad
                    self._clear(other)

    def clear(self) -> None:
        """No gradients in the model, for the next step."""
        for each in self.parameters[0]:
            self._clear(each)

    def drop(self) -> None:
        """No gradients, in any of them, and no memory of them."""
        for each in self.parameters:
            for parameter in each:
                parameter.grad = None

    def _clear(self, parameter: Tensor) -> None:
        """As before any pass. A vocabulary's gradient, which is added to where it stands, stays
        there as zeros: on a CPU its memory takes longer to fetch than to fill."""
        gradient = parameter.grad
        kept = self.bare[0].direct and id(parameter) in self.tables
        if kept and gradient is not None and gradient.is_cpu and gradient.nbytes >= KEPT_GRADIENT:
            gradient.zero_()
        else:
            parameter.grad = None


def _replica(scorer: Scorer) -> Scorer:
    """Modules of its own over the same weights; those that learn have a gradient of their own.

    Buffers are its own too: some models write into theirs in each pass.
    """
    same: dict[int, Any] = {}
    for each in scorer.parameters():
        same[id(each)] = nn.Parameter(each.data) if each.requires_grad else each
    for module in scorer.modules():
        same.update(_quantised(module))
    return copy.deepcopy(scorer, same)


def _tables(scorer: Scorer) -> list[Tensor]:
    """The weights of the embedding and of the head."""
    model = bare(scorer.model)
    parts = (model.get_input_embeddings(), model.get_output_embeddings())
    return [each.weight for each in parts if each is not None]


def _quantised(module: Any) -> dict[int, Any]:
    """What bitsandbytes' layers keep beside their weights, by id: as large as the weights in int8,
    where the first forward pass moves them there."""
    kept: dict[int, Any] = {}
    if hasattr(module, "init_8bit_state") and module.weight.CB is not None:
        module.init_8bit_state()
    for each in vars(getattr(module, "state", None) or object).values():
        if isinstance(each, Tensor):
            kept[id(each)] = each
    if (state := getattr(module, "quant_state", None)) is not None:
        kept[id(state)] = state
    return kept


def _draws(model: Any) -> bool:
    """Whether a pass in training mode draws random numbers: by a dropout layer, or by a rate that
    its configuration names (`attention_dropout`, `router_jitter_noise`)."""
    config = model.config.get_text_config().to_dict() if hasattr(model, "config") else {}
    rates = [value for name, value in config.items() if re.search("drop|jitter|noise", name)]
    layers = [each.p for each in model.modules() if isinstance(each, nn.Dropout)]
    return any(isinstance(rate, float) and rate > 0 for rate in (*rates, *layers))

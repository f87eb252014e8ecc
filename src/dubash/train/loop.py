"""The loop: steps, looks at the dev set, checkpoints. The same on one CPU, one GPU or several.

Resuming is exact: order, learning rate and the seed of dropout are functions of the step; all else
that a step depends on (trainable weights, optimizer state, early stopping) is in the checkpoint.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import (
    DistributedDataParallelKwargs,
    InitProcessGroupKwargs,
    broadcast_object_list,
)
from torch import Tensor, nn

from dubash.core.errors import Interrupted, TrainingError
from dubash.core.heap import (
    FULL_OWN_MAPPING,
    OWN_MAPPING,
    give_back_freed_memory,
    keep_freed_memory,
)
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.model.device import gpu_memory
from dubash.model.load import LoadedModel
from dubash.prompt.template import Example
from dubash.train import checkpoint as checkpoints
from dubash.train.accumulate import Accumulator, trains_all
from dubash.train.batches import Collator
from dubash.train.checkpoint import Checkpoint
from dubash.train.loss import Scorer, loss_sums
from dubash.train.optim import (
    build_optimizer,
    learning_rate,
    load_state_tensors,
    set_learning_rate,
    state_tensors,
)
from dubash.train.options import LOOKS, TrainOptions
from dubash.train.order import Step, check_processes, plan_steps
from dubash.train.sample import Scored
from dubash.train.signals import StopSignals
from dubash.train.state import State
from dubash.train.watch import Watch, watching

Score = Callable[[Any], Scored]
"""Handed in by the stage: scores the model on the dev sample."""


class Loop:
    """One training run over examples that are already rendered."""

    def __init__(
        self,
        loaded: LoadedModel,
        examples: Sequence[Example],
        dev: Sequence[Example],
        collator: Collator,
        options: TrainOptions,
        run: RunFolder,
        fingerprint: str,
        score: Score | None = None,
    ) -> None:
        """`fingerprint` says what the run is made of; a checkpoint of another one is refused.

        Raises TrainingError where another number of processes came than was asked for.
        """
        if loaded.device == "cpu":
            full = trains_all(loaded.model)
            keep_freed_memory(FULL_OWN_MAPPING if full else OWN_MAPPING)
        self.accelerator = Accelerator(
            cpu=loaded.device == "cpu",
            mixed_precision=loaded.compute_dtype if loaded.compute_dtype != "fp32" else "no",
            # the first process translates with S0 before it joins, and scores at each look
            kwargs_handlers=[
                InitProcessGroupKwargs(timeout=timedelta(hours=12)),
                DistributedDataParallelKwargs(broadcast_buffers=False),
            ],
        )
        came = self.accelerator.num_processes
        check_processes(options, came)
        self.loaded, self.examples, self.collator = loaded, examples, collator
        self.options, self.run, self.score = options, run, score
        self.module: nn.Module = loaded.model
        scorer = Scorer(loaded.model, options.label_smoothing)
        self.passes = Accumulator(scorer, examples, collator, options, self.accelerator)
        self.optimizer = self.accelerator.prepare_optimizer(
            build_optimizer(self.module, options, run.path), device_placement=False
        )
        self.steps = plan_steps([example.longest for example in examples], options, came)
        self.look_every = options.evaluate_every or max(1, math.ceil(len(self.steps) / LOOKS))
        self.save_every = options.save_every or self.look_every
        self.dev = dev
        self.state = State(fingerprint)
        self.settled = False  # whether this process has taken a step

    # -- the story -----------------------------------------------------------------------------

    def train(self) -> State:
        """Run to the end, or raise Interrupted with everything saved; the best weights are left in
        the model. Resumes by itself from the newest whole checkpoint."""
        self._resume()
        total = sum(self._tokens(step) for step in self.steps)
        gpu = gpu_memory(self.accelerator.device)
        followed = watching(self.run, self.state, self.steps, total, self.options.tensorboard, gpu)
        with StopSignals() as signals, followed as watch:
            started = time.monotonic() - self.state.seconds
            while True:
                step = self.state.step
                last = step >= len(self.steps)
                if self._look_due(step, last):
                    self._look(watch)
                received = self._received(signals)
                ends = last or self._stops_early()
                if ends or received or self._save_due(step):
                    self._save()
                if received:
                    raise Interrupted(received, f"saved at step {step}; run it again")
                if ends:
                    break
                self._step(self.steps[step], watch)
                self.state.seconds = time.monotonic() - started
        self.passes.lanes.drop()
        self._load_best()
        if self.loaded.device == "cpu":
            give_back_freed_memory()  # what follows may need it: conversion, translating
        return self.state

    def _step(self, step: Step, watch: Watch) -> None:
        """One optimizer step; one that is not finite changes neither weights nor optimizer."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed(self.options.seed * 1_000_003 + self.state.step * world + rank)
        watch.begin_step(self.state.tokens)
        found = self.passes.add(step.rows, watch)
        norm = float(self.accelerator.clip_grad_norm_(self.passes.parameters, self.options.clip))
        self.state.step += 1
        if self._finite(found.mean, norm, found.bad_rows or list(step.rows), watch):
            rate = learning_rate(self.state.step - 1, len(self.steps), self.options)
            set_learning_rate(self.optimizer, rate)
            self.optimizer.step()
            self.state.tokens += self._tokens(step)
            self.state.supervised_tokens += found.supervised
            self._record(
                watch, kind="train", loss=found.mean, learning_rate=rate, gradient_norm=norm,
                tokens=self.state.tokens, supervised_tokens=self.state.supervised_tokens,
                rows=step.rows, seconds=round(self.state.seconds, 3),
            )  # fmt: skip
        self.passes.lanes.clear()
        if not self.settled and self.loaded.device == "cpu":
            # the optimizer's state now stands between what the passes have left
            give_back_freed_memory()
        self.settled = True

    def _look(self, watch: Watch) -> None:
        """Dev loss and dev score; notes whether this is the best so far."""
        state, found, sample = self.state, {}, None
        watch.looking()
        self.module.eval()
        with torch.random.fork_rng():
            if self.dev:
                # the bare module: processes have unlike numbers of batches, and must not wait
                active = self.passes.lanes.active(self.collator.packed)
                with active, self.accelerator.autocast():
                    sums = loss_sums(self.passes.bare, self.passes.batches(self.dev))
                loss, count = self.accelerator.reduce(sums, "sum").tolist()
                found["loss"] = loss / count
            if self.score and self.accelerator.is_main_process:
                scored = self.score(self.module)
                found["chrf"], sample = scored.chrf, scored.sample
        shared = [found]
        broadcast_object_list(shared)
        found = shared[0]
        state.looked = state.step
        if found:
            better = state.note_look(
                -found["chrf"] if self.options.keep_best == "chrf" else found["loss"]
            )
            self._record(watch, kind="dev", **found)
            words = f" · dev chrF++ {found['chrf']:.1f}" if "chrf" in found else ""
            words += f" · dev loss {found['loss']:.3f}" if "loss" in found else ""
            if self.accelerator.is_main_process:
                chrf = self.options.keep_best == "chrf"
                lead = "highest dev chrF++ so far" if chrf else "lowest dev loss so far"
                words += f" · {lead}" if better else ""
                say(f"  step {state.step}/{len(self.steps)}{words}")
        watch.looked(state.step, sample)

    # -- parts ---------------------------------------------------------------------------------

    def _received(self, signals: StopSignals) -> int:
        """The signal that some process has received, or 0: they must stop at the same step."""
        mine = torch.tensor([signals.received or 0], device=self.loaded.device)
        return int(self.accelerator.gather(mine).max())

    def _finite(self, mean: float, norm: float, rows: list[int], watch: Watch) -> bool:
        if math.isfinite(mean) and math.isfinite(norm):
            self.state.guard.good()
            return True
        scaler = self.accelerator.scaler
        if scaler is not None:
            # fp16's way of finding its scale: the scaler skips the step and lowers the scale
            overflow = math.isfinite(mean) and scaler.get_scale() > 1
            self.optimizer.step()
            if overflow:
                say(f"  step {self.state.step}: fp16 overflow; the loss scale is lowered")
                return False
        origins = [self.examples[row].origin for row in rows]
        reason = "non-finite gradient" if math.isfinite(mean) else "non-finite loss"
        self._record(watch, kind="guard", reason=reason, rows=origins)
        say(f"  step {self.state.step}: {reason}; the step is skipped")
        self.state.guard.bad(self.state.step, reason, origins)
        return False

    def _tokens(self, step: Step) -> int:
        return sum(self.examples[row].longest for row in step.rows)

    def _look_due(self, step: int, last: bool) -> bool:
        return self.state.looked < step and (last or step % self.look_every == 0)

    def _save_due(self, step: int) -> bool:
        return step % self.save_every == 0 or self.state.best_step == step

    def _stops_early(self) -> bool:
        patience = self.options.patience
        return patience is not None and self.state.looks_without_better >= patience

    def _record(self, watch: Watch, **fields: Any) -> None:
        if self.accelerator.is_main_process:
            watch.record({"step": self.state.step, **fields})

    # -- saving and resuming -------------------------------------------------------------------

    def _trainable(self) -> dict[str, Tensor]:
        named = self.module.named_parameters()
        return {name: p.detach().cpu().contiguous() for name, p in named if p.requires_grad}

    def _save(self) -> None:
        path = checkpoints.step_folder(self.run.checkpoints, self.state.step)
        if self.accelerator.is_main_process and not checkpoints.is_whole(path):
            if self.accelerator.scaler is not None:
                self.state.scaler = self.accelerator.scaler.state_dict()
            self.state.pass_tokens = self.passes.pass_tokens
            self.state.asked_tokens = self.passes.cutting.tokens
            tensors = {"trainable": self._trainable(), "optimizer": state_tensors(self.optimizer)}
            found = Checkpoint(tensors, self.state.to_json())
            checkpoints.save(self.run.checkpoints, self.state.step, found)
            checkpoints.prune(self.run.checkpoints, {self.state.step, self.state.best_step})
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        if self.accelerator.is_main_process:
            checkpoints.sweep(self.run.checkpoints)
        path = checkpoints.newest(self.run.checkpoints)
        if path is None:
            if self.accelerator.is_main_process:
                self.run.metrics.unlink(missing_ok=True)
            return
        found = checkpoints.load(path)
        if found.state["fingerprint"] != self.state.fingerprint:
            raise TrainingError(
                "its checkpoints were made with other data or settings.",
                where=str(self.run.path),
                fix="Take another run.name, or remove the folder to start afresh.",
            )
        self.state = State.from_json(found.state)
        self.passes.resume(self.state.asked_tokens, self.state.pass_tokens)
        self._put(found.tensors["trainable"])
        load_state_tensors(self.optimizer, found.tensors["optimizer"])
        if self.accelerator.scaler is not None and self.state.scaler:
            self.accelerator.scaler.load_state_dict(self.state.scaler)
        if self.accelerator.is_main_process:
            self.run.keep_metrics_until(self.state.step)
            say(f"  resuming after step {self.state.step}/{len(self.steps)}")

    def _put(self, tensors: dict[str, Tensor]) -> None:
        named = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        if named.keys() != tensors.keys():
            raise TrainingError(
                "the checkpoint holds other weights than this model trains.",
                where=str(self.run.checkpoints),
                fix="Take another run.name.",
            )
        with torch.no_grad():
            for name, parameter in named.items():
                parameter.copy_(tensors[name])

    def _load_best(self) -> None:
        if self.state.best_step not in (-1, self.state.step):
            path = checkpoints.step_folder(self.run.checkpoints, self.state.best_step)
            self._put(checkpoints.load(path).tensors["trainable"])

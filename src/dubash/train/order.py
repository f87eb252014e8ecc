"""Which rows make which step: worked out before the run, so that a resumed run has the same order.

A pure function of the rows' lengths, the settings and the seed. Nothing of it needs saving.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dubash.core.errors import TrainingError
from dubash.train.options import TrainOptions

MOST_READ = 50_000_000
"""Rows that a run may read, each as often as it comes. Its order is held in memory: some 40 bytes
each, 2 GB in all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step: the numbers of its rows, in the order of the epoch."""

    epoch: int
    rows: tuple[int, ...]


def plan_steps(lengths: Sequence[int], options: TrainOptions, world: int = 1) -> list[Step]:
    """Every step of the run, in order.

    An epoch is a fresh permutation of all rows, cut into steps of batch × accumulation × world
    rows. Ends at the first of `epochs`, `max_steps` and `max_tokens`.

    Raises TrainingError where not one step fits, or where rows would be read without end.
    """
    size = options.batch_size * options.accumulation * world
    total = len(lengths)
    epochs = options.epochs
    if epochs is None:
        epochs = 1.0 if options.max_steps is None and options.max_tokens is None else float("inf")
    rows_left = epochs * total
    steps: list[Step] = []
    tokens, epoch, read = 0, 0, 0
    while rows_left >= 1 and total:
        order = np.random.default_rng([options.seed, epoch]).permutation(total)
        for start in range(0, total, size):
            rows = [int(row) for row in order[start : start + size]]
            rows = rows[: int(min(size, rows_left))]
            tokens += sum(lengths[row] for row in rows)
            full = options.max_steps is not None and len(steps) >= options.max_steps
            if not rows or full or (options.max_tokens and tokens > options.max_tokens):
                return _not_empty(steps)
            steps.append(Step(epoch, tuple(rows)))
            rows_left -= len(rows)
            read += len(rows)
            if read > MOST_READ:
                raise TrainingError(
                    f"a run of more than {len(steps):,} steps reads over {MOST_READ:,} rows.",
                    where="train",
                    fix="Lower epochs, max_steps or max_tokens.",
                )
        epoch += 1
    return _not_empty(steps)


def check_processes(options: TrainOptions, came: int) -> None:
    """Raise TrainingError for another number of processes than `train.processes` asks for."""
    asked = options.processes
    if came != asked:
        words = "1 process is" if asked == 1 else f"{asked} processes are"
        raise TrainingError(
            f"{words} asked for, but {came} came.",
            where="train.processes",
            fix="Start with `torchrun --nproc-per-node N -m dubash …`, or set it to what came.",
        )


@dataclass(frozen=True, slots=True)
class Cutting:
    """How steps are cut into forward passes: of so many `tokens` at first, the rows packed or
    padded, `shared` tokens that all of them begin with, and parts that are taken side by side, of
    processes or of lanes."""

    tokens: int
    packed: bool
    shared: int
    processes: int = 1
    lanes: int = 1

    def passes(
        self, rows: Sequence[int], lengths: Sequence[int], tokens: int
    ) -> list[list[list[int]]]:
        """`passes[i][part]` are rows. A device takes at most so many `tokens` at a time, its lanes
        together, except a single row that is longer, and before packs are filled up."""
        costs = {row: max(1, lengths[row] - self.shared) for row in rows}
        room = max(1, tokens // self.lanes - self.shared)
        side_by_side = max(self.processes, self.lanes)
        return cut_passes(rows, costs, room, packed=self.packed, world=side_by_side)

    def size(self, rows: Sequence[int], lengths: Sequence[int]) -> int:
        """The tokens of one part of a pass, padding and shared ones included."""
        if self.packed:
            return self.shared + sum(max(1, lengths[row] - self.shared) for row in rows)
        return len(rows) * max(lengths[row] for row in rows)


def cut_passes(
    rows: Sequence[int], costs: Mapping[int, int], room: int, *, packed: bool, world: int = 1
) -> list[list[list[int]]]:
    """The forward passes of a step: `passes[i][rank]` are rows, none where a process (or lane) has
    nothing to do in that pass.

    Rows of like length go together, which leaves the step's gradient as it is (the loss is
    normalised over the whole step) and saves padding. `costs` are each row's tokens (behind the
    shared ones, in a pack); no pass holds more than `room` of them, with padding where rows are
    not packed, except a single row that is longer. Packs, and passes taken side by side, are of
    like size.
    """
    ordered = sorted(rows, key=lambda row: (-costs[row], row))
    parts: list[list[int]] = []
    left, filled, share = sum(costs[row] for row in rows), 0, math.inf
    even = packed or world > 1
    for row in ordered:
        part = parts[-1] if parts else []
        size = filled + costs[row] if packed else (len(part) + 1) * costs[(part or [row])[0]]
        # the end nearest to an even share of what was left when the part began
        if not part or size > room or (even and filled + costs[row] / 2 > share):
            left -= filled
            more = math.ceil(left / room)
            share = left / (more + -(len(parts) + more) % world)
            parts.append([])
            filled = 0
        parts[-1].append(row)
        filled += costs[row]
    parts += [[] for _ in range(-len(parts) % world)]
    return [parts[start : start + world] for start in range(0, len(parts), world)]


def _not_empty(steps: list[Step]) -> list[Step]:
    if not steps:
        raise TrainingError(
            "no training step fits: there are no rows, or train.max_tokens is less than one step.",
            where="train",
            fix="Add rows, raise max_tokens, or lower batch_size or accumulation.",
        )
    return steps

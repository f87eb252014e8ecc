"""Which rows make which step: worked out before the run, so that a resumed run has the same order.

A pure function of the rows' lengths, the settings and the seed. Nothing of it needs saving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dubash.core.errors import TrainingError
from dubash.train.options import TrainOptions


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step: for each forward pass, the rows of each process.

    `passes[i][rank]` are row indices; an empty list is a process with nothing to do in that pass.
    """

    epoch: int
    passes: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def rows(self) -> list[int]:
        """All rows of the step."""
        return [row for ranks in self.passes for rows in ranks for row in rows]


def plan_steps(lengths: Sequence[int], options: TrainOptions, world: int = 1) -> list[Step]:
    """Every step of the run, in order.

    An epoch is a fresh permutation of all rows, cut into steps of batch × accumulation × world
    rows; inside a step rows of like length share a forward pass, which leaves the step's gradient
    as it is (the loss is normalised over the whole step) and saves padding. Ends at the first of
    `epochs`, `max_steps` and `max_tokens`.

    Raises TrainingError where not one step fits.
    """
    size = options.batch_size * options.accumulation * world
    total = len(lengths)
    epochs = options.epochs
    if epochs is None:
        epochs = 1.0 if options.max_steps is None and options.max_tokens is None else float("inf")
    rows_left = epochs * total
    steps: list[Step] = []
    tokens, epoch = 0, 0
    while rows_left >= 1 and total:
        order = np.random.default_rng([options.seed, epoch]).permutation(total)
        for start in range(0, total, size):
            rows = [int(row) for row in order[start : start + size]]
            rows = rows[: int(min(size, rows_left))]
            tokens += sum(lengths[row] for row in rows)
            full = options.max_steps is not None and len(steps) >= options.max_steps
            if not rows or full or (options.max_tokens and tokens > options.max_tokens):
                return _not_empty(steps)
            steps.append(Step(epoch, _passes(rows, lengths, options.batch_size, world)))
            rows_left -= len(rows)
        epoch += 1
    return _not_empty(steps)


def _passes(
    rows: list[int], lengths: Sequence[int], batch_size: int, world: int
) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Rows of like length side by side, dealt evenly over passes and processes."""
    by_length = sorted(rows, key=lambda row: (lengths[row], row))
    count = -(-len(rows) // (batch_size * world)) * world
    parts = [tuple(int(row) for row in part) for part in np.array_split(by_length, count)]
    return tuple(tuple(parts[start : start + world]) for start in range(0, count, world))


def _not_empty(steps: list[Step]) -> list[Step]:
    if not steps:
        raise TrainingError(
            "no training step fits: there are no rows, or train.max_tokens is less than one step.",
            where="train",
            fix="Add rows, raise max_tokens, or lower batch_size or accumulation.",
        )
    return steps

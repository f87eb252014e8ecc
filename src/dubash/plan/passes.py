"""The forward passes of a run that is not yet there, cut as the engine would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dubash.model.footprint.devices import Device
from dubash.model.products import spare
from dubash.plan.forecast import Setup
from dubash.prompt.template import Example
from dubash.train.accumulate import cutting
from dubash.train.order import Step

_SAMPLED = 50  # steps whose passes are cut, for the largest and for the mean


@dataclass(frozen=True, slots=True)
class Passes:
    """The forward passes of a run: the rows of the largest and of a usual one, how many there are
    in a step, how the mean one compares with the usual (in tokens), how many are taken side by side
    as one, and how many lengths the sampled ones have."""

    largest: list[Example]
    usual: list[Example]
    a_step: float
    mean_over_usual: float
    lanes: int
    lengths: int


def cut(
    setup: Setup, model: Any, examples: Sequence[Example], steps: Sequence[Step], device: Device
) -> Passes:
    """Cut some of the steps as the engine does (`train/accumulate`). `model` is what `build` made;
    one that keeps no rows apart, which only its weights tell, is taken for one that does."""
    packed = setup.shape.kind == "causal"
    how = cutting(model, examples, packed, device.kind, setup.train, setup.train.processes)
    lengths = [each.longest for each in examples]
    picked = steps[:: max(1, len(steps) // _SAMPLED)]
    found: list[tuple[int, list[int]]] = []
    count = 0
    for step in picked:
        passes = how.passes(step.rows, lengths, how.tokens)
        count += len(passes)
        found += [(how.size(rows, lengths), rows) for parts in passes for rows in parts if rows]
    sizes = {size + (spare(size) if packed else 0) for size, _ in found}
    mean = sum(size for size, _ in found) / len(found)
    largest = max(found)
    usual = min(found, key=lambda each: abs(each[0] - mean))
    if largest[0] < 1.05 * usual[0]:
        usual = largest  # one forecast does for both
    return Passes(
        [examples[row] for row in largest[1]], [examples[row] for row in usual[1]],
        count / len(picked), mean / usual[0], how.lanes, len(sizes),
    )  # fmt: skip

"""The forward passes of a run that is not yet there, cut as the engine would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubash.model.footprint.devices import Device
from dubash.plan.forecast import Setup
from dubash.prompt.template import Example
from dubash.train.options import pass_tokens
from dubash.train.order import Step, cut_passes
from dubash.train.packs import shared_length

_SAMPLED = 50  # steps whose passes are cut, for the largest and for the mean


@dataclass(frozen=True, slots=True)
class Passes:
    """The forward passes of a run: the rows of the largest and of a usual one, how many there are
    in a step and in all, how the mean one compares with the usual (in tokens), and how many are
    taken side by side as one."""

    largest: list[Example]
    usual: list[Example]
    a_step: float
    all: float
    mean_over_usual: float
    lanes: int


def cut(
    setup: Setup, examples: Sequence[Example], steps: Sequence[Step], device: Device, lanes: int
) -> Passes:
    """Cut some of the steps as the engine does (`accumulate`), with so many lanes."""
    packed = setup.shape.kind == "causal"
    shared = shared_length([each.prompt for each in examples]) if packed else 0
    full = setup.method.name == "full"
    room = max(1, pass_tokens(setup.train, device.kind, full) // lanes - shared)
    costs = [max(1, each.longest - shared) for each in examples]
    picked = steps[:: max(1, len(steps) // _SAMPLED)]
    found: list[tuple[int, list[int]]] = []
    count = 0
    for step in picked:
        together = cut_passes(step.rows, costs, room, packed=packed, world=lanes)
        count += len(together)
        for rows in (rows for parts in together for rows in parts if rows):
            size = sum(costs[row] for row in rows)
            found.append((size if packed else len(rows) * max(costs[row] for row in rows), rows))
    mean = sum(size for size, _ in found) / len(found)
    largest = max(found)
    usual = min(found, key=lambda each: abs(each[0] - mean))
    if largest[0] < 1.05 * usual[0]:
        usual = largest  # one forecast does for both
    return Passes(
        [examples[row] for row in largest[1]], [examples[row] for row in usual[1]],
        count / len(picked), len(steps) * count / len(picked), mean / usual[0], lanes,
    )  # fmt: skip

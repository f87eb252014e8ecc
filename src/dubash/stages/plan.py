"""`dubash plan`: what a run will need, before anything is fetched or trained."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubash.core.errors import TrainingError
from dubash.core.files import cache_root, nearest_folder, read_json
from dubash.core.memory import resident
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder
from dubash.data.splits import groups
from dubash.model.options import TrimOptions
from dubash.prompt.template import Template
from dubash.recipe.load import LoadedRecipe
from dubash.recipe.options import Recipe
from dubash.stages.common import run_folder
from dubash.stages.trim import count
from dubash.stages.workload import Workload, find_workload
from dubash.train.options import LOOKS
from dubash.train.order import Step, plan_steps

if TYPE_CHECKING:
    from dubash.model.footprint.devices import Device
    from dubash.model.footprint.shapes import Shape
    from dubash.plan.budget import Times
    from dubash.plan.fitting import Change, Reckoned

MOST_ROWS = 200_000
"""Rows whose steps are worked out one by one; beyond, the number of steps is scaled."""

UNKNOWN = 1_000
"""Rows that are reckoned with where it cannot be known how many there are."""

DOES_NOT_FIT = 1
"""The command's exit status where the run does not fit."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the command shows. `vocabulary` says where a trimmed model's number of tokens comes
    from; None where nothing is trimmed."""

    recipe: Recipe
    shape: Shape
    device: Device
    workload: Workload
    steps: float
    tokens: float
    reckoned: Reckoned
    times: Times
    disk: dict[str, int]
    disk_free: int
    vocabulary: str | None
    changes: list[Change]

    @property
    def fits(self) -> bool:
        """Whether memory and disk are enough."""
        return self.reckoned.fits(self.device) and self.enough_disk

    @property
    def enough_disk(self) -> bool:
        """Whether the disk has room; that of a device not at hand is not known."""
        return not self.device.here or sum(self.disk.values()) <= self.disk_free


def plan(loaded: LoadedRecipe, device: str | None, as_json: bool) -> int:
    """The command; returns its exit status, 0 where the run fits and 1 where it does not.

    Raises UserError as reading data and loading a model do.
    """
    from dubash.stages.plan_table import print_json, print_table

    found = make_plan(loaded, device)
    (print_json if as_json else print_table)(found)
    return 0 if found.fits else DOES_NOT_FIT


def make_plan(loaded: LoadedRecipe, device_name: str | None = None) -> Plan:
    """Reckon a recipe's run on this machine, or on a device by name."""
    from dubash.model.footprint.devices import named_device, this_machine
    from dubash.model.footprint.shapes import find_shape
    from dubash.plan.budget import disk, times
    from dubash.plan.fitting import Work, changes, reckon
    from dubash.plan.forecast import Setup
    from dubash.stages.check import refuse_without_bitsandbytes

    recipe, run = loaded.recipe, run_folder(loaded)
    refuse_without_bitsandbytes(recipe)
    _import_what_training_does()
    shape = find_shape(recipe.model)
    model_type = shape.config.model_type
    device = (
        named_device(device_name, recipe.model, model_type)
        if device_name
        else this_machine(recipe.model, model_type)
    )
    _refuse_disk(recipe, run, device)
    processes = recipe.train.processes
    if device.kind == "cpu" and processes > 1:  # which share its memory; each has a GPU of its own
        device = replace(device, memory=device.memory // processes)
    # before the rows are there, which a run holds elsewhere
    runtime = resident() if device.here and device.kind == "cpu" else 0
    workload = find_workload(recipe, run, shape)
    shape, vocabulary = _trimmed(recipe, run, shape, workload)
    steps, scale = _steps(recipe, workload)
    setup = Setup(
        shape, recipe.method, device.dtype, recipe.model.gradient_checkpointing, recipe.train,
        recipe.prompt.mask, device.kind,
    )  # fmt: skip
    work = Work(workload.examples, steps, device, runtime)
    say("  running the training code without memory …")
    reckoned = reckon(setup, work)
    count = len(steps) * scale
    look_every = recipe.train.evaluate_every or max(1, math.ceil(count / LOOKS))
    looks = count / look_every + 1
    took = times(
        setup, reckoned.counted, reckoned.usual, reckoned.passes, count,
        workload.dev_tokens, round(looks), device, reckoned.waits,
    )  # fmt: skip
    trims = vocabulary is not None and not run.base.exists()
    stored, free = disk(setup, reckoned.counted, reckoned.state, trims), _free(run.path)
    found: list[Change] = []
    if not reckoned.fits(device):
        if device.here:
            work = replace(work, spare=free - sum(stored.values()))
        with progress("looking for changes with which it fits", 0, "setups") as advance:
            found = changes(reckoned, work, advance)
    tokens = scale * sum(workload.examples[row].longest for step in steps for row in step.rows)
    return Plan(
        recipe, shape, device, workload, count, tokens, reckoned, took,
        stored, free, vocabulary, found,
    )  # fmt: skip


def _import_what_training_does() -> None:
    """So that what this process holds afterwards is what training holds before it loads a model."""
    import accelerate  # noqa: F401
    import peft  # noqa: F401

    import dubash.train.loop  # noqa: F401


def _steps(recipe: Recipe, workload: Workload) -> tuple[list[Step], float]:
    """The run's steps over the workload's examples, and what their number is to be multiplied by.

    A sample stands for all rows: row n is the sample's n modulo its size.
    """
    size = len(workload.examples)
    rows = workload.rows or UNKNOWN
    counted = min(rows, MOST_ROWS)
    lengths = [workload.examples[row % size].longest for row in range(counted)]
    options = recipe.train
    steps = plan_steps(lengths, options, options.processes)
    limits = [rows / counted]
    if options.max_steps is not None:
        limits.append(options.max_steps / len(steps))
    if options.max_tokens is not None:
        tokens = sum(lengths[row] for step in steps for row in step.rows)
        limits.append(options.max_tokens / tokens)
    # a limit that ended the run over fewer rows ends it over more as well, at the same step
    endless = len(limits) > 1 and options.epochs is None
    used = sum(len(step.rows) for step in steps)
    ended = endless or used < int((options.epochs or 1) * counted)
    scale = 1.0 if ended else min(limits)
    return [replace(step, rows=tuple(row % size for row in step.rows)) for step in steps], scale


def _trimmed(
    recipe: Recipe, run: RunFolder, shape: Shape, workload: Workload
) -> tuple[Shape, str | None]:
    """The shape with the vocabulary that `model.trim` would leave."""
    from dubash.model.footprint.shapes import with_vocabulary
    from dubash.plan.fitting import TRIMMED

    if recipe.model.trim is None:
        return shape, None
    if run.base.exists():
        from dubash.model.trim import ACCOUNT

        tokens = read_json(run.base / ACCOUNT)["tokens"]["after"]
        return with_vocabulary(shape, tokens), f"{tokens:,} tokens, as the run's base was trimmed"
    if workload.template is not None:
        tokens = _counted(recipe, workload, workload.template)
        words = f"{tokens:,} tokens stay, counted on {len(workload.pairs):,} rows"
        return with_vocabulary(shape, tokens), words
    before = shape.config.get_text_config(decoder=True).vocab_size
    tokens = min(before, TRIMMED)
    return with_vocabulary(shape, tokens), f"{tokens:,} tokens taken to stay, not yet counted"


def _counted(recipe: Recipe, workload: Workload, template: Template) -> int:
    """How many tokens trimming would keep for these rows (`stages/trim`)."""
    from dubash.model.selection import Usage, select
    from dubash.model.trim import read_original

    original = read_original(recipe.model, template.tokenizer)
    usage, rows = Usage(), workload.pairs
    for group in groups(rows):
        count(usage, template, [rows[at] for at in group])
    needed = {*original.named_ids, *template.prompt_ids(""), template.end_id}
    options = recipe.model.trim or TrimOptions()
    found = select(original.vocabulary, usage, needed, recipe.languages.pair(), options)
    return len(found.kept | original.named_ids)


def _refuse_disk(recipe: Recipe, run: RunFolder, device: Device) -> None:
    """TrainingError for an optimizer's state in a file where training would refuse it."""
    from dubash.train.optim import refuse_disk

    if recipe.train.optimizer != "adamw-disk":
        return
    if device.here:
        refuse_disk(device.kind, run.path)
    elif device.kind != "cpu":
        raise TrainingError(
            f"adamw-disk is for a CPU, and {device.name} is a GPU.", where="train.optimizer",
            fix="Leave --device out, or take paged-adamw.",
        )  # fmt: skip


def _free(folder: Path) -> int:
    """Free bytes where less is free: at the run's folder, or at the cache."""
    return min(shutil.disk_usage(nearest_folder(path)).free for path in (folder, cache_root()))


def as_numbers(plan: Plan) -> dict[str, Any]:
    """The plan as plain values: bytes, seconds, counts."""
    from dubash.plan.budget import FILE

    reckoned, counted = plan.reckoned, plan.reckoned.counted
    return {
        "model": plan.shape.name,
        "configuration": plan.shape.origin,
        "method": plan.recipe.method.name,
        "device": {
            "name": plan.device.name, "here": plan.device.here, "dtype": plan.device.dtype,
            "memory": plan.device.memory,
        },
        "parameters": counted.parameters,
        "trainable": counted.trainable,
        "weights": {
            role: {"parameters": each.parameters, "bytes": each.bytes}
            for role, each in counted.roles.items()
        },
        "memory": {
            "peak": reckoned.memory.peak, "moment": reckoned.memory.moment,
            "parts": reckoned.memory.parts,
            "processes": plan.recipe.train.processes,  # all bytes here are those of each
            "needed": reckoned.needed, "needed_moment": reckoned.tightest.moment,
            "needed_parts": {
                name: size for name, size in reckoned.tightest.parts.items() if name != FILE
            },
        },
        "data": {
            "rows": plan.workload.rows, "dev_rows": plan.workload.dev_rows,
            "origin": plan.workload.origin, "exact": plan.workload.exact,
        },
        "vocabulary": plan.vocabulary,
        "tokens": round(plan.tokens),
        "steps": round(plan.steps),
        "passes_a_step": round(reckoned.passes.a_step, 2),
        "seconds": {
            "a_step": plan.times.a_step, "training": plan.times.training,
            "measured": plan.times.measured,
        },
        "disk": {"parts": plan.disk, "free": plan.disk_free if plan.device.here else None},
        "fits": plan.fits,
        "changes": [
            {
                "settings": list(each.settings), "loses": list(each.loses),
                "needed": each.reckoned.needed, "slower": round(each.slower, 2),
            }
            for each in plan.changes
        ],
    }  # fmt: skip

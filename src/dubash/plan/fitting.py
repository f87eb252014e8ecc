"""The smallest changes of a recipe that let it fit into a device's memory, each with its cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dubash.model.device import has_bitsandbytes
from dubash.model.footprint.devices import Device
from dubash.model.footprint.parameters import Counted, build, count
from dubash.model.footprint.replay import guessed_seconds, seconds_there
from dubash.model.footprint.shapes import with_vocabulary
from dubash.model.options import MethodOptions
from dubash.plan.budget import Memory, file_seconds, moments, state_bytes
from dubash.plan.forecast import Pass, Setup, forecast
from dubash.plan.passes import Passes, cut
from dubash.prompt.template import Example
from dubash.train.options import pass_tokens
from dubash.train.order import Step

TRIMMED = 32_768
"""Tokens that a pair of languages is taken to need where they are not counted. Assumed: there was
no tokenizer of Gemma or mT5 to count with."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be trained on, where: the rows, the steps, the device, what the process holds
    there before anything is loaded, and the bytes of disk that the recipe leaves free."""

    examples: Sequence[Example]
    steps: Sequence[Step]
    device: Device
    runtime: int
    spare: float = math.inf


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A setup with all that was reckoned of it. `state` are the optimizer's bytes, wherever they
    lie; `guess` are the seconds of a step by a guess that only compares; of them it `waits` for the
    disk."""

    setup: Setup
    counted: Counted
    passes: Passes
    usual: Pass
    moments: list[Memory]
    state: int
    guess: float
    waits: float

    @property
    def memory(self) -> Memory:
        """The moment at which the system counts most for the process."""
        return max(self.moments, key=lambda each: each.peak)

    @property
    def tightest(self) -> Memory:
        """The moment that decides whether it fits: a file's pages need not be there (see
        `Memory.needed`)."""
        return max(self.moments, key=lambda each: each.needed)

    @property
    def needed(self) -> int:
        """What must be there for every moment."""
        return self.tightest.needed

    def fits(self, device: Device) -> bool:
        """Whether all its moments are within the device's memory."""
        return self.needed <= device.memory


def reckon(setup: Setup, work: Work) -> Reckoned:
    """Parameters, passes and memory of a setup. Raises ModelError as loading does."""
    model = build(setup.shape, setup.method, setup.dtype)
    counted = count(model, setup.method)
    passes = cut(setup, model, work.examples, work.steps, work.device)
    largest = forecast(setup, passes.largest)
    usual = largest if passes.usual is passes.largest else forecast(setup, passes.usual)
    found = moments(setup, counted, largest, passes, model, work.device, work.runtime)
    device = work.device
    a_pass = (
        guessed_seconds(usual.operations)
        if device.here
        else seconds_there(usual.operations, device)
    )
    # a lane has its share of the cores, and all lanes take a pass at a time
    guess = passes.a_step * passes.mean_over_usual * passes.lanes * a_pass
    state = state_bytes(model, setup.train)
    left = device.memory - max(each.needed for each in found)
    waits = file_seconds(setup.train, state, left)
    return Reckoned(setup, counted, passes, usual, found, state, guess + waits, waits)


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that make a recipe fit, as they are given on the command line; what each loses; what
    they come to; and the time of a step over that of the recipe."""

    settings: tuple[str, ...]
    loses: tuple[str, ...]
    reckoned: Reckoned
    slower: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    setting: str
    loses: str
    apply: Callable[[Setup], Setup]

    @property
    def key(self) -> str:
        return self.setting.partition("=")[0]


def changes(asked: Reckoned, work: Work, advance: Callable[[int], None]) -> list[Change]:
    """Each single change with which the recipe fits; where none is enough, as few as do together,
    those that lose least. Empty where not even all of them do."""
    candidates = list(_candidates(asked, work))

    def with_(taken: Sequence[_Candidate]) -> Change:
        setup = asked.setup
        for each in taken:
            setup = each.apply(setup)
        found = reckon(setup, work)
        advance(1)
        return Change(
            tuple(each.setting for each in taken), tuple(each.loses for each in taken), found,
            found.guess / asked.guess,
        )  # fmt: skip

    def fits(change: Change) -> bool:
        return change.reckoned.fits(work.device)

    if alone := list(filter(fits, (with_([each]) for each in candidates))):
        return alone
    taken: list[_Candidate] = []
    for each in candidates:
        # a later method takes the place of an earlier one
        taken = [old for old in taken if old.key != each.key] + [each]
        if len(taken) > 1 and fits(found := with_(taken)):
            break
    else:
        return []
    for each in reversed(taken[:-1]):  # what loses most first, the last is needed
        fewer = [other for other in taken if other is not each]
        if len(fewer) > 1 and fits(without := with_(fewer)):
            taken, found = fewer, without
    return [found]


def _candidates(asked: Reckoned, work: Work) -> Iterator[_Candidate]:
    """What may be changed, in the order of what it loses."""
    setup = asked.setup
    longest = max(each.longest for each in work.examples)
    now = pass_tokens(setup.train, work.device.kind, setup.method.name == "full")
    fewer = max(longest, now // 8)
    if fewer < now:
        loses = "nothing: the same gradients, from smaller passes"
        yield _Candidate(f"train.pass_tokens={fewer}", loses, _trained(pass_tokens=fewer))
    if not setup.checkpointing:
        loses = "nothing but time: layers are computed twice"
        again = partial(replace, checkpointing=True)
        yield _Candidate("model.gradient_checkpointing=true", loses, again)
    full, quantized = setup.method.name == "full", has_bitsandbytes()
    room = asked.state * setup.train.processes <= work.spare
    if full and setup.train.optimizer == "adamw" and work.device.kind == "cpu" and room:
        gigabytes = asked.state / 1e9
        loses = f"nothing; the optimizer's state takes {gigabytes:.1f} GB of disk more"
        yield _Candidate("train.optimizer=adamw-disk", loses, _trained(optimizer="adamw-disk"))
    if full and setup.train.optimizer == "adamw" and quantized:
        loses = "precision of the optimizer's state, kept in 8 bits"
        yield _Candidate("train.optimizer=adamw-8bit", loses, _trained(optimizer="adamw-8bit"))
    rows = setup.shape.config.get_text_config(decoder=True).vocab_size
    if rows > 2 * TRIMMED:
        loses = f"tokens that the pair does not need ({TRIMMED:,} are taken to stay)"
        yield _Candidate("model.trim={}", loses, _trimmed)
    if full:
        yield _method("lora", "all but adapters is frozen")
    if setup.method.name in ("full", "lora") and quantized:
        yield _method("qlora", "all but adapters is frozen, in 4 bits")


def _trained(**changed: object) -> Callable[[Setup], Setup]:
    def apply(old: Setup) -> Setup:
        return replace(old, train=old.train.model_copy(update=changed))

    return apply


def _trimmed(old: Setup) -> Setup:
    return replace(old, shape=with_vocabulary(old.shape, TRIMMED))


def _method(name: str, loses: str) -> _Candidate:
    def apply(old: Setup) -> Setup:
        kept = old.method.model_dump(include={"rank", "alpha", "dropout", "target_modules"})
        changed = {} if old.method.name == "full" else kept
        return replace(old, method=MethodOptions.model_validate({"name": name, **changed}))

    return _Candidate(f"method.name={name}", loses, apply)

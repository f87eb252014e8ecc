"""What a pass would take beside what it takes: the same code, once without memory, once with."""

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from dubash.core.progress import silent
from dubash.data.phrasebook import folder as phrasebooks
from dubash.model import products
from dubash.model.footprint.devices import Device
from dubash.model.footprint.parameters import build, count
from dubash.model.footprint.shapes import find_shape
from dubash.model.footprint.tally import Tally, gradients_there
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.plan.budget import (
    DISK,
    disk,
    file_seconds,
    moments,
    optimizer_bytes,
    state_bytes,
    times,
)
from dubash.plan.fitting import Work, changes, reckon
from dubash.plan.forecast import Setup, _Watched, forecast
from dubash.plan.passes import cut
from dubash.prompt.template import Example
from dubash.train.accumulate import Accumulator
from dubash.train.batches import Collator
from dubash.train.loss import Scorer
from dubash.train.optim import build_optimizer, state_tensors
from dubash.train.options import TrainOptions
from dubash.train.order import plan_steps
from tiny import make_tiny

TEXTS = (phrasebooks() / "en-es.tsv").read_text(encoding="utf-8").splitlines()[1:200]
ROWS = [
    Example((5, 6, 7, *range(10, 14 + row)), (*range(20, 30 + 2 * row), 3), f"row {row}")
    for row in range(6)
]
BIG = Device("a test's", "cpu", 2**40, "fp32", True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("forecast")

    def make(family, layers=3):
        path = root / f"{family}-{layers}"
        return path if path.exists() else make_tiny(family, path, TEXTS, 64, layers, 400)

    return make


def setup_of(path, method="lora", checkpointing=False, **train):
    shape = find_shape(ModelOptions(name=str(path)))
    options = TrainOptions(**train)
    return Setup(shape, MethodOptions(name=method), "fp32", checkpointing, options, "target")


def watch_for_real(path, setup):
    """The same pass over a loaded model, with memory."""
    options = ModelOptions(
        name=str(path), device="cpu", dtype="fp32", gradient_checkpointing=setup.checkpointing
    )
    model = load_trainable(options, setup.method).model
    start = getattr(model.config, "decoder_start_token_id", None)
    collator = Collator(setup.shape.kind, "target", 0, start)
    batch = collator(ROWS)
    collator.__class__ = type("Ready", (Collator,), {"__call__": lambda *_: batch})
    gradients_there(model)
    held = [*model.parameters(), *model.buffers()]
    for module in model.modules():  # what bitsandbytes keeps beside a weight
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        held += [x for x in (getattr(state, "absmax", None),) if x is not None]
    tally = Tally([*held, *(each.grad for each in held if each.grad is not None)])
    scorer = _Watched(model, setup, tally)
    passes = Accumulator(
        scorer, ROWS, collator, TrainOptions(pass_tokens=10**6), Accelerator(), lanes=1
    )
    with tally:
        tally.begin("forward")
        passes.add(range(len(ROWS)), silent)
        tally.begin("")
    return tally


@pytest.mark.parametrize("family", ["llama", "gemma3", "mt5", "qwen3"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_a_pass_takes_what_was_forecast(folder, family, method):
    path = folder(family)
    setup = setup_of(path, method)
    found, real = forecast(setup, ROWS), watch_for_real(path, setup)
    assert found.activations == pytest.approx(real.spans["head"].begins, rel=0.03)
    for span, moment in found.moments.items():
        assert moment.peak == pytest.approx(real.spans[span].peak, rel=0.05), span
    flops = sum(each.flops * often for each, often in found.operations.items())
    assert flops == pytest.approx(sum(span.flops for span in real.spans.values()), rel=0.02)


def test_checkpointing_keeps_less_and_computes_more(folder):
    path = folder("llama")
    plain, again = (forecast(setup_of(path, checkpointing=each), ROWS) for each in (False, True))
    assert again.activations < 0.5 * plain.activations
    flops = [
        sum(op.flops * often for op, often in each.operations.items()) for each in (plain, again)
    ]
    assert flops[1] > 1.1 * flops[0]


# -- budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-8bit", "adafactor"])
def test_the_optimizer_keeps_the_bytes_reckoned(folder, optimizer):
    path = folder("llama")
    setup = setup_of(path, "full", optimizer=optimizer)
    model = load_trainable(
        ModelOptions(name=str(path), device="cpu", dtype="fp32"), setup.method
    ).model
    real = build_optimizer(model, setup.train)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    real.step()
    held = sum(
        each.numel() * each.element_size()
        for name, each in state_tensors(real).items()
        if each.numel() > 1 and "qmap" not in name
    )
    unbuilt = build(setup.shape, setup.method, "fp32")
    assert optimizer_bytes(unbuilt, setup.train, BIG) == pytest.approx(held, rel=0.01)


def test_paged_state_lies_outside_a_gpus_memory(folder):
    setup = setup_of(folder("llama"), "full", optimizer="paged-adamw-8bit")
    model = build(setup.shape, setup.method, "fp32")
    gpu = Device("a GPU", "cuda", 2**34, "fp32", False, 1e12, 1e14)
    assert optimizer_bytes(model, setup.train, gpu) == 0
    assert optimizer_bytes(model, setup.train, BIG) > 0


def test_state_in_a_file_takes_disk_and_a_piece_of_memory(folder, monkeypatch):
    monkeypatch.setattr("dubash.plan.budget.PIECE", 100)
    setup = setup_of(folder("llama"), "full", optimizer="adamw-disk")
    model = build(setup.shape, setup.method, "fp32")
    assert optimizer_bytes(model, setup.train, BIG) == 800
    counted = count(model, setup.method)
    state = state_bytes(model, setup.train)
    assert state == 8 * counted.trainable
    assert disk(setup, counted, state, trimmed=False)["optimizer's state"] == state
    several = replace(setup, train=setup.train.model_copy(update={"processes": 3}))
    assert disk(several, counted, state, trimmed=False)["optimizer's state"] == 3 * state


def test_a_step_waits_for_the_disk_where_memory_has_no_room_for_the_file():
    on_disk = TrainOptions(optimizer="adamw-disk")
    assert file_seconds(on_disk, state=10**9, left=10**9) == 0
    assert file_seconds(on_disk, state=10**9, left=10**9 - 1) == 2 * 10**9 / DISK
    assert file_seconds(TrainOptions(), state=10**9, left=0) == 0


def test_state_in_a_file_is_named_where_a_full_run_does_not_fit(folder, monkeypatch):
    monkeypatch.setattr("dubash.plan.budget.PIECE", 100)
    setup = setup_of(folder("llama"), "full", batch_size=6, accumulation=1)
    steps = plan_steps([9] * 6, setup.train)
    asked = reckon(setup, Work(ROWS, steps, BIG, 0))
    less = Device("a test's", "cpu", asked.needed - 1, "fp32", True)
    found = changes(asked, Work(ROWS, steps, less, 0), silent)
    [change] = [each for each in found if each.settings == ("train.optimizer=adamw-disk",)]
    assert change.loses == (
        f"nothing; the optimizer's state takes {asked.state / 1e9:.1f} GB of disk more",
    )
    without = changes(asked, Work(ROWS, steps, less, 0, spare=asked.state - 1), silent)
    assert change.settings not in [each.settings for each in without]
    assert change.slower > 1  # no room in memory for the file: each step waits for the disk


def test_passes_are_those_of_the_engine(folder):
    setup = setup_of(folder("llama"), batch_size=4, accumulation=1, pass_tokens=30)
    rows = [*ROWS] * 4
    steps = plan_steps([each.longest for each in rows], setup.train)
    model = build(setup.shape, setup.method, "fp32")
    found = cut(setup, model, rows, steps, BIG)
    loaded = load_trainable(
        ModelOptions(name=str(folder("llama")), device="cpu", dtype="fp32"), setup.method
    )
    collator = Collator("causal", "target", 0)
    engine = Accumulator(Scorer(loaded.model), rows, collator, setup.train, Accelerator())
    passes = [
        parts
        for step in steps
        for parts in engine.cutting.passes(step.rows, engine.lengths, engine.pass_tokens)
    ]
    assert found.lanes == len(engine.lanes)
    assert found.a_step == len(passes) / len(steps) > 1
    lengths = [
        sum(row.longest for row in part) - (len(part) - 1) * engine.cutting.shared
        for step in passes
        for part in ([rows[at] for at in own] for own in step)
    ]
    assert found.lengths == len({-(-length // 16) for length in lengths})
    largest = max(engine.cutting.size(part, engine.lengths) for parts in passes for part in parts)
    assert engine.cutting.size(range(len(found.largest)), [x.longest for x in found.largest]) == (
        largest
    )


def test_the_parts_add_up_and_a_second_pass_needs_its_gradients(folder):
    path = folder("llama")
    one, several = (
        reckon(
            setup_of(path, "full", batch_size=6, accumulation=1, pass_tokens=tokens),
            Work(ROWS, plan_steps([9] * 6, TrainOptions(batch_size=6, accumulation=1)), BIG, 0),
        )
        for tokens in (10_000, 40)
    )
    assert one.memory.peak == sum(one.memory.parts.values())
    assert several.passes.a_step > one.passes.a_step == 1
    assert several.memory.parts["gradients"] == 4 * several.counted.trainable


@pytest.mark.usefixtures("two_cores")
def test_lanes_halve_the_passes_and_double_what_is_held(folder):
    setup = setup_of(folder("llama"), batch_size=6, accumulation=1, pass_tokens=200)
    setup = replace(setup, method=MethodOptions(name="lora", rank=1, alpha=2))
    steps = plan_steps([9] * 6, setup.train)
    model = build(setup.shape, setup.method, "fp32")
    counted = count(model, setup.method)
    two = cut(setup, model, ROWS, steps, BIG)
    torch.set_num_threads(1)
    one = cut(setup, model, ROWS, steps, BIG)
    assert (one.lanes, two.lanes, one.a_step, two.a_step) == (1, 2, 1, 1)
    tokens = [sum(each.longest for each in passes.largest) for passes in (one, two)]
    assert tokens[1] < 0.7 * tokens[0]
    half = forecast(setup, two.largest)
    found = moments(setup, counted, half, two, model, BIG, runtime=0)
    alone = moments(setup, counted, half, replace(two, lanes=1), model, BIG, runtime=0)
    assert found[0].parts["activations"] == 2 * alone[0].parts["activations"] > 0


@pytest.mark.parametrize("wide", [True, False])
def test_a_library_keeps_kernels_for_each_length_of_a_pass(folder, monkeypatch, wide):
    """oneDNN, which bf16 goes by on a CPU, and fp32 where its own library is slower."""
    monkeypatch.setattr(products, "_narrow", lambda: wide)
    setup = setup_of(folder("llama"), batch_size=6, accumulation=1)
    model, steps = build(setup.shape, setup.method, "fp32"), plan_steps([9] * 6, setup.train)
    counted, passes = count(model, setup.method), cut(setup, model, ROWS, steps, BIG)
    kept = []
    for lengths in (1, 3):
        found = moments(
            setup, counted, forecast(setup, passes.largest), replace(passes, lengths=lengths),
            model, BIG, runtime=0,
        )  # fmt: skip
        kept.append(found[0].parts.get("kernels", 0))
    assert kept == ([kept[0], 3 * kept[0]] if wide else [0, 0])
    assert bool(kept[0]) == wide


def test_another_device_has_products_of_its_own(folder, monkeypatch):
    monkeypatch.setattr(products, "_narrow", lambda: True)
    cpu = setup_of(folder("llama"))
    for setup, there in ((cpu, True), (replace(cpu, kind="cuda"), False)):
        operations = forecast(setup, ROWS).operations
        packets = {each.function.overloadpacket for each in operations}
        assert bool(packets & products.PRODUCTS) == there


def test_a_file_that_looms_over_loading_does_not_hide_what_training_needs(folder):
    setup = setup_of(folder("llama"), batch_size=6, accumulation=1)
    stored = replace(setup, shape=replace(setup.shape, stored_bytes=400.0))
    steps = plan_steps([9] * 6, setup.train)
    found = reckon(stored, Work(ROWS, steps, BIG, 0))
    assert found.memory.moment == "loading"
    training = max(each.needed for each in found.moments if each.moment != "loading")
    assert found.needed == training > found.memory.needed


def test_the_largest_moment_is_taken(folder):
    setup = setup_of(folder("llama"), "full", batch_size=6, accumulation=1)
    steps = plan_steps([9] * 6, setup.train)
    model = build(setup.shape, setup.method, "fp32")
    passes = cut(setup, model, ROWS, steps, BIG)
    counted = count(model, setup.method)
    largest = forecast(setup, passes.largest)
    found = max(
        moments(setup, counted, largest, passes, model, BIG, runtime=7), key=lambda each: each.peak
    )
    state = optimizer_bytes(model, setup.train, BIG)
    assert found.peak >= counted.bytes + state + 4 * counted.trainable  # the optimizer's step
    took = times(setup, counted, largest, passes, 10, 100, 2, BIG, 0.0)
    assert took.training == pytest.approx(10 * took.a_step + took.looks)
    assert took.measured is not None


# -- fitting ---------------------------------------------------------------------------------------


def asked_of(path):
    """A recipe that keeps much, and how to ask what makes it fit into less."""
    setup = setup_of(path, "lora", batch_size=6, accumulation=1, pass_tokens=10_000)
    steps = plan_steps([9] * 6, setup.train)
    asked = reckon(setup, Work(ROWS, steps, BIG, 0))

    def fit_into(room):
        device = Device("a test's", "cpu", room, "fp32", True)
        return changes(asked, Work(ROWS, steps, device, 0), silent)

    return asked, fit_into


def test_changes_are_named_only_if_they_are_enough(folder):
    asked, fit_into = asked_of(folder("llama"))
    less = asked.memory.peak - 1
    found = fit_into(less)
    assert ("model.gradient_checkpointing=true",) in [each.settings for each in found]
    assert all(each.reckoned.needed <= less for each in found)


@pytest.mark.slow
def test_where_no_change_is_enough_alone_the_fewest_together_are_named(folder, monkeypatch):
    monkeypatch.setattr("dubash.plan.fitting.has_bitsandbytes", lambda: False)
    monkeypatch.setattr("dubash.plan.fitting.TRIMMED", 20)
    asked, fit_into = asked_of(folder("llama"))
    alone = fit_into(asked.memory.peak - 1)
    best = min(each.reckoned.needed for each in alone)
    (change,) = fit_into(best - 1)
    assert len(change.settings) == len(change.loses) == 2
    assert change.reckoned.needed < best
    assert fit_into(0) == []

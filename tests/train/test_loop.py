"""The loop: exact normalisation, exact resuming, and a guard that lets nothing through."""

import json
import re
import signal

import pytest
import torch
from accelerate.optimizer import AcceleratedOptimizer
from toy import PAIRS, assert_same, left_behind, stop_after, toy_loop

from dubash.core.errors import Interrupted, TrainingError
from dubash.train import checkpoint as checkpoints
from dubash.train.batches import as_trained
from dubash.train.sample import Scored


def _gradients(loop):
    """The gradients of the run's first step, before clipping."""
    seen = {}

    def keep(parameters, _limit):
        named = loop.module.named_parameters()
        seen.update({n: p.grad.clone() for n, p in named if p.grad is not None})
        return torch.nn.utils.clip_grad_norm_(list(parameters), 1e9)

    loop.accelerator.clip_grad_norm_ = keep
    loop.train()
    return seen


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("room", [1, 40, 70])
def test_eight_passes_of_one_row_give_the_gradient_of_one_pass_of_eight(
    tiny_llama, tmp_path, method, room
):
    same = {"max_steps": 1, "evaluate_every": 100, "save_every": 100, "batch_size": 8}
    whole = toy_loop(tiny_llama, tmp_path / "a", method, **same)
    parts = toy_loop(tiny_llama, tmp_path / "b", method, pass_tokens=room, **same)
    for loop in (whole, parts):  # dropout would draw other numbers for other batches
        for module in loop.module.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    one, many = _gradients(whole), _gradients(parts)
    assert one.keys() == many.keys()
    assert len(one) > 10
    for name, gradient in one.items():
        distance = (gradient - many[name]).norm() / gradient.norm().clamp_min(1e-12)
        assert distance <= 1e-5, name


def test_the_same_run_twice_is_the_same_bit_for_bit(tiny_llama, tmp_path):
    first, second = (toy_loop(tiny_llama, tmp_path / name) for name in "ab")
    first.train()
    second.train()
    assert_same(left_behind(first), left_behind(second))


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_resumed_run_ends_as_the_uninterrupted_one(
    tiny_llama, tmp_path, method, number
):
    straight = toy_loop(tiny_llama, tmp_path / "straight", method)
    straight.train()

    stopped = toy_loop(tiny_llama, tmp_path / "stopped", method)
    stop_after(stopped, 5, number)
    with pytest.raises(Interrupted) as stop:
        stopped.train()
    assert stop.value.exit_code == 128 + number

    resumed = toy_loop(tiny_llama, tmp_path / "stopped", method)
    resumed.train()
    assert_same(left_behind(straight), left_behind(resumed))


def test_the_best_weights_are_left_in_the_model(tiny_llama, tmp_path, capsys):
    loop = toy_loop(tiny_llama, tmp_path, "full", keep_best="chrf", dev_sample=1)
    scores = {0: 1.0, 4: 9.0, 8: 3.0, 12: 2.0}
    loop.score = lambda _model: Scored(scores[loop.state.step])
    state = loop.train()
    assert state.best_step == 4
    said = capsys.readouterr().err
    assert re.search(r"step 4/12 · dev chrF\+\+ 9\.0 · dev loss \d\.\d{3} · highest dev", said)
    saved = checkpoints.load(checkpoints.step_folder(loop.run.checkpoints, 4)).tensors["trainable"]
    last = checkpoints.load(checkpoints.step_folder(loop.run.checkpoints, 12)).tensors["trainable"]
    for name, parameter in loop.module.named_parameters():
        assert torch.equal(parameter.detach(), saved[name])
    assert any(not torch.equal(saved[name], last[name]) for name in saved)


def test_a_damaged_best_checkpoint_is_refused_not_loaded(tiny_llama, tmp_path):
    loop = toy_loop(tiny_llama, tmp_path, "full", keep_best="chrf", dev_sample=1)
    loop.score = lambda _model: Scored(-float(loop.state.step))
    real = loop._look

    def look_then_damage(watch):
        real(watch)
        if loop.state.step == 12:
            file = checkpoints.step_folder(loop.run.checkpoints, 0) / "trainable.safetensors"
            file.write_bytes(file.read_bytes()[:-1] + b"x")

    loop._look = look_then_damage
    with pytest.raises(TrainingError, match="damaged"):
        loop.train()


def test_patience_stops_the_run(tiny_llama, tmp_path):
    loop = toy_loop(
        tiny_llama, tmp_path, "full", learning_rate=0.5, max_steps=40, evaluate_every=2, patience=2
    )
    state = loop.train()
    assert state.step < 40
    assert state.looks_without_better == 2


def test_a_checkpoint_of_other_settings_is_refused(tiny_llama, tmp_path):
    toy_loop(tiny_llama, tmp_path).train()
    other = toy_loop(tiny_llama, tmp_path)
    other.state.fingerprint = "another"
    with pytest.raises(TrainingError, match="other data or settings"):
        other.train()


def test_another_number_of_processes_than_asked_for_is_refused(tiny_llama, tmp_path):
    with pytest.raises(TrainingError, match="2 processes are asked for, but 1 came"):
        toy_loop(tiny_llama, tmp_path, processes=2)


# -- the guard ---------------------------------------------------------------------------------


def _poison(monkeypatch, loop, steps, value):
    """Make the loss of the given steps (counted from 1) non-finite, through the real loss."""
    real = loop.passes.bare.forward

    def poisoned(*arguments):
        loss = real(*arguments)
        return loss * value if loop.state.step + 1 in steps else loss

    monkeypatch.setattr(loop.passes.bare, "forward", poisoned)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bad_step_changes_neither_weights_nor_optimizer(tiny_llama, tmp_path, monkeypatch, value):
    loop = toy_loop(tiny_llama, tmp_path, evaluate_every=100, save_every=100)
    _poison(monkeypatch, loop, {5}, value)
    seen, step = {}, loop._step

    def watched(*arguments):
        before = left_behind(loop)
        step(*arguments)
        seen[loop.state.step] = (before, left_behind(loop))

    loop._step = watched
    state = loop.train()
    before, after = seen[5]
    for part in ("weights", "optimizer"):
        assert all(torch.equal(before[part][name], after[part][name]) for name in before[part])
    before, after = seen[6]
    assert any(not torch.equal(before["weights"][n], after["weights"][n]) for n in after["weights"])
    assert state.step == 12
    assert state.guard.skipped == 1
    (record,) = [each for each in loop.run.read_metrics() if each["kind"] == "guard"]
    assert record["step"] == 5
    assert set(record["rows"]) <= {pair.origin for pair in PAIRS}


def test_three_bad_steps_stop_the_run_and_name_their_rows(tiny_llama, tmp_path, monkeypatch):
    loop = toy_loop(tiny_llama, tmp_path, evaluate_every=100, save_every=100)
    _poison(monkeypatch, loop, {5, 6, 7}, float("nan"))
    with pytest.raises(TrainingError) as stop:
        loop.train()
    rows = {loop.examples[row].origin for step in loop.steps[4:7] for row in step.rows}
    assert all(row in str(stop.value) for row in rows)
    assert "step 7" in str(stop.value)


def test_the_guard_counts_on_over_a_resume(tiny_llama, tmp_path, monkeypatch):
    first = toy_loop(tiny_llama, tmp_path, evaluate_every=100, save_every=1)
    _poison(monkeypatch, first, {5, 6}, float("nan"))
    stop_after(first, 6)
    with pytest.raises(Interrupted):
        first.train()
    second = toy_loop(tiny_llama, tmp_path, evaluate_every=100, save_every=1)
    _poison(monkeypatch, second, {7}, float("nan"))
    with pytest.raises(TrainingError, match="3 steps in a row"):
        second.train()


@pytest.mark.parametrize("loss", [float("nan"), 1.0])
def test_under_fp16s_loss_scaling_a_bad_step_is_skipped_and_the_run_goes_on(
    tiny_llama, tmp_path, monkeypatch, loss
):
    loop = toy_loop(tiny_llama, tmp_path, evaluate_every=100, save_every=100)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    loop.optimizer = AcceleratedOptimizer(loop.optimizer.optimizer, False, scaler)
    loop.accelerator.scaler, loop.accelerator._optimizers = scaler, [loop.optimizer]
    monkeypatch.setattr(loop.accelerator.state, "_mixed_precision", "fp16")
    monkeypatch.setattr(loop.accelerator, "native_amp", True, raising=False)
    if loss == 1.0:  # a finite loss whose scaled gradient overflows
        hook = next(p for p in loop.module.parameters() if p.requires_grad)
        hook.register_hook(lambda g: g * (float("inf") if loop.state.step == 4 else 1.0))
    else:
        _poison(monkeypatch, loop, {5}, loss)
    state = loop.train()
    assert state.step == 12
    assert scaler.get_scale() == 2.0**7
    guarded = [each for each in loop.run.read_metrics() if each["kind"] == "guard"]
    assert len(guarded) == (1 if loss != 1.0 else 0)
    taken = [each["step"] for each in loop.run.read_metrics() if each["kind"] == "train"]
    assert taken == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]


def test_only_the_rows_of_the_bad_forward_pass_are_named(tiny_llama, tmp_path, monkeypatch):
    loop = toy_loop(tiny_llama, tmp_path, batch_size=8, pass_tokens=40, evaluate_every=100)
    real, seen = loop.passes.bare.forward, []

    def third_pass_is_bad(batch, *others):
        seen.append(batch)
        return real(batch, *others) * (float("nan") if len(seen) == 3 else 1.0)

    monkeypatch.setattr(loop.passes.bare, "forward", third_pass_is_bad)
    monkeypatch.setattr(loop, "_look", lambda watch: setattr(loop.state, "looked", 99))
    loop.train()
    (record,) = [each for each in loop.run.read_metrics() if each["kind"] == "guard"]
    assert 0 < len(record["rows"]) < 8
    third = {tuple(ids) for ids, _, _ in as_trained(seen[2])}
    named = {each.origin: each for each in loop.examples}
    assert {named[origin].prompt + named[origin].target for origin in record["rows"]} == third


def test_metrics_are_written_as_they_come(tiny_llama, tmp_path):
    loop = toy_loop(tiny_llama, tmp_path)
    loop.train()
    lines = [json.loads(line) for line in loop.run.metrics.read_text().splitlines()]
    assert [each["step"] for each in lines if each["kind"] == "train"] == list(range(1, 13))
    assert [each["step"] for each in lines if each["kind"] == "dev"] == [0, 4, 8, 12]


# -- memory ------------------------------------------------------------------------------------


def _short_of_memory(monkeypatch, loop, most, error):
    """A machine that can hold no pass of more than `most` tokens."""
    real, sizes = loop.passes.bare.forward, []

    def limited(batch, *others):
        tokens = batch.inputs["input_ids"].numel()
        if tokens > most:
            raise error
        sizes.append(tokens)
        return real(batch, *others)

    monkeypatch.setattr(loop.passes.bare, "forward", limited)
    return sizes


ON_A_CPU = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(ON_A_CPU)]
)
def test_where_memory_runs_out_the_passes_are_halved_and_the_step_is_the_same(
    tiny_llama, tmp_path, monkeypatch, capsys, error
):
    same = {"max_steps": 2, "batch_size": 8, "evaluate_every": 100, "save_every": 1}
    whole, short = (toy_loop(tiny_llama, tmp_path / name, "full", **same) for name in "ab")
    sizes = _short_of_memory(monkeypatch, short, 64, error)
    one, many = _gradients(whole), _gradients(short)
    for name, gradient in one.items():
        assert (gradient - many[name]).norm() <= 1e-5 * gradient.norm().clamp_min(1e-9), name
    assert max(sizes) <= 64
    assert "out of memory; from here on" in capsys.readouterr().err
    again = toy_loop(tiny_llama, tmp_path / "b", "full", **same)
    again.train()
    assert again.passes.pass_tokens == short.passes.pass_tokens < 2048
    assert "memory ran out with more" in capsys.readouterr().err
    asked = toy_loop(tiny_llama, tmp_path / "b", "full", **same, pass_tokens=4096)
    asked.train()
    assert asked.passes.pass_tokens == 4096, "whoever asks for another number gets it"


def test_a_row_that_does_not_fit_by_itself_is_said(tiny_llama, tmp_path, monkeypatch):
    loop = toy_loop(tiny_llama, tmp_path)
    _short_of_memory(monkeypatch, loop, 3, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(TrainingError, match="out of memory with one row in a pass"):
        loop.train()


def test_another_error_is_no_shortage_of_memory(tiny_llama, tmp_path, monkeypatch):
    loop = toy_loop(tiny_llama, tmp_path)
    _short_of_memory(monkeypatch, loop, 3, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        loop.train()

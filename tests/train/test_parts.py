"""Learning rate, optimizer state, guard and checkpoints, each on its own."""

import copy
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import TrainingError
from dubash.train import checkpoint as checkpoints
from dubash.train.checkpoint import Checkpoint
from dubash.train.guard import Guard
from dubash.train.optim import build_optimizer, learning_rate, load_state_tensors, state_tensors
from dubash.train.options import TrainOptions
from dubash.train.state import State


def test_warm_up_rises_then_cosine_falls():
    options = TrainOptions(learning_rate=1.0, warmup=0.1, schedule="cosine")
    rates = [learning_rate(step, 100, options) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize(("schedule", "middle"), [("linear", 0.5), ("constant", 1.0)])
def test_other_schedules(schedule, middle):
    options = TrainOptions(learning_rate=1.0, warmup=0.0, schedule=schedule)
    assert learning_rate(50, 100, options) == pytest.approx(middle)


@given(st.integers(1, 300), st.floats(0, 0.99), st.sampled_from(["cosine", "linear", "constant"]))
def test_the_rate_is_never_zero_or_above_the_highest(total, warmup, schedule):
    options = TrainOptions(learning_rate=1e-3, warmup=warmup, schedule=schedule)
    for step in range(total):
        assert 0 < learning_rate(step, total, options) <= 1e-3


def _take_steps(optimizer, parameters, count, seed):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("name", ["adamw", "adafactor"])
def test_an_optimizer_goes_on_bit_for_bit_from_its_saved_state(name):
    options = TrainOptions(optimizer=name, weight_decay=0.1)

    def fresh():
        torch.manual_seed(0)
        layer = torch.nn.Linear(6, 4)
        return layer, build_optimizer(layer.named_parameters(), options)

    layer, optimizer = fresh()
    _take_steps(optimizer, list(layer.parameters()), 3, seed=1)
    again, restored = fresh()
    again.load_state_dict(layer.state_dict())
    load_state_tensors(restored, copy.deepcopy(state_tensors(optimizer)))
    _take_steps(optimizer, list(layer.parameters()), 3, seed=2)
    _take_steps(restored, list(again.parameters()), 3, seed=2)
    for left, right in zip(layer.parameters(), again.parameters(), strict=True):
        assert torch.equal(left, right)


def test_weight_decay_spares_norms_and_biases():
    layer = torch.nn.Linear(6, 4)
    decayed, spared = build_optimizer(
        layer.named_parameters(), TrainOptions(weight_decay=0.1)
    ).param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 6)]
    assert decayed["weight_decay"] == 0.1
    assert [tuple(p.shape) for p in spared["params"]] == [(4,)]
    assert spared["weight_decay"] == 0.0


def test_nothing_trainable_is_said():
    layer = torch.nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(TrainingError, match="nothing in this model is trainable"):
        build_optimizer(layer.named_parameters(), TrainOptions())


def test_the_guard_stops_at_the_third_bad_step_in_a_row_and_names_the_rows():
    guard = Guard()
    guard.bad(1, "non-finite loss", ["a.tsv:1"])
    guard.bad(2, "non-finite loss", ["a.tsv:2"])
    with pytest.raises(TrainingError, match=r"a\.tsv:1, a\.tsv:2, a\.tsv:3"):
        guard.bad(3, "non-finite loss", ["a.tsv:3"])


def test_a_good_step_between_bad_ones_starts_the_count_afresh():
    guard = Guard()
    for step in range(0, 20, 3):
        guard.bad(step, "non-finite loss", ["x"])
        guard.bad(step + 1, "non-finite loss", ["x"])
        guard.good()
    assert guard.skipped == 14


# -- checkpoints -------------------------------------------------------------------------------


def _checkpoint(value: float) -> Checkpoint:
    tensors = {"trainable": {"w": torch.full((3,), value)}, "optimizer": {"0.step": torch.ones(())}}
    return Checkpoint(tensors, {"step": int(value)})


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    checkpoints.save(tmp_path, 3, _checkpoint(3))
    found = checkpoints.load(checkpoints.newest(tmp_path))
    assert found.state == {"step": 3}
    assert torch.equal(found.tensors["trainable"]["w"], torch.full((3,), 3.0))


@pytest.mark.parametrize("damage", ["cut", "changed", "missing", "no manifest", "manifest cut"])
def test_a_checkpoint_that_is_not_whole_is_passed_over(tmp_path, damage):
    checkpoints.save(tmp_path, 1, _checkpoint(1))
    broken = checkpoints.save(tmp_path, 2, _checkpoint(2))
    file = broken / "trainable.safetensors"
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-4])
    elif damage == "changed":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "missing":
        file.unlink()
    elif damage == "no manifest":
        (broken / "manifest.json").unlink()
    else:
        text = (broken / "manifest.json").read_text()
        (broken / "manifest.json").write_text(text[: len(text) // 2])
    assert checkpoints.newest(tmp_path) == checkpoints.step_folder(tmp_path, 1)


def test_what_a_kill_left_behind_is_removed(tmp_path):
    checkpoints.save(tmp_path, 1, _checkpoint(1))
    leftover = tmp_path / ".step-000002.abc"
    leftover.mkdir()
    (leftover / "trainable.safetensors").write_bytes(b"half")
    assert checkpoints.newest(tmp_path) == checkpoints.step_folder(tmp_path, 1)
    checkpoints.sweep(tmp_path)
    assert not leftover.exists()


def test_prune_keeps_what_is_named(tmp_path):
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, step, _checkpoint(step))
    checkpoints.prune(tmp_path, {1, 3})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000001", "step-000003"]


def test_a_checkpoint_holds_no_pickle(tmp_path):
    path = checkpoints.save(tmp_path, 1, _checkpoint(1))
    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}


@given(st.floats(allow_nan=False), st.integers(0, 9))
def test_the_state_survives_json(value, step):
    state = State("print", step=step)
    state.note_look(value)
    again = State.from_json(json.loads(json.dumps(state.to_json())))
    assert again == state or not math.isfinite(value)

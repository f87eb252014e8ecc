"""Learning rate, guard and checkpoints, each on its own."""

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
from dubash.train.optim import learning_rate
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

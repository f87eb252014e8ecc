"""The optimizers: what they decay, what they keep, and that they go on as if never stopped."""

import errno
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from toy import assert_same, left_behind, stop_after, toy_loop

from dubash.core.errors import Interrupted, ModelError, TrainingError, spell_os_error
from dubash.model import device
from dubash.train import disk
from dubash.train.optim import build_optimizer, load_state_tensors, refuse_disk, state_tensors
from dubash.train.options import BITSANDBYTES, TrainOptions

OPTIMIZERS = ("adamw", "adamw-disk", "adafactor", *sorted(BITSANDBYTES))
EIGHT_BIT = ("adamw-8bit", "paged-adamw-8bit")


class Model(torch.nn.Module):
    """An embedding and two matrices above and one below 4,096 elements, with biases."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(100, 64)
        self.wide = torch.nn.Linear(64, 80)
        self.wider = torch.nn.Linear(64, 77)
        self.narrow = torch.nn.Linear(80, 8)


@pytest.fixture
def folder(tmp_path):
    """A folder on a disk."""
    if disk._file_system(tmp_path) in disk._IN_MEMORY:
        pytest.skip("temporary files lie in memory here")
    return tmp_path


def built(name, folder=None, **fields):
    torch.manual_seed(0)
    model = Model()
    return model, build_optimizer(model, TrainOptions(optimizer=name, **fields), folder)


def take_steps(optimizer, model, count, seed):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_bit_for_bit_from_its_saved_state(name, folder):
    model, optimizer = built(name, folder, weight_decay=0.1)
    take_steps(optimizer, model, 3, seed=1)
    again, restored = built(name, folder, weight_decay=0.1)
    again.load_state_dict(model.state_dict())
    load_state_tensors(restored, load(save(state_tensors(optimizer))))  # through safetensors
    take_steps(optimizer, model, 3, seed=2)
    take_steps(restored, again, 3, seed=2)
    for left, right in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(left, right)
    before, after = state_tensors(optimizer), state_tensors(restored)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", ["lora", "full"])
@pytest.mark.parametrize("optimizer", EIGHT_BIT)
def test_a_run_resumed_with_8_bit_state_ends_as_the_uninterrupted_one(
    tiny_llama, tmp_path, name, optimizer
):
    straight = toy_loop(tiny_llama, tmp_path / "straight", name, optimizer=optimizer)
    straight.train()
    stopped = toy_loop(tiny_llama, tmp_path / "stopped", name, optimizer=optimizer)
    stop_after(stopped, 5)
    with pytest.raises(Interrupted):
        stopped.train()
    resumed = toy_loop(tiny_llama, tmp_path / "stopped", name, optimizer=optimizer)
    resumed.train()
    assert_same(left_behind(straight), left_behind(resumed))
    kinds = {tensor.dtype for tensor in left_behind(resumed)["optimizer"].values()}
    assert (torch.uint8 in kinds) == (name == "full")  # these adapters are below 4,096 elements


@pytest.mark.parametrize("piece", [disk.PIECE, 1024])
def test_state_in_a_file_gives_the_same_steps_bit_for_bit(monkeypatch, piece, folder):
    monkeypatch.setattr(disk, "PIECE", piece)  # most weights of the model are in several pieces
    fields = {"weight_decay": 0.1, "learning_rate": 1e-2}
    plain, reference = built("adamw", **fields)
    model, optimizer = built("adamw-disk", folder, **fields)
    take_steps(reference, plain, 5, seed=1)
    take_steps(optimizer, model, 5, seed=1)
    assert all(map(torch.equal, plain.parameters(), model.parameters()))
    left, right = state_tensors(reference), state_tensors(optimizer)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[key], right[key]) for key in left)


def test_a_weight_whose_state_is_not_loaded_begins_with_none(folder):
    """Though the file still holds what it had before."""
    states = []
    for name in ("adamw", "adamw-disk"):
        model, optimizer = built(name, folder)
        take_steps(optimizer, model, 2, seed=1)
        saved = {
            key: each.clone()
            for key, each in state_tensors(optimizer).items()
            if not key.startswith("1.")
        }
        load_state_tensors(optimizer, saved)
        take_steps(optimizer, model, 2, seed=2)
        states.append(state_tensors(optimizer))
    left, right = states
    assert left.keys() == right.keys()
    assert all(torch.equal(left[key], right[key]) for key in left)
    assert left["1.step"] == 2


def test_a_weight_without_a_gradient_is_left_alone_by_state_in_a_file(folder):
    model, optimizer = built("adamw-disk", folder)
    before = model.wide.weight.detach().clone()
    model.narrow.weight.grad = torch.ones_like(model.narrow.weight)
    optimizer.step()
    assert torch.equal(model.wide.weight, before)
    assert set(state_tensors(optimizer)) == {f"3.{name}" for name in ("step", *disk._STATE)}


def test_a_run_with_its_state_in_a_file_is_the_run_without_and_resumes(
    tiny_llama, folder, monkeypatch
):
    plain = toy_loop(tiny_llama, folder / "plain", "full", optimizer="adamw")
    plain.train()
    made, used = disk._file, []
    monkeypatch.setattr(disk, "_file", lambda where, size: used.append(where) or made(where, size))
    stopped = toy_loop(tiny_llama, folder / "stopped", "full", optimizer="adamw-disk")
    stop_after(stopped, 5)
    with pytest.raises(Interrupted):
        stopped.train()
    resumed = toy_loop(tiny_llama, folder / "stopped", "full", optimizer="adamw-disk")
    resumed.train()
    assert_same(left_behind(plain), left_behind(resumed))
    assert used == [folder / "stopped"] * 2  # on the run's own disk


_HELD = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from dubash.train.optim import build_optimizer, state_tensors
from dubash.train.options import TrainOptions
def held(name):
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))
model = torch.nn.Linear(8192, 4096, bias=False)
folder = Path(sys.argv[2])
optimizer = build_optimizer(model, TrainOptions(optimizer=sys.argv[1]), folder)
for _ in range(2):
    model.weight.grad = torch.ones_like(model.weight)
    optimizer.step()
    model.weight.grad = None
held("VmHWM:")
held("VmRSS:")
save_file(state_tensors(optimizer), folder / "state.safetensors")
held("VmRSS:")
"""


def test_state_in_a_file_is_not_held_in_memory(folder):
    def held(optimizer):
        told = [sys.executable, "-c", _HELD, optimizer, str(folder)]
        shown = subprocess.run(told, check=True, capture_output=True, text=True).stdout
        return [int(line) / 1024 for line in shown.split()]

    state = 2 * 4 * 8192 * 4096 / 2**20  # 256 MB
    peak, before, after = held("adamw-disk")
    assert held("adamw")[0] - peak > 0.8 * state
    assert after - before < 0.2 * state  # nor after a checkpoint has been written


def test_a_full_disk_is_said_before_the_first_step(monkeypatch, folder):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space") as caught:
        built("adamw-disk", folder)
    assert spell_os_error(caught.value).startswith(f"{folder}: the disk is full.")


def test_a_file_that_would_lie_in_memory_is_refused():
    memory = Path("/dev/shm")
    if disk._file_system(memory) not in disk._IN_MEMORY:
        pytest.skip("no folder that lies in memory is known here")
    with (
        tempfile.TemporaryDirectory(dir=memory) as folder,
        pytest.raises(TrainingError, match=r"run\.folder: its folder lies in memory \(tmpfs\)"),
    ):
        built("adamw-disk", Path(folder))


def test_state_in_a_file_is_for_a_cpu():
    with pytest.raises(TrainingError, match=r"train\.optimizer: adamw-disk is for a CPU\."):
        refuse_disk("cuda", Path())


@pytest.mark.parametrize("name", EIGHT_BIT)
def test_8_bit_state_is_for_large_matrices_that_embed_nothing(name):
    model, optimizer = built(name)
    take_steps(optimizer, model, 1, seed=1)
    small = {
        n
        for n, p in model.named_parameters()
        if optimizer.state[p]["state1"].dtype.is_floating_point
    }
    assert small == {"embedding.weight", "wide.bias", "wider.bias", "narrow.weight", "narrow.bias"}
    assert optimizer.state[model.wide.weight]["state2"].dtype == torch.uint8


def test_one_optimizers_exceptions_are_not_anothers():
    """bitsandbytes keeps them in one place for all, by position: the first matrix of a second
    model would be taken for the first one's embedding."""
    first, _ = built("adamw-8bit")
    torch.manual_seed(0)
    second = torch.nn.Linear(64, 80)
    optimizer = build_optimizer(second, TrainOptions(optimizer="adamw-8bit"))
    take_steps(optimizer, second, 1, seed=1)
    assert optimizer.state[second.weight]["state1"].dtype == torch.uint8
    assert first is not None


@pytest.mark.parametrize("name", sorted(BITSANDBYTES))
def test_bitsandbytes_takes_the_steps_of_torchs_adamw(name):
    """Exactly where its state has 32 bits; with 8 the first step differs by rounding alone."""
    fields = {"weight_decay": 0.1, "learning_rate": 1e-2}
    (plain, reference), (model, optimizer) = built("adamw", **fields), built(name, **fields)
    start = [p.detach().clone() for p in plain.parameters()]
    take_steps(reference, plain, 5, seed=1)
    take_steps(optimizer, model, 5, seed=1)
    for left, right, before in zip(plain.parameters(), model.parameters(), start, strict=True):
        moved = (left - before).norm()
        off = 1e-5 if optimizer.state[right]["state1"].dtype.is_floating_point else 0.05
        assert (left - right).norm() <= off * moved


def test_a_paged_optimizer_on_a_cpu_says_once_that_it_is_not_paged(capsys):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*[Pp]aged")
        model, optimizer = built("paged-adamw-8bit")
        take_steps(optimizer, model, 2, seed=1)
    said = [line for line in capsys.readouterr().err.splitlines() if "paged-adamw-8bit" in line]
    assert said == ["  paged-adamw-8bit: there are no pages on a CPU; its state lies in memory"]
    built("adamw-8bit")
    assert "pages" not in capsys.readouterr().err


def test_state_that_was_paged_is_put_back_into_pages():
    """Here by the flag alone; the buffers are what bitsandbytes hands out on this machine."""
    model, optimizer = built("paged-adamw")
    take_steps(optimizer, model, 2, seed=1)
    saved = state_tensors(optimizer)
    again, restored = built("paged-adamw")
    restored.is_paged, restored._cpu_paged_warned = True, True
    handed = []
    real = restored.get_state_buffer
    restored.get_state_buffer = lambda p, dtype: handed.append(real(p, dtype)) or handed[-1]
    load_state_tensors(restored, saved)
    held = [restored.state[p][key] for p in again.parameters() for key in ("state1", "state2")]
    assert {id(each) for each in held} == {id(each) for each in handed}
    after = state_tensors(restored)
    assert all(torch.equal(saved[key], after[key]) for key in saved)


@pytest.mark.parametrize("name", sorted(BITSANDBYTES))
def test_without_bitsandbytes_the_way_to_it_is_named(name, monkeypatch):
    monkeypatch.setattr(device, "has_bitsandbytes", lambda: False)
    with pytest.raises(ModelError, match=r"pip install -e '\.\[quant\]'") as caught:
        built(name)
    assert caught.value.where == "train.optimizer"
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    built("adamw")


def test_weight_decay_spares_norms_and_biases():
    layer = torch.nn.Linear(6, 4)
    decayed, spared = build_optimizer(layer, TrainOptions(weight_decay=0.1)).param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 6)]
    assert decayed["weight_decay"] == 0.1
    assert [tuple(p.shape) for p in spared["params"]] == [(4,)]
    assert spared["weight_decay"] == 0.0


def test_nothing_trainable_is_said():
    layer = torch.nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(TrainingError, match="nothing in this model is trainable"):
        build_optimizer(layer, TrainOptions())

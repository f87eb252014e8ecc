"""Two processes train as one does, and another number than asked for is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from toy import toy_loop

from dubash.train import checkpoint as checkpoints

PROGRAM = Path(__file__).with_name("toy.py")
SAME = {"max_steps": 6, "evaluate_every": 3, "save_every": 100, "method": "full"}


def _torchrun(model: Path, folder: Path, options: dict) -> subprocess.CompletedProcess:
    path = f"{PROGRAM.parent}:{PROGRAM.parents[1]}"
    return subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(PROGRAM), str(model), str(folder), json.dumps(options),
        ],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_two_processes_give_the_weights_of_one(tiny_llama, tmp_path):
    done = _torchrun(tiny_llama, tmp_path / "two", {**SAME, "batch_size": 4, "processes": 2})
    assert done.returncode == 0, done.stderr[-3000:]
    one = toy_loop(tiny_llama, tmp_path / "one", **{**SAME, "batch_size": 8})
    one.train()
    two = checkpoints.load(checkpoints.newest(tmp_path / "two" / "checkpoints"))
    trained = two.tensors["trainable"]
    weights = {name: p for name, p in one.module.named_parameters() if name in trained}
    assert len(weights) == len(trained) > 10
    for name, parameter in weights.items():
        distance = (parameter.detach() - trained[name]).norm() / parameter.detach().norm()
        assert distance < 1e-3, name
    ours = [each for each in one.run.read_metrics() if each["kind"] == "train"]
    lines = (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()
    theirs = [each for each in map(json.loads, lines) if each["kind"] == "train"]
    assert [each["rows"] for each in ours] == [each["rows"] for each in theirs]
    for left, right in zip(ours, theirs, strict=True):
        assert abs(left["loss"] - right["loss"]) < 1e-4
        assert abs(left["gradient_norm"] - right["gradient_norm"]) < 1e-3
    assert torch.isfinite(torch.tensor([each["loss"] for each in ours])).all()


def test_two_processes_where_one_was_asked_for_are_refused(tiny_llama, tmp_path):
    done = _torchrun(tiny_llama, tmp_path / "two", {**SAME, "processes": 1})
    assert done.returncode != 0
    assert "1 process is asked for, but 2 came" in done.stderr

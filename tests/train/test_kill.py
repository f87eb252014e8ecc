"""`kill -9` at random moments, again and again, and the run still ends bit for bit the same."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy import assert_same, left_behind, toy_loop

from dubash.train import checkpoint as checkpoints

OPTIONS = {"max_steps": 400, "save_every": 1, "evaluate_every": 40}
KILLS, IN_A_WRITE = 20, 5


def _start(model: Path, folder: Path) -> subprocess.Popen:
    program = Path(__file__).with_name("toy.py")
    path = f"{program.parent}:{program.parents[1]}"
    return subprocess.Popen(
        [sys.executable, str(program), str(model), str(folder), json.dumps(OPTIONS)],
        stderr=subprocess.DEVNULL,
        env={**__import__("os").environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


def _wait_for_first_new_checkpoint(child: subprocess.Popen, folder: Path) -> bool:
    before = {path.name for path in folder.glob("step-*")}
    while child.poll() is None:
        if {path.name for path in folder.glob("step-*")} - before:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.slow
def test_a_run_killed_twenty_times_ends_as_the_uninterrupted_one(tiny_llama, tmp_path):
    import torch

    torch.set_num_threads(1)
    straight = toy_loop(tiny_llama, tmp_path / "straight", **OPTIONS)
    straight.train()

    killed = tmp_path / "killed"
    folder = killed / "checkpoints"
    chance, kills, in_a_write = random.Random(1), 0, 0
    while kills < KILLS or in_a_write < IN_A_WRITE:
        child = _start(tiny_llama, killed)
        assert _wait_for_first_new_checkpoint(child, folder), "the run ended before it was killed"
        if kills % 2:  # a random moment
            time.sleep(chance.uniform(0, 0.3))
        else:  # as soon as a checkpoint is being written
            while child.poll() is None and not any(folder.glob(".step-*")):
                pass
        child.kill()
        child.wait()
        kills += 1
        in_a_write += any(folder.glob(".step-*"))
        assert checkpoints.newest(folder) is not None
    print(f"{kills} kills, {in_a_write} of them while a checkpoint was being written")
    resumed = toy_loop(tiny_llama, killed, **OPTIONS)
    resumed.train()
    assert_same(left_behind(straight), left_behind(resumed))

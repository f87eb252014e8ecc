"""Ctrl-C and SIGTERM: an exit code of their own, a message, nothing lost."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli.process import DUBASH, change, dubash, environment, signals_as_usual
from dubash.core.files import read_jsonl
from dubash.train.checkpoint import is_whole
from stages.small import pairs, whole_files_only


def start(job: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DUBASH, *arguments], cwd=job, env=environment(), preexec_fn=signals_as_usual,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def stop(process: subprocess.Popen[str], line: str, after: float, number: signal.Signals) -> str:
    """Send the signal `after` some seconds from when a line with these words came; returns all
    that was said from there."""
    assert process.stderr is not None
    said = ""
    while line not in said:
        said = process.stderr.readline()
        assert said, f"it never said '{line}'"
    time.sleep(after)
    process.send_signal(number)
    _, rest = process.communicate(timeout=120)
    return rest


NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("run", signal.SIGTERM, 143),
        pytest.param("train", signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_training_is_saved_and_goes_on(job, command, number, code):
    change(job, "max_steps: 4", "max_steps: 80")
    change(job, "evaluate_every: 2", "evaluate_every: 20")
    run = job / "runs" / "first"
    process = start(job, command, "recipe.yaml")
    rest = stop(process, "step 0/80", 0.1, number)
    assert process.returncode == code
    assert "stopping after this step" in rest
    assert "Traceback" not in rest
    last = rest.splitlines()[-1]
    assert last.startswith(f"dubash: stopped by {NAMES[number]}; saved at step ")
    assert last.endswith("run it again")
    assert all(is_whole(path) for path in (run / "checkpoints").iterdir())
    assert not (run / "model").exists()

    done = dubash("train", "recipe.yaml", at=job)
    assert done.returncode == 0, done.stderr
    assert "resuming after step" in done.stderr
    steps = [row["step"] for row in read_jsonl(run / "metrics.jsonl") if row["kind"] == "train"]
    assert steps == list(range(1, 81))
    assert (run / "model" / "adapter_model.safetensors").exists()
    assert (run / "model" / "README.md").read_text(encoding="utf-8").startswith("---\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_while_data_is_read_leaves_nothing(job, number, code):
    with (job / "rows.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(("source", "target"))
        for turn in range(200):
            writer.writerows((f"{turn} {s}", f"{turn} {t}") for s, t in pairs()[:1000])
    process = start(job, "run", "recipe.yaml")
    rest = stop(process, "▸ prepare", 0.4, number)
    assert process.returncode == code
    assert "Traceback" not in rest
    assert rest.splitlines()[-1] == (
        f"dubash: stopped by {NAMES[number]}; what was finished is kept; run it again"
    )
    assert not (job / "runs").exists()


@pytest.mark.parametrize("seconds", [0.6, pytest.param(3.5, marks=pytest.mark.slow)])
def test_a_stop_while_translating_leaves_no_translation(job, seconds):
    """Early it hits the import of torch, late the generation."""
    slow = ["generate.max_new_tokens=8000", "generate.engine=transformers"]
    process = start(job, "run", "recipe.yaml", *slow)
    rest = stop(process, "▸ translate S0", seconds, signal.SIGINT)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert rest.splitlines()[-1].startswith("dubash: stopped by Ctrl-C; ")
    run = job / "runs" / "first"
    assert {path.name for path in run.iterdir()} == {"data", "manifest.json", "recipe.yaml"}
    assert whole_files_only(run)

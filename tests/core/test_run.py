"""The run folder: its manifest, its log through kills, and what it says of the machine."""

import getpass
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dubash.core import run as module
from dubash.core.errors import DataError
from dubash.core.run import RunFolder, commit, machine, versions


def test_facts_gather_in_the_manifest(tmp_path):
    run = RunFolder(tmp_path / "first")
    assert run.read_manifest() == {}
    run.note(name="first", seed=1)
    run.note(seed=2, phases={"train": 1.5})
    assert run.read_manifest() == {"name": "first", "seed": 2, "phases": {"train": 1.5}}


def test_of_several_processes_only_the_first_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    RunFolder(tmp_path / "first").note(name="first")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_manifest_is_named(tmp_path):
    run = RunFolder(tmp_path)
    run.manifest.write_text('{"name": ')
    with pytest.raises(DataError, match=r"manifest\.json: not readable as JSON"):
        run.note(seed=1)
    assert run.manifest.read_text() == '{"name": '


def test_every_path_lies_in_the_folder(tmp_path):
    run = RunFolder(tmp_path / "first")
    assert run.split("dev") == tmp_path / "first" / "data" / "dev.jsonl"
    assert run.hypotheses("S1") == tmp_path / "first" / "translations" / "S1.jsonl"


# -- the log -------------------------------------------------------------------------------------

LOGGER = """
import sys
from pathlib import Path
from dubash.core.run import RunFolder
run, step = RunFolder(Path(sys.argv[1])), 0
while True:
    run.append_metric({"step": step, "loss": step / 7, "rows": list(range(200))})
    if step == 0:
        print("begun", flush=True)
    step += 1
"""


def test_a_killed_log_has_lost_its_last_line_at_most(tmp_path):
    for moment in range(4):
        run = RunFolder(tmp_path / str(moment))
        logger = subprocess.Popen(
            [sys.executable, "-c", LOGGER, run.path], stdout=subprocess.PIPE, text=True
        )
        logger.stdout.readline()
        time.sleep(0.021 * moment)
        logger.send_signal(signal.SIGKILL)
        logger.communicate()
        steps = [record["step"] for record in run.read_metrics()]
        assert steps == list(range(len(steps)))
        assert len(steps) >= max(1, len(run.metrics.read_text().splitlines()) - 1)


def test_a_line_cut_by_a_kill_is_left_out(tmp_path):
    run = RunFolder(tmp_path)
    assert run.read_metrics() == []
    for step in range(3):
        run.append_metric({"step": step, "loss": 2.0})
    whole = run.metrics.read_text()
    for cut in range(1, len(whole.splitlines()[-1]) + 1):
        run.metrics.write_text(whole[: -1 - cut])
        assert [record["step"] for record in run.read_metrics()] == [0, 1]


def test_a_resumed_run_drops_what_was_logged_after_its_checkpoint(tmp_path):
    run = RunFolder(tmp_path)
    for step in range(5):
        run.append_metric({"step": step, "loss": 2.0})
    with run.metrics.open("a") as handle:
        handle.write('{"step": 5, "lo')
    run.keep_metrics_until(2)
    run.append_metric({"step": 3, "loss": 1.0})
    found = [(record["step"], record["loss"]) for record in run.read_metrics()]
    assert found == [(0, 2.0), (1, 2.0), (2, 2.0), (3, 1.0)]


def test_a_loss_that_is_no_number_is_not_logged_as_one(tmp_path):
    run = RunFolder(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.append_metric({"step": 0, "loss": float("nan")})


# -- where a number comes from -------------------------------------------------------------------


def test_the_versions_that_count_are_there():
    found = versions()
    assert {"dubash", "python", "torch", "transformers", "peft", "sacrebleu"} <= set(found)


def test_the_machine_is_described_without_names():
    said = json.dumps(machine())
    assert machine()["cores"] >= 1
    assert machine()["memory_gb"] > 0
    assert socket.gethostname() not in said
    assert getpass.getuser() not in said.lower().split()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    answer = subprocess.run(
        ["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Somebody's repository with a copy of the module in a folder that it ignores, as `.venv`."""
    repository = tmp_path / "somebody"
    copy = repository / ".venv" / "run.py"
    copy.parent.mkdir(parents=True)
    shutil.copy(module.__file__, copy)
    (repository / ".gitignore").write_text(".venv/\n")
    git(repository, "init", "-q")
    git(repository, "add", ".gitignore")
    git(repository, "commit", "-q", "-m", "first")
    monkeypatch.setattr(module, "__file__", str(copy))
    return repository


def test_somebody_elses_commit_is_not_ours(elsewhere):
    assert commit() is None


def test_the_commit_is_that_of_the_tree_that_holds_the_source(elsewhere):
    git(elsewhere, "add", "-f", ".venv/run.py")
    git(elsewhere, "commit", "-q", "-m", "second")
    assert commit() == git(elsewhere, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(elsewhere, monkeypatch):
    monkeypatch.setenv("PATH", str(elsewhere))
    assert commit() is None

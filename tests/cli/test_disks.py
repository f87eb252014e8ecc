"""A full disk and one that may only be read, each a file system mounted for one process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.process import DUBASH, Done, assert_one_error, change, dubash, environment
from dubash.train.checkpoint import is_whole
from stages.small import whole_files_only

ON_A_SMALL_DISK = """
mount -t tmpfs -o "$1" dubash disk || exit 77
shift
"$@"
code=$?
cp -a disk/. after/ 2>/dev/null
exit $code
"""


def on_small_disk(job: Path, option: str, *arguments: object) -> Done:
    """Run a command whose run folder is a file system of its own, mounted for this process alone;
    what stands there at the end is copied to `after`."""
    for folder in ("disk", "after"):
        (job / folder).mkdir(exist_ok=True)
    try:
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh", option,
             *DUBASH, *map(str, arguments), "run.folder=disk"],
            cwd=job, env=environment(), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    return done


def pages(*paths: Path) -> int:
    """Pages of 4 KB that the files take on a tmpfs."""
    files = [file for path in paths for file in (path, *path.rglob("*")) if file.is_file()]
    return sum(-(-file.stat().st_size // 4096) for file in files)


def finish(job: Path) -> None:
    """What a full disk left behind is all of use: with room, the same command goes on with it."""
    left = {path for path in (job / "after").rglob("*.jsonl") if path.name != "metrics.jsonl"}
    before = {path: path.read_bytes() for path in left}
    done = dubash("run", "recipe.yaml", "run.folder=after", at=job)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in left} == before
    assert "</html>" in (job / "after" / "first" / "report.html").read_text(encoding="utf-8")


def test_a_disk_that_is_full_while_data_is_written(job):
    done = on_small_disk(job, "size=8k", "run", "recipe.yaml")
    assert_one_error(done, "disk/first/data: the disk is full. Free some room")
    assert not (job / "after" / "first" / "data").exists()
    assert whole_files_only(job / "after")


def test_a_disk_that_is_full_while_a_checkpoint_is_written(job, finished):
    run = finished[0] / "runs" / "first"
    checkpoint = pages(run / "checkpoints")
    room = pages(run) - pages(run / "model", run / "report.html") + checkpoint // 3
    done = on_small_disk(job, f"size={4 * room}k", "run", "recipe.yaml")
    assert_one_error(done, "disk/first/checkpoints/step-0000", "the disk is full")
    left = list((job / "after" / "first" / "checkpoints").glob("*"))
    assert left
    assert all(is_whole(path) for path in left)
    assert whole_files_only(job / "after")


@pytest.mark.slow
def test_a_disk_that_is_full_while_translations_are_written(job, finished):
    change(job, "max_new_tokens: 24", "max_new_tokens: 200")
    run = finished[0] / "runs" / "first"
    room = pages(run / "data", run / "recipe.yaml", run / "manifest.json") + 1
    done = on_small_disk(job, f"size={4 * room}k", "run", "recipe.yaml")
    assert_one_error(done, "disk/first/translations/S0.jsonl: the disk is full")
    assert not list((job / "after" / "first" / "translations").glob("*"))
    finish(job)


@pytest.mark.slow
def test_a_disk_that_is_full_while_the_model_is_written(job, finished):
    # with the last step's checkpoint alone, the model with its tokenizer is what needs most
    change(job, "dev_rows: 8", "dev_rows: 0")
    change(job, "dev_sample: 2, evaluate_every: 2", "dev_sample: 0, save_every: 4")
    run = finished[0] / "runs" / "first"
    room = pages(run) - pages(run / "model", run / "report.html") + pages(run / "model") // 2
    done = on_small_disk(job, f"size={4 * room}k", "run", "recipe.yaml")
    assert_one_error(done, "disk/first/model: the disk is full")
    assert not (job / "after" / "first" / "model").exists()
    assert whole_files_only(job / "after")
    finish(job)


def test_a_folder_that_may_only_be_read(job):
    done = on_small_disk(job, "ro", "run", "recipe.yaml")
    assert_one_error(done, "disk/first", "no permission to write")
    assert not list((job / "after").iterdir())

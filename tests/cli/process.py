"""Commands as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

DUBASH = [sys.executable, "-m", "dubash"]

Done = subprocess.CompletedProcess[str]


def signals_as_usual() -> None:
    """A shell that starts the tests in the background has them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment(**more: str) -> dict[str, str]:
    """Ours, with one thread, so that the tests are fair to others."""
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def dubash(*arguments: object, at: Path) -> Done:
    """Run a command in the folder `at` to its end."""
    return subprocess.run(
        [*DUBASH, *map(str, arguments)], cwd=at, env=environment(), capture_output=True, text=True,
        timeout=300, check=False, preexec_fn=signals_as_usual,
    )  # fmt: skip


def assert_one_error(done: Done, *words: str) -> None:
    """Exit 2, one line of error and it the last, no traceback."""
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error:")]
    assert len(errors) == 1, done.stderr
    assert lines[-1] == errors[0]
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    for word in words:
        assert word in errors[0]


def change(job: Path, old: str, new: str) -> None:
    """Change the recipe in the folder."""
    text = (job / "recipe.yaml").read_text(encoding="utf-8")
    assert old in text
    (job / "recipe.yaml").write_text(text.replace(old, new), encoding="utf-8")

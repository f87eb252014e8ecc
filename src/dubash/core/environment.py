"""A Python environment of its own, for a package whose requirements do not go with ours."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dubash.core.errors import UserError
from dubash.core.files import cache_root, lock, read_json, sha256_file, write_json
from dubash.core.process import PastLimitError, Streams, run, tail
from dubash.core.progress import say, spell

_SECONDS = 7200
"""Seconds that one step of an installation may take."""

_MOST_BYTES = 1 << 26


class Environment:
    """A virtual environment in the cache, made of a set of pinned packages.

    Another set, or another Python, is another environment: none is ever changed once it is whole.
    It is whole when `ready.json` is there, which comes last.
    """

    def __init__(self, name: str, pins: Path) -> None:
        """`pins` is a file of constraints as pip reads them."""
        self.name, self.pins = name, pins
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        made_of = f"{name}-py{version}-{sha256_file(pins)[:12]}"
        self.folder = cache_root() / "environments" / made_of
        self.python = self.folder / "bin" / "python"
        self._ready = self.folder / "ready.json"

    def versions(self) -> dict[str, str] | None:
        """The versions that the finished environment was found to hold; None where none is whole.

        One whose Python has gone since counts as none.
        """
        if not self._ready.exists() or not os.access(self.python, os.X_OK):
            return None
        found: dict[str, str] = read_json(self._ready)
        return found

    def make(
        self, steps: Sequence[Sequence[str]], check: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """Make the environment unless it is there, and return its versions.

        Each of `steps` is what pip installs in one go; `check` tries what was made and says its
        versions. A half-made environment is begun anew. Raises UserError where a step fails.
        """
        with lock(cache_root() / "locks" / f"{self.folder.name}.environment"):
            if found := self.versions():
                return found
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._run("a virtual environment", [sys.executable, "-I", "-m", "venv", self.folder])
            pip: list[str | Path] = [
                self.python,
                "-I",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-input",
            ]
            pip += ["--disable-pip-version-check", "--constraint", self.pins]
            for step in steps:
                self._run(" ".join(step), [*pip, *step])
            found = check()
            write_json(self._ready, found)
            return found

    def _run(self, what: str, command: Sequence[str | Path]) -> None:
        say(f"  {what} …")
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="dubash-install-") as folder:
            out, errors = (Path(folder) / name for name in ("out", "errors"))
            files = Streams(Path(os.devnull), out, errors)
            try:
                words = [str(word) for word in command]
                status = run(words, files, seconds=_SECONDS, most_bytes=_MOST_BYTES)
                problem = tail(errors) or tail(out)  # venv says what it lacks in its output
            except PastLimitError as limit:
                status, problem = 1, f"{limit}, and was ended"
        if status:
            raise UserError(
                f"{what} could not be installed: {problem or f'status {status}'}.",
                where=self.name,
                fix="Check the connection and the room on the disk, then run the command again.",
            )
        say(f"  {what}: {spell(time.monotonic() - start)}")

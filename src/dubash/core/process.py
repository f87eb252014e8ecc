"""Another program, run within limits: what it reads and writes are files, and it ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK = 0.1
"""Seconds between two looks at a running program."""

_TAIL = 600
"""Characters of a program's last words that a message repeats."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The files that are a program's standard input, output and error."""

    stdin: Path
    stdout: Path
    stderr: Path

    def last_words(self) -> str:
        """The end of what the program wrote to standard error, as one line."""
        return tail(self.stderr)


def tail(path: Path) -> str:
    """The end of a text file, as one line."""
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - 4 * _TAIL))
        text = " ".join(handle.read().decode("utf-8", errors="replace").split())
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"


class PastLimitError(Exception):
    """The program went past a limit and was ended; the message says which."""


def run(
    command: Sequence[str],
    streams: Streams,
    *,
    seconds: float,
    most_bytes: int,
    watch: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a program to its end and return its exit status; no shell is asked.

    Neither of its outputs may come to more than `most_bytes`. `watch` is called every tenth of a
    second and once after the end. Whatever ends this call (a limit, a signal, an error of `watch`)
    ends the program too, and all that it started in its process group.

    Raises OSError where it cannot be started, and PastLimitError at a limit.
    """
    with (
        streams.stdin.open("rb") as given,
        streams.stdout.open("wb") as out,
        streams.stderr.open("wb") as said,
    ):
        process = subprocess.Popen(
            list(command), stdin=given, stdout=out, stderr=said, env=environment,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + seconds
        try:
            while (status := process.poll()) is None:
                watch()
                _refuse_more(streams, most_bytes)
                if time.monotonic() > end:
                    raise PastLimitError(f"it took more than {seconds:,.0f} seconds")
                time.sleep(_LOOK)
            _refuse_more(streams, most_bytes)
            watch()
            return status
        finally:
            _end(process)


def _refuse_more(streams: Streams, most_bytes: int) -> None:
    for path, name in ((streams.stdout, "output"), (streams.stderr, "error")):
        if path.stat().st_size > most_bytes:
            raise PastLimitError(f"it wrote more than {most_bytes:,} bytes to standard {name}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's process group, first gently; nothing of it is left when this returns."""
    for number, wait in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            continue
    process.wait()

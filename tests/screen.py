"""A terminal for tests: a real pseudo-terminal for the program, and a screen that understands what
is written to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Lines that can be drawn over. Of terminals' language it knows only what the panel may use:
    AssertionError for anything else."""

    def __init__(self, width: int = 80) -> None:
        self.width, self.lines, self.row, self.column = width, [""], 0, 0
        self.cursor_visible = True

    def feed(self, text: str) -> Screen:
        """Take in what a program has written."""
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            assert found, f"not known: {text[at : at + 20]!r}"
            at = found.end()
            number, command, control, plain = found.groups()
            if command:
                self._command(number, command)
            elif control:
                self._control(control)
            else:
                self._write(plain)
        return self

    def _command(self, number: str, command: str) -> None:
        if command == "A":
            self.row -= int(number or 1)
            assert self.row >= 0
        elif command == "K":
            assert number == "2"
            self.lines[self.row] = ""
        elif number == "?25":
            self.cursor_visible = command == "h"
        else:
            assert command == "m", command

    def _control(self, control: str) -> None:
        self.column = 0
        if control == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))

    def _write(self, plain: str) -> None:
        for each in plain:
            if self.column == self.width:  # as a terminal does: on into the next line
                self._control("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + each + line[self.column + 1 :]
            self.column += 1

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def run_on_terminal(
    command: Sequence[str],
    width: int = 80,
    height: int = 24,
    term: str = "xterm",
    at: Path | None = None,
    seen: Callable[[str, subprocess.Popen[bytes]], None] = lambda _text, _process: None,
) -> tuple[int, str]:
    """Run a program in the folder `at` whose standard error is a terminal of this size; its exit
    code and all that it wrote there. `seen` is told what came so far, and may send a signal."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    usual = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        command, cwd=at, env={**usual, "OMP_NUM_THREADS": "1", "TERM": term},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    os.close(its)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        written += part
        seen(written.decode("utf-8", "replace"), process)
    os.close(ours)
    return process.wait(timeout=60), written.decode("utf-8")

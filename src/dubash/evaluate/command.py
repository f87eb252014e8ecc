"""A user's own metric: a program that reads rows as JSON lines and prints a number for each."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from dubash.core.errors import MetricError
from dubash.core.files import sha256_file, sha256_text, write_jsonl
from dubash.core.process import PastLimitError, Streams, run
from dubash.core.progress import say
from dubash.evaluate.options import CommandOptions
from dubash.evaluate.rowwise import RowScores, Segment

_LINE_BYTES = 400
"""Bytes that a number's line may have on the average; no float needs more than 25."""

_LEAST_BYTES = 1 << 20


class CommandMetric:
    """The metric of one entry of `evaluate.commands`.

    The program is started once, in the current folder, without a shell. On standard input it gets
    a JSON object a row, `{"source": …, "hypothesis": …, "reference": …}`, each different row once;
    on standard output it prints a JSON number for each, one a line, in the same order.
    """

    def __init__(self, options: CommandOptions, where: str = "") -> None:
        """`where` is what errors name, if not the entry of the recipe."""
        self.key, self.higher_is_better = options.name, options.higher_is_better
        self._command, self._seconds = options.command, options.timeout
        self._where = where or f"evaluate.commands, {options.name}"

    def check(self) -> None:
        """Raise MetricError where there is no such program; say what will be run."""
        if shutil.which(self._command[0]) is None:
            raise self._error(f"there is no program '{self._command[0]}'")
        say(f"  {self.key} will be computed by: {' '.join(self._command)}")

    @property
    def signature(self) -> str:
        """The name, and a hash of the command: of its words, and of the content of those that name
        files."""
        parts = [
            sha256_file(Path(word)) if os.path.isfile(word) else word for word in self._command
        ]
        return f"{self.key}|command:{sha256_text(*parts)[:12]}|scale:program's own|set:mean of rows"

    def score(self, segments: Sequence[Segment]) -> RowScores:
        """A number for each segment; raises MetricError as `numbers` does."""
        signature = self.signature
        return RowScores(self.numbers([each._asdict() for each in segments]), signature)

    def numbers(self, rows: Sequence[Mapping[str, object]]) -> list[float]:
        """A number for each row, whatever its keys.

        Raises MetricError where the program cannot be started, fails, takes or writes too much, or
        prints other than as many finite numbers as there are rows.
        """
        say(f"  {self.key}: {len(rows):,} rows to {' '.join(self._command)}")
        with tempfile.TemporaryDirectory(prefix="dubash-metric-") as folder:
            files = Streams(*(Path(folder) / name for name in ("rows", "numbers", "errors")))
            write_jsonl(files.stdin, map(dict, rows))
            most = max(_LEAST_BYTES, _LINE_BYTES * len(rows))
            try:
                status = run(self._command, files, seconds=self._seconds, most_bytes=most)
            except OSError as error:
                raise self._error(f"it cannot be started ({error.strerror or error})") from None
            except PastLimitError as limit:
                raise self._error(f"{limit}, and was ended", files) from None
            if status != 0:
                by = f"by signal {-status}" if status < 0 else f"with status {status}"
                raise self._error(f"it ended {by}", files)
            return self._read(files, len(rows))

    def _read(self, files: Streams, rows: int) -> list[float]:
        text = files.stdout.read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines()
        for number, line in enumerate(lines, start=1):
            if not _is_number(line):
                shown = line if len(line) <= 60 else line[:57] + "…"
                raise self._error(f"line {number} of its output is no finite number: {shown!r}")
        if len(lines) != rows:
            raise self._error(f"it printed {len(lines):,} numbers for {rows:,} rows", files)
        return [float(json.loads(line)) for line in lines]

    def _error(self, what: str, files: Streams | None = None) -> MetricError:
        words = files.last_words() if files else ""
        return MetricError(
            f"{what}.{f' It said: {words}' if words else ''}",
            where=self._where,
            fix="" if words else f"Its command is: {' '.join(self._command)}",
        )


def _is_number(line: str) -> bool:
    """Whether the line is a JSON number, and a finite one."""
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False

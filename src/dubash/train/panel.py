"""The panel: a training as it stands, drawn over itself on a terminal.

It is drawn by the thread that trains, when it counts tokens, at most every `DRAW_SECONDS`; no other
thread takes a core's time.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TextIO, cast

from rich.console import Console, Group
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.text import Text

from dubash.core.memory import free_memory, peak, resident
from dubash.core.progress import Ticker
from dubash.train.order import Step
from dubash.train.panel_lines import LABEL, WIDEST, curved, cut, gib, joined, labelled
from dubash.train.sample import Sample

DRAW_SECONDS = 0.5
"""Least time between two drawings, but for what a look has found. One takes a millisecond."""

RECENT = 400
"""Steps whose loss the curve shows."""

Gpu = Callable[[], tuple[int, int, int]]
"""Bytes of the GPU's memory: held now, held at most, and what it has."""


class Panel(Ticker):
    """Counts tokens as a `Ticker` does, and shows what it is told. Enter it to draw.

    Whatever is written to standard error meanwhile stands above it.
    """

    def __init__(
        self,
        total: int,
        done: int,
        steps: Sequence[Step],
        gpu: Gpu | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`total` and `done` are tokens; `console` is standard error unless given."""
        super().__init__("train", total, "tokens", done, clock)
        self.steps, self.gpu = steps, gpu
        self.step, self.doing = 0, ""
        self.losses: deque[float] = deque(maxlen=RECENT)
        self.rate = 0.0
        self.looks: dict[str, list[tuple[float, int]]] = {"loss": [], "chrf": []}
        self.sample: Sample | None = None
        self.console = console or Console(stderr=True)
        self.live = Live(
            get_renderable=self._now, console=self.console, auto_refresh=False,
            redirect_stdout=False, redirect_stderr=False, vertical_overflow="crop",
        )  # fmt: skip
        self.waiting: deque[Text] = deque()
        self.drawing = False
        self.streams = sys.stdout, sys.stderr

    def __enter__(self) -> Panel:
        self.drawing, self.streams = True, (sys.stdout, sys.stderr)
        above = cast(Console, _Above(self))  # all that a FileProxy asks of one
        sys.stderr = cast(TextIO, FileProxy(above, sys.stderr))
        if sys.stdout.isatty():
            sys.stdout = cast(TextIO, FileProxy(above, sys.stdout))
        self.live.start(refresh=True)
        # a process that is killed or put to sleep could not show it again
        self.console.show_cursor(True)
        self.drawing = False
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.show(self.clock())
        self.drawing = True
        self.live.stop()  # draws it a last time, and leaves it there
        sys.stdout, sys.stderr = self.streams
        while self.waiting:
            self.console.print(self.waiting.popleft())

    # -- what it is told -------------------------------------------------------------------------

    def __call__(self, count: int) -> None:
        self.done += count
        now = self.clock()
        if now - self.printed >= DRAW_SECONDS:
            self.show(now)

    def looking(self) -> None:
        """A look at the dev rows begins."""
        self.doing = "looking at the dev rows"
        self.show(self.clock())

    def looked(self) -> None:
        """It has ended."""
        self.doing = ""
        self.show(self.clock())

    def record(self, record: dict[str, Any]) -> None:
        """Take in a record of `metrics.jsonl`; it is seen at the next drawing."""
        self.step = record["step"]
        if record["kind"] == "train":
            self.losses.append(record["loss"])
            self.rate = record["learning_rate"]
        elif record["kind"] == "dev":
            for name, values in self.looks.items():
                if name in record:
                    values.append((record[name], self.step))

    def show(self, now: float) -> None:
        """Draw it over itself, below what waits to be said.

        A signal's handler may speak while it is drawn: that waits until it has been.
        """
        self.printed = now
        if self.drawing:
            return
        self.drawing, again = True, True
        try:
            while again:
                with self.console:
                    while self.waiting:
                        self.console.print(self.waiting.popleft())
                    self.live.refresh()
                again = bool(self.waiting)
        finally:
            self.drawing = False

    def say(self, lines: Text | str) -> None:
        """Show lines above it, now or as soon as it has been drawn."""
        self.waiting.append(lines if isinstance(lines, Text) else Text.from_ansi(lines))
        self.show(self.clock())

    # -- how it looks ----------------------------------------------------------------------------

    def _now(self) -> Group:
        width, height = self.console.size
        lines = self.lines(width, height, self.clock())
        for line in lines:
            line.no_wrap = True
        return Group(*lines)

    def lines(self, width: int, height: int, now: float) -> list[Text]:
        """All that is known, in lines that fit a terminal of this size; what matters least is last
        and goes first."""
        width -= 1  # in the last column some terminals begin a new line
        lines = [self._title(width), self._bar(width, now)]
        if self.losses:
            lines.append(self._loss(width))
        lines += self._dev(width)
        lines += self._memory(width)
        for name, text in self.sample.lines() if self.sample else []:
            lines.append(labelled(name, [Text(cut(text, width - LABEL))], width))
        return lines[: max(1, height - 1)]

    def _title(self, width: int) -> Text:
        at = self.steps[min(self.step, len(self.steps) - 1)]
        parts = [
            "train", f"step {self.step}/{len(self.steps)}",
            f"epoch {at.epoch + 1}/{self.steps[-1].epoch + 1}", self.doing,
        ]  # fmt: skip
        title = Text("── ") + joined([Text(each) for each in parts], width - 5)
        return Text.assemble(title, " ", "─" * (width - title.cell_len - 1), style="bold")

    def _bar(self, width: int, now: float) -> Text:
        share = min(self.done, self.total) / max(self.total, 1)
        words = joined([Text(each) for each in (f"{share:.0%}", *self.pace(now))], width - 2)
        room = min(WIDEST, width - words.cell_len - 3)
        if room < 8:
            return Text("  ") + words
        filled = int(room * share)
        drawn = Text.assemble(("━" * filled, "green"), ("─" * (room - filled), "dim"))
        return Text.assemble("  ", drawn, " ", words)

    def _loss(self, width: int) -> Text:
        rate = Text(f"learning rate {self.rate:.2g}")
        return curved("loss", f"{self.losses[-1]:.3f}", list(self.losses), [rate], width)

    def _dev(self, width: int) -> list[Text]:
        lines = []
        for name, label, word, best in (
            ("loss", "dev loss", "lowest", min),
            ("chrf", "dev chrF++", "highest", max),
        ):
            if found := self.looks[name]:
                values = [value for value, _ in found]
                digits = 3 if name == "loss" else 1
                top = best(values)
                step = found[values.index(top)][1]
                part = Text(f"{word} {top:.{digits}f} at step {step}", "green")
                lines.append(curved(label, f"{values[-1]:.{digits}f}", values, [part], width))
        return lines

    def _memory(self, width: int) -> list[Text]:
        lines = []
        free = free_memory()
        if free is not None:
            words = f"{gib(resident())} now", f"{gib(peak())} at most", f"{gib(free)} free"
            lines.append(labelled("memory", map(Text, words), width))
        if self.gpu is not None:
            held, most, there = self.gpu()
            words = f"{gib(held)} now", f"{gib(most)} at most", f"of {gib(there)}"
            lines.append(labelled("GPU memory", map(Text, words), width))
        return lines


class _Above:
    """Stands in for the console of a `FileProxy`: what is written to the stream goes above."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel

    def __enter__(self) -> _Above:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def print(self, lines: Text | str) -> None:
        self.panel.say(lines)

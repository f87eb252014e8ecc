"""The panel: a training as it stands, drawn over itself on a terminal.

It is drawn by the thread that trains, when it counts tokens, at most every `DRAW_SECONDS`; no other
thread takes a core's time.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any

from rich.cells import get_character_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from dubash.core.memory import free_memory, peak, resident
from dubash.core.progress import Ticker
from dubash.train.order import Step
from dubash.train.sample import Sample

DRAW_SECONDS = 0.5
"""Least time between two drawings, but for what a look has found. One takes a millisecond."""

RECENT = 400
"""Steps whose loss the curve shows."""

LABEL = 14
"""Columns before each line's values."""

_CURVE = 32
_LEVELS = "▁▂▃▄▅▆▇█"

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
            redirect_stdout=sys.stdout.isatty(), vertical_overflow="crop",
        )  # fmt: skip

    def __enter__(self) -> Panel:
        self.live.start(refresh=True)
        # a process that is killed or put to sleep could not show it again
        self.console.show_cursor(True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.stop()  # draws it a last time, and leaves it there

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
        """Draw it over itself."""
        self.printed = now
        self.live.refresh()

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
            lines.append(_labelled(name, [Text(cut(text, width - LABEL))], width))
        return lines[: max(1, height - 1)]

    def _title(self, width: int) -> Text:
        at = self.steps[min(self.step, len(self.steps) - 1)]
        parts = [
            "train", f"step {self.step}/{len(self.steps)}",
            f"epoch {at.epoch + 1}/{self.steps[-1].epoch + 1}", self.doing,
        ]  # fmt: skip
        title = Text("── ") + _joined([Text(each) for each in parts], width - 5)
        return Text.assemble(title, " ", "─" * (width - title.cell_len - 1), style="bold")

    def _bar(self, width: int, now: float) -> Text:
        share = min(self.done, self.total) / max(self.total, 1)
        words = _joined([Text(each) for each in (f"{share:.0%}", *self.pace(now))], width - 2)
        room = min(_CURVE, width - words.cell_len - 3)
        if room < 8:
            return Text("  ") + words
        filled = int(room * share)
        drawn = Text.assemble(("━" * filled, "green"), ("─" * (room - filled), "dim"))
        return Text.assemble("  ", drawn, " ", words)

    def _loss(self, width: int) -> Text:
        rate = Text(f"learning rate {self.rate:.2g}")
        return _curved("loss", f"{self.losses[-1]:.3f}", list(self.losses), [rate], width)

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
                lines.append(_curved(label, f"{values[-1]:.{digits}f}", values, [part], width))
        return lines

    def _memory(self, width: int) -> list[Text]:
        lines = []
        free = free_memory()
        if free is not None:
            words = f"{_gib(resident())} now", f"{_gib(peak())} at most", f"{_gib(free)} free"
            lines.append(_labelled("memory", map(Text, words), width))
        if self.gpu is not None:
            held, most, there = self.gpu()
            words = f"{_gib(held)} now", f"{_gib(most)} at most", f"of {_gib(there)}"
            lines.append(_labelled("GPU memory", map(Text, words), width))
        return lines


def cut(text: str, width: int) -> str:
    """The text's beginning that takes at most so many columns, with an ellipsis where it goes on.

    A vowel sign that some terminals give a column and some do not counts as one: a line must not
    come out longer than it is thought to be.
    """
    used, kept = 0, 0
    for at, character in enumerate(text):
        spacing = unicodedata.category(character) == "Mc"
        used += 1 if spacing else get_character_cell_size(character)
        if used > width:
            return text[:kept].rstrip() + "…"
        if used < width:
            kept = at + 1
    return text


def curve(values: Sequence[float], width: int) -> str:
    """A line of at most `width` blocks: each the mean of its share of the values, from the lowest
    of them to the highest."""
    count = min(width, len(values))
    if count < 1:
        return ""
    edges = [len(values) * at // count for at in range(count + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(_LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(_LEVELS[round((mean - low) * scale)] for mean in means)


def _curved(label: str, value: str, values: list[float], parts: list[Text], width: int) -> Text:
    """The value, its curve where there is room for one, and the parts."""
    least = min(len(values), 8) + 1
    words = _joined([Text(value, "bold"), *parts], width - LABEL - least)
    room = min(_CURVE, width - LABEL - words.cell_len - 1)
    drawn = curve(values, room) if len(values) > 1 and room >= least - 1 else ""
    first = Text.assemble((value, "bold"), " ", (drawn, "cyan")) if drawn else Text(value, "bold")
    return _labelled(label, [first, *parts], width)


def _labelled(label: str, parts: Iterable[Text], width: int) -> Text:
    return Text(f"  {label}".ljust(LABEL), "dim") + _joined(list(parts), width - LABEL)


def _joined(parts: list[Text], width: int) -> Text:
    """The parts that fit the width, in one line; the first is cut where not even it does."""
    line = parts[0].copy()
    for part in parts[1:]:
        if part and line.cell_len + 3 + part.cell_len <= width:
            line = Text.assemble(line, " · ", part)
    line.truncate(max(width, 1), overflow="ellipsis")
    return line


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"

"""Progress with rate and ETA: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines where there is no terminal."""


def is_main() -> bool:
    """Whether this is the process that speaks and writes: the only one, or the first of several
    started by `torchrun`, which numbers them in $RANK."""
    return os.environ.get("RANK", "0") == "0"


def draws() -> bool:
    """Whether standard error is a terminal on which lines can be drawn over: not a `dumb` one."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return sys.stderr.isatty() and not dumb


def say(line: str = "") -> None:
    """A plain line to the user, on standard error so that output can be piped."""
    if is_main():
        over = "\r\x1b[2K" if draws() else ""  # a bar may stand on the line
        # in one piece: a signal's handler may speak between two
        print(f"{over}{line}\n", end="", file=sys.stderr, flush=True)


def spell(seconds: float) -> str:
    """Seconds as a person reads them: `45s`, `3m20s`, `2h05m`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


class Ticker:
    """One running task. Call it with the number of units just done; `note` shows beside it. A
    `total` of 0 is not known.

    `done` units were done before it began: they count as done, but not for the rate.
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.label, self.total, self.unit, self.clock = label, total, unit, clock
        self.done, self.before, self.start, self.note = done, done, clock(), ""
        self.printed = self.start

    def __call__(self, count: int) -> None:
        self.done += count
        now = self.clock()
        if now - self.printed >= PLAIN_SECONDS and self.done < self.total:
            self.printed = now
            self.show(now)

    def show(self, now: float) -> None:
        """Print where the task stands."""
        say(f"  {self.describe(now)}")

    def describe(self, now: float) -> str:
        """`label 40/150 rows · 3.1 rows/s · 35s left`"""
        done = f"{self.done}/{self.total}" if self.done <= self.total else f"{self.done}"
        parts = [f"{self.label} {done} {self.unit}", *self.pace(now)]
        if self.note:
            parts.append(self.note)
        return " · ".join(parts)

    def pace(self, now: float) -> list[str]:
        """How fast, and how long still, or how long it took: `["3.1 rows/s", "35s left"]`."""
        elapsed = max(now - self.start, 1e-9)
        rate = (self.done - self.before) / elapsed
        fast = f"{rate:.1f} {self.unit}/s" if rate >= 1 else f"{rate:.2f} {self.unit}/s"
        if self.done < self.total and rate > 0:
            return [fast, f"{spell((self.total - self.done) / rate)} left"]
        return [fast, f"in {spell(elapsed)}"]

    def finish(self) -> None:
        """The closing line, whether or not all units were done."""
        self.show(self.clock())


class BarTicker(Ticker):
    """The same on a terminal, as one line that is drawn over itself."""

    def __call__(self, count: int) -> None:
        self.done += count
        now = self.clock()
        if now - self.printed >= 0.1:
            self.printed = now
            self.show(now)

    def show(self, now: float) -> None:
        """Draw the bar over the line before."""
        filled = int(24 * min(self.done, self.total) / max(self.total, 1))
        bar = "━" * filled + "─" * (24 - filled)
        sys.stderr.write(f"\r\x1b[2K  {bar} {self.describe(now)}")
        sys.stderr.flush()

    def finish(self) -> None:
        """Draw it a last time and end the line."""
        super().finish()
        sys.stderr.write("\n")


@contextmanager
def progress(label: str, total: int, unit: str = "rows", done: int = 0) -> Iterator[Ticker]:
    """Show progress of `total` units while the block runs; yields the ticker to call.

    A resumed task says how many units were `done` before.
    """
    kind = BarTicker if draws() and is_main() else Ticker
    ticker = kind(label, total, unit, done)
    try:
        yield ticker
    finally:
        ticker.finish()


def silent(_count: int) -> None:
    """An `Advance` (see `core.types`) that shows nothing."""

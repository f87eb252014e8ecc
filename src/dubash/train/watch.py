"""Where a training can be followed while it runs: `metrics.jsonl`, a terminal, TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from dubash.core.progress import Ticker, draws, is_main, progress
from dubash.core.run import RunFolder
from dubash.train.order import Step
from dubash.train.panel import Gpu, Panel
from dubash.train.sample import Sample
from dubash.train.state import State
from dubash.train.tensorboard import EventFiles


class Watch:
    """Call it with the tokens just done; tell it of steps and looks. Of several processes the first
    is asked to record."""

    def __init__(self, run: RunFolder, ticker: Ticker, events: EventFiles | None = None) -> None:
        self.run, self.ticker, self.events = run, ticker, events
        self.panel = ticker if isinstance(ticker, Panel) else None
        self.begun, self.before = time.monotonic(), 0

    def __call__(self, count: int) -> None:
        self.ticker(count)

    def begin_step(self, tokens: int) -> None:
        """A step begins; so many `tokens` were trained on before."""
        self.begun, self.before = time.monotonic(), tokens

    def record(self, record: dict[str, Any]) -> None:
        """Keep a record with its `step` and `kind`; numbers that are not finite are left out."""
        kept = {k: v for k, v in record.items() if not isinstance(v, float) or math.isfinite(v)}
        self.run.append_metric(kept)
        if kept["kind"] == "train":
            self.ticker.note = f"loss {kept['loss']:.3f}"
        if self.panel:
            self.panel.record(kept)
        if self.events:
            seconds = max(time.monotonic() - self.begun, 1e-9)
            speed = (kept["tokens"] - self.before) / seconds if "tokens" in kept else None
            self.events.record(kept, speed)

    def looking(self) -> None:
        """A look at the dev rows begins."""
        if self.panel:
            self.panel.looking()

    def looked(self, step: int, sample: Sample | None) -> None:
        """A look has ended; `sample` is a row that it has translated."""
        self.ticker.note = ""
        if self.panel:
            self.panel.sample = sample or self.panel.sample
            self.panel.looked()
        if self.events and sample:
            self.events.translated(step, sample)


@contextmanager
def watching(
    run: RunFolder,
    state: State,
    steps: Sequence[Step],
    total: int,
    tensorboard: bool = False,
    gpu: Gpu | None = None,
) -> Iterator[Watch]:
    """Follow a training of `total` tokens that goes on from `state`: a panel where standard error
    is a terminal, plain lines elsewhere; with `tensorboard` event files in the run folder too.

    Raises TrainingError where TensorBoard is asked for and missing.
    """
    with ExitStack() as stack:
        events = None
        if tensorboard and is_main():
            # of an earlier process the look at this step stands
            first = state.step + 1 if state.looked >= 0 else 0
            events = stack.enter_context(closing(EventFiles(run.tensorboard, first)))
        if draws() and is_main():
            panel = Panel(total, state.tokens, steps, gpu)
            for record in run.read_metrics():
                panel.record(record)
            yield Watch(run, stack.enter_context(panel), events)
        else:
            shown = progress("train", total, "tokens", done=state.tokens)
            yield Watch(run, stack.enter_context(shown), events)

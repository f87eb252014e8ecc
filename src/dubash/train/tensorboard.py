"""TensorBoard's event files beside `metrics.jsonl`: the same numbers, to watch in a browser."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import Any

from dubash.core.errors import TrainingError
from dubash.train.sample import Sample

FLUSH_SECONDS = 10
"""So long after it was written a number can be seen; TensorBoard itself looks every 30 seconds."""

_TAGS = {
    "train": {
        "loss": "train/loss",
        "learning_rate": "train/learning_rate",
        "gradient_norm": "train/gradient_norm",
    },
    "dev": {"loss": "dev/loss", "chrf": "dev/chrF++"},
}


def has_tensorboard() -> bool:
    """Whether event files can be written."""
    return importlib.util.find_spec("tensorboard") is not None


def need_tensorboard() -> None:
    """Raise TrainingError where TensorBoard is not installed."""
    if not has_tensorboard():
        raise TrainingError(
            "it needs the library 'tensorboard', which is not installed.",
            where="train.tensorboard",
            fix="In dubash's folder run: pip install -e '.[tensorboard]'",
        )


class EventFiles:
    """Writes event files (`torch.utils.tensorboard.SummaryWriter`) into a folder. Close it, or the
    last numbers are lost."""

    def __init__(self, folder: Path, first: int) -> None:
        """`first` is the step from which this process writes: what an earlier one has written from
        there on goes. Raises TrainingError as `need_tensorboard` does."""
        need_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        drop_from(folder, first)
        # purge_step is for a TensorBoard that has read it already; it forgets numbers, not texts
        self.writer: Any = SummaryWriter(str(folder), purge_step=first, flush_secs=FLUSH_SECONDS)

    def record(self, record: dict[str, Any], speed: float | None = None) -> None:
        """Write a record of `metrics.jsonl`; `speed` is tokens a second in the step."""
        step = record["step"]
        for name, tag in _TAGS.get(record["kind"], {}).items():
            if name in record:
                self.writer.add_scalar(tag, record[name], step)
        if speed is not None:
            self.writer.add_scalar("train/tokens_per_second", speed, step)

    def translated(self, step: int, sample: Sample) -> None:
        """Write a dev row's translation."""
        # four blanks before each line: Markdown leaves such text as it is
        text = "\n".join(f"    {name:<10} {line}" for name, line in sample.lines())
        self.writer.add_text("dev/translation", text, step)

    def close(self) -> None:
        """Write what is waiting."""
        self.writer.close()


def drop_from(folder: Path, first: int) -> None:
    """Cut the event files where the first event of step `first` or a later one stands, or one that
    is not whole. No file is removed: a TensorBoard that is reading it would stop there.

    An event is 8 bytes of length, a checksum of these, the message, a checksum of it
    (`tensorboard.summary.writer.record_writer`).
    """
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    for path in folder.glob("events.out.tfevents.*"):
        with path.open("r+b") as handle:
            there, kept = path.stat().st_size, 0
            while kept + 16 <= there:
                (size,) = struct.unpack("<Q4x", handle.read(12))
                if kept + 16 + size > there:
                    break
                try:
                    step = Event.FromString(handle.read(size + 4)[:-4]).step
                except DecodeError:
                    break
                if step >= first:
                    break
                kept = handle.tell()
            handle.truncate(kept)

"""What a worker is told, and how it talks: the word on standard input, a JSON line for an answer.

runner                worker
                ←     {"ready": …}            what it is, once its model is loaded
go              →
                ←     {"seconds": …, …}       one round done
(end of input)  →     leaves
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from dubash.core.files import read_json, write_json

LEARNING_RATE = 1e-12
"""So small that no weight moves: the loss of every round is that of the first, and can be compared.
The arithmetic of a step is the same."""

GO = "go"


@dataclass(frozen=True, slots=True)
class Job:
    """One worker's task in a case.

    `worker` is a name that `benchmarks.worker` knows and `variant` how it is set up. `batch` are
    the rows of an optimizer step; 0: all rows make one step.
    """

    worker: str
    variant: str
    checkpoint: str
    model_name: str
    rows: str
    kind: Literal["causal", "seq2seq"] = "causal"
    method: Literal["full", "lora"] = "full"
    optimizer: Literal["adamw", "adamw-disk"] = "adamw"
    batch: int = 32
    dtype: Literal["fp32", "bf16"] = "fp32"
    device: Literal["cpu", "cuda"] = "cpu"
    new_tokens: int = 32
    ends: tuple[int, ...] = ()
    seed: int = 1
    scratch: str = ""
    limit_memory: bool = False

    def save(self, path: Path) -> None:
        """Write it for the worker."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Job:
        """What `save` wrote."""
        found = read_json(path)
        return cls(**{**found, "ends": tuple(found["ends"])})


@dataclass
class Round:
    """What a round did. `loss` is the summed cross entropy in nats over the supervised tokens."""

    rows: int = 0
    tokens: int = 0
    supervised: int = 0
    loss: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Channel:
    """The worker's end of the line. Standard output is kept for answers: what libraries print goes
    to standard error."""

    def __init__(self) -> None:
        self.out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.started = self.cpu = 0.0

    def ready(self, **facts: Any) -> None:
        """Say what this worker is, once."""
        self._write({"ready": facts})

    def wait(self) -> bool:
        """Wait for the word and start the clock; False where the runner has hung up."""
        if sys.stdin.readline().strip() != GO:
            return False
        self.cpu, self.started = _cpu_seconds(), time.perf_counter()
        return True

    def answer(self, found: Round) -> None:
        """Stop the clock, unless `stop` did, and report."""
        seconds, cpu = self.stop()
        self.started = self.cpu = 0.0
        self._write(
            {
                "seconds": seconds, "cpu_seconds": cpu, "rows": found.rows,
                "tokens": found.tokens, "supervised": found.supervised, "loss": found.loss,
                "peak_mb": held_mb(os.getpid())[0], **found.extra,
            }
        )  # fmt: skip

    def stop(self) -> tuple[float, float]:
        """Seconds by the wall and on the cores since the word; the same when asked again."""
        if self.started > 0:
            self.taken = time.perf_counter() - self.started, _cpu_seconds() - self.cpu
            self.started = 0.0
        return self.taken

    def _write(self, content: dict[str, Any]) -> None:
        self.out.write(json.dumps(content) + "\n")
        self.out.flush()


def held_mb(pid: int) -> tuple[float, float]:
    """The memory that a process has held at most and holds now, in MB (2^20 bytes); 0 where it is
    gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = {line.split()[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    most, now = (int(found.get(key, "0")) / 1024 for key in ("VmHWM:", "VmRSS:"))
    return round(most, 1), round(now, 1)


def limit_memory() -> None:
    """Let this process fail by itself before the system runs out of memory and kills another."""
    status = Path("/proc/self/status").read_text().splitlines()
    mapped = next(int(line.split()[1]) for line in status if line.startswith("VmSize:"))
    free = next(
        int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    most = (mapped + int(0.95 * free)) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    Path("/proc/self/oom_score_adj").write_text("1000")


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

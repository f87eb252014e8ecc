"""Two workers that live through a case and are given the word in turn."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.job import GO, Job, held_mb
from benchmarks.shapes import bench_root

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 3600.0
"""A round that takes longer is given up."""

_ASKED = re.compile(r"tried to allocate (\d+) bytes")

_NO_MEMORY = ("allocate memory", "MemoryError", "bad_alloc", "out of memory", "OutOfMemory")


class WorkerDiedError(Exception):
    """A worker left before it answered.

    `peak` is the least memory that it needed, in MB: the most it was seen to hold, or what it held
    at last with what it asked for in vain.
    """

    def __init__(self, name: str, code: int | None, held: tuple[float, float], log: str) -> None:
        self.out_of_memory = code == -9 or any(words in log for words in _NO_MEMORY)
        asked = [int(count) / 2**20 for count in _ASKED.findall(log)]
        self.peak = peak = max(held[0], held[1] + (asked[-1] if asked else 0.0))
        why = "ran out of memory" if self.out_of_memory else f"left with {code}"
        last = log.strip().splitlines()[-1:] or [""]
        super().__init__(f"{name} {why}, needing {peak:,.0f} MB or more: {last[0][:300]}")


class Worker:
    """A worker's process, from its start to its end."""

    def __init__(self, job: Job, folder: Path, threads: int) -> None:
        self.name = f"{job.worker} {job.variant}".strip()
        self.log, self.held, self.buffer = folder / "log", (0.0, 0.0), b""
        folder.mkdir(parents=True)
        job.save(folder / "job.json")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", str(folder / "job.json")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log.open("wb"),
            cwd=ROOT, env=environment(threads, job.worker.startswith("ours")),
        )  # fmt: skip

    def ready(self) -> dict[str, Any]:
        """What it says of itself, once its model is loaded."""
        found: dict[str, Any] = self._line()["ready"]
        return found

    def round(self) -> dict[str, Any]:
        """Give the word and wait for the answer. Raises WorkerDiedError."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{GO}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        return self._line()

    def close(self) -> None:
        """Let it leave; end it where it does not."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _line(self) -> dict[str, Any]:
        """The next line it writes; its memory is watched meanwhile, should it die."""
        assert self.process.stdout is not None
        descriptor, end = self.process.stdout.fileno(), time.monotonic() + LIMIT_SECONDS
        while b"\n" not in self.buffer:
            self._watch()
            if time.monotonic() > end:
                self.process.kill()
                raise self._died()
            # seldom, so that watching takes nothing from the one that works
            if select.select([descriptor], [], [], 0.5)[0]:
                part = os.read(descriptor, 1 << 16)
                if not part:
                    raise self._died()
                self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _watch(self) -> None:
        most, now = held_mb(self.process.pid)
        if now:  # a process that is gone holds nothing
            self.held = max(self.held[0], most), now

    def _died(self) -> WorkerDiedError:
        code = self.process.wait()
        log = self.log.read_text(encoding="utf-8", errors="replace")
        return WorkerDiedError(self.name, code, self.held, log)


def environment(threads: int, ours: bool) -> dict[str, str]:
    """So many threads for all workers, and no network. How threads wait is left to each: dubash's
    command line lets them sleep, the peers' leave it to OpenMP, whose threads spin for a while."""
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    return {
        **inherited,
        **({"OMP_WAIT_POLICY": "PASSIVE"} if ours else {}),
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(bench_root() / "hf"),
    }


@contextmanager
def workers(jobs: list[Job], threads: int) -> Iterator[list[Worker]]:
    """Start workers, one after the other, each ready before the next; end them all."""
    started: list[Worker] = []
    with TemporaryDirectory(prefix="dubash-bench-") as folder:
        try:
            for number, job in enumerate(jobs):
                started.append(_start(job, Path(folder) / str(number), threads))
            yield started
        finally:
            for worker in started:
                worker.close()


def _start(job: Job, folder: Path, threads: int) -> Worker:
    return Worker(replace(job, scratch=str(folder / "scratch")), folder, threads)


def once(job: Job, threads: int, rounds: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A worker by itself: what it is, and its rounds."""
    with workers([job], threads) as (worker,):
        facts = worker.ready()
        found = [worker.round() for _ in range(rounds)]
    return facts, found


def interleaved(
    ours: Job, theirs: Job, pairs: int, threads: int
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """What both are, and the counted pairs. Who goes first changes from pair to pair."""
    with workers([ours, theirs], threads) as (mine, other):
        facts = mine.ready(), other.ready()
        mine.round()
        other.round()
        found = []
        for number in range(pairs):
            load = round(os.getloadavg()[0], 2)
            order = [("ours", mine), ("theirs", other)]
            if number % 2:
                order.reverse()
            answers = {name: worker.round() for name, worker in order}
            ratio = answers["theirs"]["seconds"] / answers["ours"]["seconds"]
            found.append({"first": order[0][0], "load": load, "ratio": ratio, **answers})
    return *facts, found

"""One worker: `python -m benchmarks.worker JOB.json`, started by the runner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.job import Channel, Job, limit_memory


def main() -> None:
    """Read the job, load what it needs, do a round at each word."""
    job, channel = Job.read(Path(sys.argv[1])), Channel()
    work = _work(job.worker)  # loads libraries, which map memory of their own
    if job.limit_memory:
        limit_memory()
    work(job, channel)


def _work(name: str) -> Callable[[Job, Channel], None]:
    if name == "ours-train":
        from benchmarks.ours import train

        return train
    if name == "ours-translate":
        from benchmarks.ours import translate

        return translate
    if name in ("trainer", "trl"):
        from benchmarks import trainers

        return trainers.trl if name == "trl" else trainers.trainer
    from benchmarks import translators

    return {"generate": translators.generate, "ct2": translators.ct2}[name]


if __name__ == "__main__":
    main()

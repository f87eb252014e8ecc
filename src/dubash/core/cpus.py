"""How many CPUs this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1 = (
    Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def usable_cpus() -> int:
    """The CPUs of the process's affinity, or fewer where a container limits its time on them.

    Libraries look at the affinity only; in a container of 2 CPUs on a host of 64 they would start
    64 threads that wait for each other.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _quota()
    return max(1, min(there or 1, round(quota) if quota else there or 1))


def _quota() -> float | None:
    """The container's limit in CPUs; None where there is none."""
    try:
        if _QUOTA.exists():
            quota, period = _QUOTA.read_text().split()[:2]
        else:
            quota, period = (path.read_text().strip() for path in _QUOTA_V1)
        limit = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such files, or the word "max"
        return None
    return limit if limit > 0 else None

"""How the C library gives memory back to the system: seldom, while a model works."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)

OWN_MAPPING = 256 * 2**20
"""A block from this size on is a mapping of its own, gone as soon as it is freed."""

FULL_OWN_MAPPING = 1024 * 2**20
"""The same where all weights are trained, and those of a vocabulary come and go in each pass:
experiments/plan.md."""

OLD_OWN_MAPPING = 32 * 2**20
"""The most that glibc took before 2.35."""


def keep_freed_memory(own_mapping: int = OWN_MAPPING) -> int:
    """Let freed blocks below `own_mapping` bytes stay with the process for the next ones; returns
    below how many they do: fewer with an old glibc, 0 without one.

    A tensor of a few MB is otherwise given back when it is freed and fetched anew page by page,
    which costs more than many an operation on it. Only glibc has the switch.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return 0
    # the others only after it: setting any of them fixes this one where it stands
    for size in (own_mapping, min(own_mapping, OLD_OWN_MAPPING)):
        if mallopt(_MMAP_THRESHOLD, size):
            mallopt(_TRIM_THRESHOLD, 2**31 - 1)
            # one arena: the others, of threads, are too small for such blocks and hold on to none
            mallopt(_ARENA_MAX, 1)
            return size
    return 0


def give_back_freed_memory() -> bool:
    """Give what is free now back to the system; True if it could."""
    trim = _glibc("malloc_trim")
    return trim is not None and bool(trim(0))


def _glibc(name: str) -> Any:
    """A function of the C library; None where it is another one than glibc."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)

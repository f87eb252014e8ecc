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


def keep_freed_memory(own_mapping: int = OWN_MAPPING) -> bool:
    """Let freed blocks below `own_mapping` bytes stay with the process for the next ones; True if
    it could.

    A tensor of a few MB is otherwise given back when it is freed and fetched anew page by page,
    which costs more than many an operation on it. Only glibc has the switch.
    """
    mallopt = _glibc("mallopt")
    if mallopt is None:
        return False
    # one arena: the others, of threads, are too small for such blocks and hold on to none
    wanted = ((_TRIM_THRESHOLD, 2**31 - 1), (_MMAP_THRESHOLD, own_mapping), (_ARENA_MAX, 1))
    return all(bool(mallopt(switch, value)) for switch, value in wanted)


def give_back_freed_memory() -> bool:
    """Give what is free now back to the system; True if it could."""
    trim = _glibc("malloc_trim")
    return trim is not None and bool(trim(0))


def _glibc(name: str) -> Any:
    """A function of the C library; None where it is another one than glibc."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)

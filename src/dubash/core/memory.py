"""How much memory there is, and what this process holds of it. Linux tells; elsewhere nothing is
known."""

from __future__ import annotations

from pathlib import Path

_MACHINE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Bytes that processes may still take, by the machine and by a container's limit; None on a
    system that does not tell."""
    if not _MACHINE.exists():
        return None
    there = _fields(_MACHINE)["MemAvailable"]
    left = _left_in_container()
    return there if left is None else min(there, left)


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return _fields(Path("/proc/self/status"))["VmRSS"]


def peak() -> int:
    """Bytes of memory that this process held at most."""
    fields = _fields(Path("/proc/self/status"))
    return fields.get("VmHWM", fields["VmRSS"])  # which some kernels do not keep


def own_memory() -> int:
    """Bytes that this process holds and no file could be read again to get: gone from what is free
    as long as it lives."""
    fields = _fields(Path("/proc/self/status"))
    return fields.get("RssAnon", fields["VmRSS"])  # which some kernels do not part


def _fields(path: Path) -> dict[str, int]:
    """The sizes in one of the kernel's tables, in bytes."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {line[0].rstrip(":"): 1024 * int(line[1]) for line in lines if line[-1] == "kB"}


def _left_in_container() -> int | None:
    """Bytes below the container's limit, what it caches of files left out; None without a limit."""
    for most, now, files in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            limit, used = (int((_GROUP / each).read_text()) for each in (most, now))
            stat = dict(line.split() for line in (_GROUP / files).read_text().splitlines())
        except (OSError, ValueError):  # no such files, or the word "max"
            continue
        return max(0, limit - used + int(stat.get("inactive_file", 0)))
    return None

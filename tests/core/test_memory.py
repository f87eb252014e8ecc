"""What is free, on a machine and within a container's limit."""

import sys

import pytest

from dubash.core import memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def group(tmp_path, monkeypatch):
    """A container's files: `group(max, current, inactive_file)`."""
    monkeypatch.setattr(memory, "_GROUP", tmp_path)

    def write(most, now, files, prefix=""):
        (tmp_path / prefix).mkdir(exist_ok=True)
        names = (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
        )
        if not prefix:
            names = ("memory.max", "memory.current", "memory.stat")
        for name, text in zip(names, (most, now, f"anon 5\ninactive_file {files}"), strict=True):
            (tmp_path / name).write_text(f"{text}\n")

    return write


def test_without_a_container_it_is_what_the_machine_has(group):
    free = memory.free_memory()
    assert free > 2**20
    group("max", 100, 0)
    assert memory.free_memory() == pytest.approx(free, rel=0.2)


@pytest.mark.parametrize("prefix", ["", "memory"])
def test_a_container_has_what_its_limit_leaves_and_its_caches_count_as_free(group, prefix):
    group(1000, 900, 300, prefix)
    assert memory.free_memory() == 400
    group(1000, 1100, 20, prefix)
    assert memory.free_memory() == 0


def test_a_system_that_does_not_tell_is_not_guessed(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
    assert memory.free_memory() is None


def test_what_a_process_holds_of_its_own_is_part_of_what_it_holds():
    assert 0 < memory.own_memory() < memory.resident() <= memory.peak()


def test_what_was_held_at_most_stays_when_it_is_given_back():
    before = memory.peak()
    held = bytearray(before)  # zeros that nobody has read take no memory
    held[::4096] = b"x" * len(held[::4096])
    most = memory.peak()
    assert most > before * 1.5
    del held
    assert memory.peak() > most * 0.99  # the kernel counts pages in batches

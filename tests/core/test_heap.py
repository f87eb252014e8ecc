"""Freed memory: kept for the next tensor, given back when asked."""

import subprocess
import sys

import pytest

KEPT = """
import sys
from dubash.core.heap import give_back_freed_memory, keep_freed_memory
import torch

def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4 // 1024

size = keep_freed_memory() if sys.argv[1] == "keep" else 256 * 2**20
torch.ones(1)
before = held()
blocks = [torch.ones(size // 8 // 4) for _ in range(5)]  # 32 MB each, 4 with an old glibc
del blocks
kept = held() - before
give_back_freed_memory()
print(size // 2**20, kept, held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_freed_blocks_stay_until_they_are_given_back():
    def run(how):
        done = subprocess.run([sys.executable, "-c", KEPT, how], capture_output=True, check=True)
        return [int(each) for each in done.stdout.split()]

    size, kept, left = run("keep")
    assert kept > size * 5 // 8 * 0.8
    assert left < kept / 2
    assert run("as it is")[1] < 100

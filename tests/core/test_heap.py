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

keep = sys.argv[1] == "keep" and keep_freed_memory()
torch.ones(1)
before = held()
blocks = [torch.ones(8 * 2**18) for _ in range(20)]  # 8 MB each
del blocks
kept = held() - before
give_back_freed_memory()
print(kept, held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_freed_blocks_stay_until_they_are_given_back():
    def run(how):
        done = subprocess.run([sys.executable, "-c", KEPT, how], capture_output=True, check=True)
        return [int(each) for each in done.stdout.split()]

    kept, left = run("keep")
    assert kept > 100
    assert left < 40
    assert run("as it is")[0] < 100

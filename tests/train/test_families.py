"""Each family by four methods, through the real loop, on real rows; a process for each family."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tiny import FAMILIES


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_learns_by_every_method_and_comes_back_the_same(family, shared_data, tmp_path):
    program = Path(__file__).with_name("family.py")
    done = subprocess.run(
        [
            sys.executable,
            str(program),
            family,
            str(shared_data / "hi-gu.storyweaver.tsv"),
            tmp_path,
        ],
        env={**os.environ, "PYTHONPATH": str(program.parents[1]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print(family, json.dumps(found))
    assert found["full"]["reproduced"] >= 31
    for method in ("lora", "qlora", "lora-int8"):
        assert found[method]["dev_after"] <= 0.95 * found[method]["dev_before"], method
    for method, result in found.items():
        assert result["identical_logits"], method

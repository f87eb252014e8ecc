"""What all tests share: no network, no telemetry, caches of their own, real data where it is."""

import os
import tempfile
from pathlib import Path

import pytest

_HOME = tempfile.mkdtemp(prefix="dubash-tests-")
os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HOME=f"{_HOME}/hf",
    TOKENIZERS_PARALLELISM="false",
)
# Tiny models: two threads on busy cores spend their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DUBASH_CACHE", f"{_HOME}/dubash")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that ask for it skip where it is not."""
    named = os.environ.get("DUBASH_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data is not on this machine")
    return folder


@pytest.fixture
def two_cores():
    """torch on two threads, whatever the suite runs on."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)

"""The machine's own facts are real here; only GPUs and CPUs that it lacks are put in its place."""

import pytest
import torch

from dubash.core.errors import ModelError
from dubash.model import device
from dubash.model.device import Placement, describe, gpu_memory, place
from dubash.model.options import ModelOptions


def choose(model_type: str = "llama", **fields: str) -> Placement:
    return place(ModelOptions.model_validate({"name": "a/b", **fields}), model_type)


def pretend_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        (["avx2", "avx512f"], "fp32"),
        (["avx512f", "avx512_bf16"], "bf16"),
        (["amx_bf16"], "bf16"),
        ([], "fp32"),
    ],
)
def test_a_cpu_computes_in_bf16_only_where_it_has_the_units(monkeypatch, flags, dtype):
    monkeypatch.setattr(device, "cpu_flags", lambda: flags)
    assert choose(device="cpu") == Placement("cpu", dtype)


def test_a_gpu_computes_in_bf16_from_capability_8(monkeypatch):
    pretend_gpu(monkeypatch, (8, 0))
    assert choose() == Placement("cuda:0", "bf16")
    assert choose(device="cpu").device == "cpu"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert choose().device == "cuda:3"


def test_an_older_gpu_computes_in_fp16_but_never_the_t5_family(monkeypatch):
    pretend_gpu(monkeypatch, (7, 5))
    assert choose().compute_dtype == "fp16"
    assert choose("mt5").compute_dtype == "fp32"
    with pytest.raises(ModelError, match="mt5 overflows in fp16"):
        choose("mt5", dtype="fp16")


def test_what_is_asked_for_is_taken(monkeypatch):
    pretend_gpu(monkeypatch, (9, 0))
    assert choose(dtype="fp32").compute_dtype == "fp32"
    assert choose(dtype="fp16").compute_dtype == "fp16"


def test_what_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="no CUDA GPU"):
        choose(device="cuda")
    with pytest.raises(ModelError, match="fp16 needs a GPU"):
        choose(dtype="fp16")


def test_the_doctor_has_facts():
    facts = describe()
    assert facts["torch"] == torch.__version__
    assert facts["threads"] >= 1
    assert facts["dtype"] in ("fp32", "bf16", "fp16")
    assert facts["disk_free_gb"] > 0
    assert len(facts["gpus"]) == torch.cuda.device_count()


def test_the_memory_held_of_a_gpu_is_told():
    assert gpu_memory(torch.device("cpu")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_what_was_held_of_a_gpu_at_most_stays_when_it_is_given_back():
    told = gpu_memory(torch.device("cuda:0"))
    tensor = torch.zeros(2**26, device="cuda:0")
    held, most, there = told()
    assert 4 * 2**26 <= held <= most < there
    del tensor
    torch.cuda.empty_cache()
    assert told()[0] < held
    assert told()[1] == most

"""Passes side by side: the gradient of one after the other, and the same numbers each time."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from exact import assert_same, gradients, plainest, rows_of_a_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from toy import assert_same as assert_same_bits
from toy import left_behind, stop_after, toy_loop
from transformers.models.qwen3_5 import modeling_qwen3_5

from dubash.core.errors import Interrupted, TrainingError
from dubash.core.progress import silent
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.template import Example
from dubash.train import lanes as lanes_module
from dubash.train.accumulate import Accumulator
from dubash.train.batches import Collator
from dubash.train.lanes import LANES, MOST_GRADIENT, Lanes, lane_count
from dubash.train.loss import Scorer
from dubash.train.options import TrainOptions

FEW = [Example((9, 8, at), (at, 11, 3), str(at)) for at in range(12, 17)]


def accumulated(loaded, examples, mask="target", tokens=None, lanes=LANES, packed=True):
    """Loss and gradients of one step, as the loop takes it."""
    collator = Collator(loaded.kind, mask, 0, packed=packed)
    options = TrainOptions(pass_tokens=tokens)
    passes = Accumulator(Scorer(loaded.model), examples, collator, options, Accelerator(), lanes)
    found = passes.add(range(len(examples)), silent)
    loaded.model.eval()
    return found.mean, gradients(loaded.model)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", ["llama", "gemma3", "qwen3"])
@given(
    examples=rows_of_a_step(), mask=st.sampled_from(["target", "full"]), tokens=st.integers(1, 300)
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_two_lanes_have_the_loss_and_the_gradients_of_the_plainest_way(
    trainable, family, method, examples, mask, tokens
):
    loaded = trainable(family, method)
    assert_same(plainest(loaded, examples, mask), accumulated(loaded, examples, mask, tokens))


class _Float64:
    """torch, but for what it calls 32 bits wide."""

    def __getattr__(self, name):
        return torch.float64 if name in ("float32", "float") else getattr(torch, name)


@pytest.fixture
def whole_in_float64(monkeypatch):
    """Qwen3.5's recurrence, which goes to fp32 whatever its weights are, stays in float64. In fp32
    its rounding alone came to 3.5 times the bound, with 3 of 250 draws of the adapters over it; in
    float64 the worst of these is at a hundred-millionth of the bound."""
    monkeypatch.setattr(modeling_qwen3_5, "torch", _Float64())
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


@pytest.mark.usefixtures("whole_in_float64")
def test_padded_rows_go_in_lanes_too(trainable):
    loaded = trainable("qwen3_5", "lora")
    assert_same(plainest(loaded, FEW, "target"), accumulated(loaded, FEW, packed=False))


@pytest.mark.parametrize("method", ["qlora", "lora-int8"])
def test_a_quantised_base_serves_both(tiny_llama, method):
    pytest.importorskip("bitsandbytes")

    def load():
        return load_trainable(
            ModelOptions(name=str(tiny_llama), dtype="fp32"),
            MethodOptions(name=method, rank=4, alpha=8), seed=1,
        )  # fmt: skip

    # in lanes first: bitsandbytes lays its weights out in the first pass that it sees
    two, one = (accumulated(load(), FEW, lanes=lanes) for lanes in (2, 1))
    assert_same(one, two, 2e-5)
    lanes = Lanes(Scorer(load().model), 2, lambda each: each)
    for mine, other in zip(*(each.modules() for each in lanes.bare), strict=True):
        state = vars(mine.state) if hasattr(mine, "state") else {}
        for name in (name for name, each in state.items() if isinstance(each, torch.Tensor)):
            assert state[name].data_ptr() == getattr(other.state, name).data_ptr()
        if getattr(mine, "quant_state", None) is not None:
            assert mine.quant_state is other.quant_state


def test_the_same_step_is_the_same_bit_for_bit(trainable):
    loaded = trainable("llama", "lora")
    once, again = (accumulated(loaded, FEW, tokens=20) for _ in range(2))
    assert once[0] == again[0]
    assert all(torch.equal(once[1][name], again[1][name]) for name in once[1])


def test_weights_are_shared_and_gradients_are_not(trainable):
    scorer = Scorer(trainable("llama", "lora").model)
    lanes = Lanes(scorer, 2, lambda each: each)
    for mine, other in zip(*(each.parameters() for each in lanes.bare), strict=True):
        assert mine.data_ptr() == other.data_ptr()
        assert (mine is other) == (not mine.requires_grad)


def test_rows_so_long_that_each_is_a_pass_go_one_after_the_other(trainable, monkeypatch):
    loaded = trainable("llama", "lora")
    rows = [Example((9, 8, *range(10, 28)), (5 + at, 11, 3), str(at)) for at in range(2)]
    collator = Collator("causal", "target", 0)
    options = TrainOptions(pass_tokens=30)
    passes = Accumulator(Scorer(loaded.model), rows, collator, options, Accelerator(), 2)
    at_work, most = [], []

    def watched(real):
        def forward(*given):
            at_work.append(torch.get_num_threads())
            most.append(len(at_work))
            try:
                return real(*given)
            finally:
                at_work.pop()

        return forward

    for each in passes.lanes.bare:
        monkeypatch.setattr(each, "forward", watched(each.forward))
    found = passes.add(range(2), silent)
    loaded.model.eval()
    assert most == [1, 1]
    mine = found.mean, gradients(loaded.model)
    assert_same(plainest(loaded, rows, "target"), mine)


def test_a_row_alone_has_all_cores(trainable, monkeypatch, two_cores):
    loaded = trainable("llama", "lora")
    options = TrainOptions(pass_tokens=300)
    collator = Collator("causal", "target", 0)
    passes = Accumulator(Scorer(loaded.model), FEW, collator, options, Accelerator(), LANES)
    threads = []

    def watched(real):
        return lambda *given: (threads.append(torch.get_num_threads()), real(*given))[1]

    for each in passes.lanes.bare:
        monkeypatch.setattr(each, "forward", watched(each.forward))
    passes.add([0], silent)
    assert threads == [2]
    passes.add([0, 1], silent)
    assert threads == [2, 1, 1]
    passes.lanes.drop()
    loaded.model.eval()


def test_what_fails_in_one_lane_leaves_no_gradient_in_any(trainable, monkeypatch):
    loaded = trainable("llama", "lora")
    collator = Collator("causal", "target", 0)
    scorer = Scorer(loaded.model)
    passes = Accumulator(scorer, FEW, collator, TrainOptions(), Accelerator(), 2)
    expected = accumulated(loaded, FEW)
    replica, real, calls = passes.lanes.bare[1], passes.lanes.bare[1].forward, []

    def too_large_at_first(*given):
        calls.append(given)
        if len(calls) == 1:
            raise torch.OutOfMemoryError("can't allocate memory")
        return real(*given)

    monkeypatch.setattr(replica, "forward", too_large_at_first)
    found = passes.add(range(len(FEW)), silent)
    loaded.model.eval()
    assert passes.pass_tokens == 1024
    assert_same(expected, (found.mean, gradients(loaded.model)), 1e-9)
    monkeypatch.setattr(
        replica, "forward", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError)
    )
    with pytest.raises(TrainingError, match="one row in a pass"):
        passes.add(range(len(FEW)), silent)


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_gradient_that_keeps_its_memory_gives_the_same_weights(
    tmp_path, tiny_llama, monkeypatch, lanes
):
    found = []
    for kept in (1, 2**40):
        monkeypatch.setattr(lanes_module, "KEPT_GRADIENT", kept)
        loop = toy_loop(tiny_llama, tmp_path / str(kept), method="full", pass_tokens=40)
        loop.passes = Accumulator(
            loop.passes.bare, loop.examples, loop.collator, loop.options, loop.accelerator, lanes
        )
        places = set()
        real = loop._step

        def step(*given, real=real, loop=loop, places=places):
            real(*given)
            places.add(loop.module.lm_head.weight.grad is not None)

        loop._step = step
        loop.train()
        assert places == {kept == 1}
        assert all(each.grad is None for each in loop.module.parameters())
        found.append(left_behind(loop))
    assert_same_bits(*found)


def adapters(trained, frozen=1000, dropout=0.0):
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(frozen, 1, bias=False), nn.Linear(trained, 1, bias=False))
    model[0].weight.requires_grad_(False)
    return nn.Sequential(model, nn.Dropout(dropout))


@pytest.mark.parametrize(
    ("model", "lanes", "given"),
    [
        (adapters(50), 2, {}),
        (adapters(50), 1, {"cores": 1}),
        (adapters(50), 1, {"cores": 3}),
        (adapters(50), 1, {"device": "cuda"}),
        (adapters(50), 1, {"processes": 2}),
        (adapters(50), 1, {"shared": 300}),
        (adapters(900), 2, {}),
        (adapters(MOST_GRADIENT // 4 + 1), 1, {}),
        (adapters(50, dropout=0.1), 1, {}),
    ],
)
def test_lanes_are_for_adapters_on_a_cpu_with_cores_and_nothing_random(model, lanes, given):
    usual = {"device": "cpu", "tokens": 2048, "shared": 20, "cores": 2}
    assert lane_count(model, **{**usual, **given}) == lanes


@pytest.mark.parametrize("name", ["attention_dropout", "router_jitter_noise"])
def test_a_rate_in_the_configuration_is_random_too(trainable, monkeypatch, name):
    model = trainable("llama", "lora").model
    assert lane_count(model, "cpu", 2048, 0, cores=2) == 2
    monkeypatch.setattr(model.config, name, 0.1, raising=False)
    assert lane_count(model, "cpu", 2048, 0, cores=2) == 1


# -- the loop ----------------------------------------------------------------------------------


@pytest.fixture
def fresh_precision():
    """accelerate keeps the first precision that it is asked for."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


SETTINGS = {"fp32": {}, "bf16, checkpointed": {"dtype": "bf16", "gradient_checkpointing": True}}


@pytest.mark.usefixtures("two_cores", "fresh_precision")
@pytest.mark.parametrize("given", SETTINGS.values(), ids=SETTINGS)
def test_a_run_in_lanes_that_was_stopped_ends_as_the_uninterrupted_one(tiny_llama, tmp_path, given):
    def make(name):
        return toy_loop(tiny_llama, tmp_path / name, dropout=0.0, given=given, label_smoothing=0.1)

    straight, stopped = make("straight"), make("stopped")
    assert len(straight.passes.lanes) == 2
    straight.train()
    stop_after(stopped, 5)
    with pytest.raises(Interrupted):
        stopped.train()
    resumed = make("stopped")
    resumed.train()
    assert_same_bits(left_behind(straight), left_behind(resumed))


@pytest.mark.usefixtures("two_cores", "fresh_precision")
def test_bf16_in_lanes_learns_what_one_lane_does(tiny_llama, tmp_path):
    given = SETTINGS["bf16, checkpointed"]
    two = toy_loop(tiny_llama, tmp_path / "two", dropout=0.0, given=given)
    torch.set_num_threads(1)
    one = toy_loop(tiny_llama, tmp_path / "one", dropout=0.0, given=given)
    assert (len(two.passes.lanes), len(one.passes.lanes)) == (2, 1)
    rows = range(8)
    for each in (two, one):
        each.passes.add(rows, silent)
    for mine, other in zip(two.module.parameters(), one.module.parameters(), strict=True):
        if mine.requires_grad:
            assert (mine.grad - other.grad).norm() <= 0.05 * other.grad.norm() + 1e-6

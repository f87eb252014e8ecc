"""Passes side by side: the gradient of one after the other, and the same numbers each time."""

import pytest
import torch
from accelerate import Accelerator
from exact import assert_same, gradients, plainest, rows_of_a_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from dubash.core.errors import TrainingError
from dubash.core.progress import silent
from dubash.prompt.template import Example
from dubash.train.accumulate import Accumulator
from dubash.train.batches import Collator
from dubash.train.lanes import LANES, Lanes, lane_count
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


def test_padded_rows_go_in_lanes_too(trainable):
    loaded = trainable("qwen3_5", "lora")
    assert_same(plainest(loaded, FEW, "target"), accumulated(loaded, FEW, packed=False))


@pytest.mark.parametrize("method", ["qlora", "lora-int8"])
def test_a_quantised_base_serves_both(trainable, method):
    loaded = trainable("llama", method)
    one, two = (accumulated(loaded, FEW, lanes=lanes) for lanes in (1, 2))
    assert_same(one, two, 2e-5 if method == "qlora" else 5e-2)


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


def adapters(trained, frozen=1000, dropout=0.0):
    model = nn.Sequential(nn.Linear(frozen, 1, bias=False), nn.Linear(trained, 1, bias=False))
    model[0].weight.requires_grad_(False)
    return nn.Sequential(model, nn.Dropout(dropout))


@pytest.mark.parametrize(
    ("model", "device", "processes", "cores", "lanes"),
    [
        (adapters(50), "cpu", 1, 2, 2),
        (adapters(50), "cpu", 1, 1, 1),
        (adapters(50), "cuda", 1, 8, 1),
        (adapters(50), "cpu", 2, 8, 1),
        (adapters(900), "cpu", 1, 8, 1),
        (adapters(50, dropout=0.1), "cpu", 1, 8, 1),
    ],
)
def test_lanes_are_for_adapters_on_a_cpu_with_cores_and_nothing_random(
    model, device, processes, cores, lanes
):
    assert lane_count(model, device, processes, cores) == lanes


def test_a_rate_of_dropout_in_the_configuration_is_random_too(trainable):
    model = trainable("llama", "lora").model
    model.config.attention_dropout = 0.1
    try:
        assert lane_count(model, "cpu", cores=2) == 1
    finally:
        model.config.attention_dropout = 0.0

"""Smoothing: the same numbers in exact arithmetic, nearer ones at int8."""

import copy

import pytest
import torch

pytest.importorskip("ctranslate2")

from dubash.engine.smooth import activation_peaks, smooth
from dubash.engine.verify import Sample, verify
from dubash.engine.write import write
from engine.converting import rows

FAMILIES = ["llama", "qwen2", "qwen3", "gemma3"]


def with_outliers(model):
    """A few channels of every layer's input a hundred times the others', as in trained models."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("layernorm.weight"):
                parameter[::17] += 100
            elif name.endswith("bias"):
                parameter.normal_(0, 0.5)
    return model.eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_smoothed_model_computes_the_same(load, family):
    model = with_outliers(load(family).model).double()
    prompts = rows(size=900)
    peaks = activation_peaks(model, prompts)
    expected = [model(torch.tensor([prompt])).logits for prompt in prompts]
    assert len(peaks) == 4 * len(model.model.layers)
    smoothed = copy.deepcopy(model)
    smooth(smoothed, peaks)
    assert not torch.equal(
        smoothed.model.layers[0].mlp.up_proj.weight, model.model.layers[0].mlp.up_proj.weight
    )
    for prompt, logits in zip(prompts, expected, strict=True):
        found = smoothed.double()(torch.tensor([prompt])).logits
        # norms work in fp32 whatever they are given, and the new weights are fp32
        assert torch.allclose(found, logits, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_loses_less(load, tmp_path, family):
    model = with_outliers(load(family).model)
    peaks = activation_peaks(model, rows(size=900))
    sample = Sample(model, "causal", rows(size=900))
    write(model, tmp_path / "plain", ["float32", "int8"])
    write(model, tmp_path / "smooth", ["float32", "int8"], peaks)
    exact = verify(tmp_path / "smooth" / "float32", "float32", sample)
    assert exact.wrong == ""
    plain, better = (
        verify(tmp_path / how / "int8", "int8", sample).mean for how in ("plain", "smooth")
    )
    assert better < 0.7 * plain


def test_models_of_other_families_are_left_alone(load):
    loaded = load("mt5")
    assert activation_peaks(loaded.model, rows(size=900)) == {}

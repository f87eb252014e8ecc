"""What a model takes, counted unbuilt, beside what it takes once it is there."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from dubash.core.errors import ModelError, RecipeError
from dubash.model import products
from dubash.model.footprint import shapes
from dubash.model.footprint.devices import device_names, named_device, this_machine
from dubash.model.footprint.parameters import build, count, quantized_bytes
from dubash.model.footprint.replay import seconds_here, seconds_there
from dubash.model.footprint.shapes import find_shape, shipped_names, with_vocabulary
from dubash.model.footprint.tally import Tally
from dubash.model.footprint.thin import layer_counts, thinned
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.recipe.load import load_recipe, shipped

TOTALS = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2.5-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen3.5-0.8B": 752_393_024,  # its text model
    "google/gemma-3-1b-it": 999_885_952,
    "google/gemma-3-270m-it": 268_098_176,
    "google/mt5-base": 582_401_280,
    "google/mt5-small": 300_176_768,
    "meta-llama/Llama-3.2-1B": 1_235_814_400,
}
"""As their makers count them."""

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def counted(model, /, **method):
    options = MethodOptions(**method)
    return count(build(find_shape(ModelOptions(name=model)), options, "bf16"), options)


def test_what_ships_has_its_makers_number_of_parameters():
    assert shipped_names() == sorted(TOTALS)
    for name, total in TOTALS.items():
        found = counted(name, name="full")
        assert (found.parameters, found.trainable) == (total, total), name


def test_adapters_have_the_published_number_of_parameters():
    seven = counted("Qwen/Qwen2.5-7B-Instruct", name="qlora", rank=32, alpha=64)
    assert seven.trainable == 80_740_352
    stable = counted("Qwen/Qwen2.5-0.5B-Instruct", name="qlora", target_modules=PROJECTIONS)
    assert stable.trainable == 8_798_208
    mt5 = counted("google/mt5-small", name="lora", rank=8, target_modules=["q", "v"])
    assert mt5.trainable == 344_064


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3_5", "gemma3", "mt5", "m2m100"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora", "lora-int8"])
def test_counted_as_loaded(tiny, family, method):
    options = ModelOptions(name=str(tiny(family)), device="cpu", dtype="fp32")
    how = MethodOptions(name=method)
    real = load_trainable(options, how)
    found = count(build(find_shape(options), how, "fp32"), how)
    assert found.trainable == real.trainable_parameters
    adapters = 0 if method == "full" else found.trainable
    assert found.parameters + adapters == real.total_parameters
    held = sum(each.numel() * each.element_size() for each in real.model.parameters())
    # scales of quantised weights are no parameters
    assert 0 <= found.bytes - held <= (0.05 * held if "q" in method or "8" in method else 0)


@pytest.mark.parametrize("double", [True, False])
def test_a_quantised_weight_takes_the_bytes_it_takes(double):
    from bitsandbytes.nn import Linear4bit

    layer = Linear4bit(256, 512, bias=False, quant_type="nf4", compress_statistics=double).to("cpu")
    state = layer.weight.quant_state
    held = [layer.weight, state.absmax, *([state.state2.absmax] if double else [])]
    found = quantized_bytes((512, 256), MethodOptions(name="qlora", double_quantization=double))
    assert found == sum(each.numel() * each.element_size() for each in held)


def test_embeddings_stay_unquantised_and_are_shown_apart():
    roles = counted("Qwen/Qwen2.5-0.5B-Instruct", name="qlora").roles
    assert roles["embeddings and head"].bytes == 2 * 136_134_656
    assert roles["layers"].bytes < 0.53 * roles["layers"].parameters


def test_a_head_of_its_own_is_counted_though_the_configuration_ties_it(tiny, tmp_path):
    folder = tiny("mt5")
    tied = counted(str(folder), name="full").parameters
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["shared.weight"] + 1
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    options = ModelOptions(name=str(tmp_path), device="cpu", dtype="fp32")
    own = load_trainable(options, MethodOptions(name="full")).total_parameters
    assert counted(str(tmp_path), name="full").parameters == own > tied


def test_a_configuration_says_where_it_came_from(tiny, tmp_path):
    assert find_shape(ModelOptions(name=str(tiny("llama")))).origin == "its folder"
    assert find_shape(ModelOptions(name="google/mt5-small")).origin == "what ships with dubash"
    only = tmp_path / "only-a-config"
    only.mkdir()
    (only / "config.json").write_bytes((tiny("llama") / "config.json").read_bytes())
    assert find_shape(ModelOptions(name=str(only))).here is None
    assert counted(str(only), name="full").parameters > 0
    with pytest.raises(ModelError, match="does not ship"):
        find_shape(ModelOptions(name="nobody/nothing"))
    with pytest.raises(ModelError, match=r"config\.json"):
        find_shape(ModelOptions(name=str(tmp_path)))


def test_shapes_are_plain_and_hold_no_paths():
    folder = shapes.resources.files("dubash.model") / "shapes"
    for path in folder.iterdir():
        found = json.loads(path.read_text())
        assert {"model_type", "dtype", "vocab_size"} <= found.get("text_config", found).keys()


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_model_of_a_shipped_recipe_has_its_shape_here(name):
    options = load_recipe(name).recipe.model
    origin = find_shape(options).origin
    assert origin in ("what ships with dubash", "its converted checkpoint")


@pytest.mark.parametrize("family", ["llama", "gemma3", "qwen3_5", "mt5", "m2m100"])
def test_a_thinned_model_has_the_layers_asked_for(tiny, family):
    shape = find_shape(ModelOptions(name=str(tiny(family))))
    counts = layer_counts(shape.config)
    assert sum(counts.values()) == (4 if family in ("mt5", "m2m100") else 2)
    thin = thinned(shape, dict.fromkeys(counts, 3))
    assert layer_counts(thin.config) == dict.fromkeys(counts, 3)
    assert layer_counts(shape.config) == counts  # the shape itself is left alone


def test_a_smaller_vocabulary_takes_its_rows_from_the_tables():
    shape = find_shape(ModelOptions(name="google/gemma-3-270m-it"))
    how = MethodOptions(name="full")
    less = count(build(with_vocabulary(shape, 33_024), how, "fp32"), how)
    assert less.parameters == 268_098_176 - (262_144 - 33_024) * 640


# -- tally -----------------------------------------------------------------------------------------


def test_a_tally_follows_what_lives_and_counts_what_is_computed():
    weight = torch.ones(64, 32)
    with Tally([weight]) as tally:
        tally.begin("first")
        x = torch.ones(16, 64)
        y = x @ weight
        del x
        tally.begin("second")
        z = (y * y).sum()
        tally.begin("")
    assert tally.spans["first"].peak == 4 * (16 * 64 + 16 * 32)
    assert tally.spans["second"].begins == 4 * 16 * 32
    assert tally.spans["second"].peak == 4 * 2 * 16 * 32 + 4
    assert tally.spans["first"].flops == 2 * 16 * 64 * 32
    assert float(z) == 16 * 32 * 64**2


@pytest.mark.parametrize("wide", [True, False])
def test_a_product_counts_the_same_by_either_library(monkeypatch, wide):
    monkeypatch.setattr(products, "_narrow", lambda: wide and torch.backends.mkldnn.is_available())
    x, weight = torch.ones(8, 32), torch.ones(16, 32)
    with Tally([x, weight]) as tally:
        tally.begin("all")
        products.linear(x, weight)
        tally.begin("")
    assert tally.spans["all"].flops == 2 * 8 * 32 * 16


def test_seconds_here_are_those_of_the_operations():
    x = torch.ones(256, 256)
    with Tally([x]) as tally:
        tally.begin("all")
        for _ in range(3):
            x @ x
    seconds, measured = seconds_here(tally.operations, "cpu", budget=1e9)
    assert measured == 1.0
    assert seconds > 0
    unmeasured, share = seconds_here(tally.operations, "cpu", budget=-1)
    assert share == 0
    assert unmeasured > 0


# -- devices ---------------------------------------------------------------------------------------


def test_devices_by_name():
    for name in device_names():
        device = named_device(name, ModelOptions(name="any"), "llama")
        assert device.memory > 0
        assert not device.here
    t4 = named_device("T4", ModelOptions(name="any"), "llama")
    assert (t4.dtype, t4.memory) == ("fp16", 16 * 10**9)
    assert named_device("t4", ModelOptions(name="any"), "mt5").dtype == "fp32"
    with pytest.raises(RecipeError, match="a100-80"):
        named_device("a100-8", ModelOptions(name="any"), "llama")


def test_a_faster_device_is_faster():
    x = torch.ones(1024, 1024)
    with Tally([x]) as tally:
        tally.begin("all")
        x @ x
    slow, fast = (
        seconds_there(tally.operations, named_device(name, ModelOptions(name="any"), "llama"))
        for name in ("4GB-edge", "h200")
    )
    assert math.isclose(slow, 2 * 1024**3 / (0.472e12 * 0.4))
    assert fast < slow


def test_this_machine_has_memory():
    here = this_machine(ModelOptions(name="any", device="cpu"), "llama")
    assert here.kind == "cpu"
    assert here.memory > 2**20

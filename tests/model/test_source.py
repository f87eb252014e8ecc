"""Whatever is wrong with a model is one plain line, said before anything heavy is loaded."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from dubash.core.errors import ModelError
from dubash.model.adapter import check_adapter
from dubash.model.load import find_context, load_base, load_tokenizer, load_tuned
from dubash.model.options import MethodOptions, ModelOptions
from dubash.model.source import display_name
from tiny import FAMILIES


def refusal(name: str, **fields: object) -> str:
    with pytest.raises(ModelError) as caught:
        load_base(ModelOptions.model_validate({"name": name, **fields}))
    text = str(caught.value)
    assert "\n" not in text
    assert name in text or caught.value.where
    return text


@pytest.fixture
def copy(tiny, tmp_path):
    """A checkpoint of one's own to break."""
    return shutil.copytree(tiny("llama"), tmp_path / "model")


def test_a_missing_folder(tmp_path):
    assert "no such folder" in refusal(str(tmp_path / "nothing"))
    assert "no such folder" in refusal("./nothing")


def test_a_file_in_place_of_a_folder(copy):
    assert "this is a file" in refusal(str(copy / "config.json"))


def test_a_folder_without_config(copy):
    (copy / "config.json").unlink()
    assert "no config.json" in refusal(str(copy))


def test_a_broken_config(copy):
    (copy / "config.json").write_text("{")
    assert "cannot be loaded" in refusal(str(copy))


def test_an_unknown_architecture(copy):
    (copy / "config.json").write_text('{"model_type": "nonesuch"}')
    assert "nonesuch" in refusal(str(copy))


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_weights_cut_short(copy, keep):
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert "cut short or not safetensors" in refusal(str(copy))


def test_pickled_weights_only(copy):
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    assert "pickle (pytorch_model.bin)" in refusal(str(copy))
    (copy / "pytorch_model.bin").unlink()
    assert "no *.safetensors" in refusal(str(copy))


def test_a_missing_shard(copy):
    index = {"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00001-of-00002.safetensors is missing" in refusal(str(copy))


def test_missing_weights_are_not_made_up(copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert "1 weights are missing or of another shape (model.norm.weight)" in refusal(str(copy))


def test_weights_of_another_shape(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    assert "cannot be loaded" in refusal(str(copy))


def test_a_tokenizer_larger_than_the_model(copy):
    tokenizer = load_tokenizer(ModelOptions(name=str(copy)))
    tokenizer.add_tokens(["more"])
    tokenizer.save_pretrained(copy)
    assert "its tokenizer has" in refusal(str(copy))


def test_a_broken_tokenizer(copy):
    (copy / "tokenizer.json").write_text("{}")
    assert "cannot be loaded" in refusal(str(copy))


def test_a_hub_model_that_is_not_cached_while_offline():
    text = refusal("owner/name")
    assert "owner/name: not in the hub's cache" in text
    assert "HF_HUB_OFFLINE" in text


def test_the_wrong_kind(tiny):
    assert "model.kind is seq2seq, but this model is causal" in refusal(
        str(tiny("llama")), kind="seq2seq"
    )
    assert "this model is seq2seq" in refusal(str(tiny("mt5")), kind="causal")


def test_remote_code_only_where_it_is_allowed(copy):
    config = json.loads((copy / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    config["model_type"] = "own"
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "own.py").write_text("raise SystemExit('ran')")
    assert "it brings its own code" in refusal(str(copy))


def test_an_adapter_in_place_of_a_model_and_the_reverse(copy):
    with pytest.raises(ModelError, match=r"no adapter_config\.json here"):
        load_tuned(ModelOptions(name=str(copy)), MethodOptions(), copy)
    (copy / "config.json").rename(copy / "adapter_config.json")
    assert "this is an adapter" in refusal(str(copy))


def test_an_adapter_is_what_peft_would_read_and_nothing_beside_it(tmp_path):
    """Given any other file peft would go on to the pickled adapter_model.bin."""
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (tmp_path / "adapter_model.bin").write_bytes(b"pickled")
    save_file({"weight": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"only there as pickle \(adapter_model\.bin\)"):
        check_adapter(tmp_path)
    (tmp_path / "adapter_model.bin").unlink()
    with pytest.raises(ModelError, match=r"no adapter_model\.safetensors in this folder"):
        check_adapter(tmp_path)
    (tmp_path / "x.safetensors").rename(tmp_path / "adapter_model.safetensors")
    check_adapter(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_context_is_read_without_weights(family, tiny):
    options = ModelOptions(name=str(tiny(family)))
    expected = None if family == "mt5" else 2048
    assert find_context(options) == load_base(options).context == expected


def test_names_in_tables(copy):
    assert display_name(ModelOptions(name=str(copy))) == "model"
    assert display_name(ModelOptions(name="owner/name")) == "owner/name"


def test_a_hub_model_with_pickled_weights_only(tiny):
    """A hub's cache, laid out by hand: transformers finds it offline, without safetensors."""
    import os
    from pathlib import Path

    from huggingface_hub.constants import HF_HUB_CACHE

    repo = Path(HF_HUB_CACHE) / "models--owner--pickled"
    snapshot = repo / "snapshots" / ("0" * 40)
    shutil.copytree(tiny("llama"), snapshot)
    os.rename(snapshot / "model.safetensors", snapshot / "pytorch_model.bin")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0" * 40)
    assert "only there as pickle" in refusal("owner/pickled")
    os.rename(snapshot / "pytorch_model.bin", snapshot / "model.safetensors")
    assert load_base(ModelOptions(name="owner/pickled")).display_name == "owner/pickled"

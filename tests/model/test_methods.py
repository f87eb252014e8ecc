"""Each family with each method: what training changes, what is saved, what comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
)

from dubash.core.errors import ModelError
from dubash.model import adapter, device
from dubash.model.load import LoadedModel, load_base, load_trainable, load_tuned, save_tuned
from dubash.model.options import MethodOptions, ModelOptions
from tiny import FAMILIES

METHODS = ("full", "lora", "qlora", "lora-int8")
QUANTIZED = ("qlora", "lora-int8")


def options(folder: Path, **fields: Any) -> ModelOptions:
    return ModelOptions.model_validate(
        {"name": str(folder), "dtype": "fp32", "device": "cpu", **fields}
    )


def batch(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    texts = ["Where is the clinic?", "El tren sale a las siete."]
    rows = loaded.tokenizer(texts, padding=True, return_tensors="pt")
    found = {"input_ids": rows.input_ids, "attention_mask": rows.attention_mask}
    labels = rows.input_ids.masked_fill(rows.attention_mask == 0, -100)
    return {**found, "labels": labels}


def gradients(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    loaded.model.zero_grad()
    loaded.model(**batch(loaded)).loss.backward()
    named = loaded.model.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def step(loaded: LoadedModel, times: int = 2, rate: float = 0.05) -> None:
    trained = [p for p in loaded.model.parameters() if p.requires_grad]
    for _ in range(times):
        gradients(loaded)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        torch.optim.SGD(trained, rate).step()


def logits(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs).logits


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_train_save_reload(
    family: str, name: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    chosen, method = options(tiny(family)), MethodOptions.model_validate({"name": name})
    loaded = load_trainable(chosen, method, seed=3)
    before = {n: p.detach().clone() for n, p in loaded.model.named_parameters()}
    step(loaded)
    after = dict(loaded.model.named_parameters())
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    trainable = {n for n, p in after.items() if p.requires_grad}
    if name == "full":
        # the bias of a key shifts all scores of a query alike, which softmax does not see
        assert trainable == set(before)
        assert {n for n in trainable - changed if "k_proj.bias" not in n} == set()
    else:
        assert changed == trainable
        assert all("lora_" in n and after[n].dtype == torch.float32 for n in trainable)

    save_tuned(loaded, tmp_path / "tuned")
    files = {file.name for file in (tmp_path / "tuned").iterdir()}
    weights = "model.safetensors" if name == "full" else "adapter_model.safetensors"
    assert weights in files
    words = {"vocab.json", "sentencepiece.bpe.model"} if family == "m2m100" else {"tokenizer.json"}
    assert words | {"tokenizer_config.json"} <= files
    assert not any(file.endswith((".bin", ".pt", ".md")) for file in files)
    if name != "full":
        with safe_open(tmp_path / "tuned" / weights, framework="pt") as saved:
            assert all("lora_" in key for key in saved.keys())  # noqa: SIM118 - no mapping

    tuned = load_tuned(chosen, method, tmp_path / "tuned")
    assert tuned.trainable_parameters == 0
    assert not tuned.model.training
    inputs = batch(loaded)
    loaded.model.eval()
    expected = logits(loaded.model, inputs)
    assert not torch.equal(expected, logits(load_base(chosen).model, inputs))
    assert torch.equal(logits(tuned.model, inputs), expected)
    # bitsandbytes takes other kernels in eval mode than in training; without dropout the
    # comparison in train mode is the one between equals
    vanilla = _vanilla(chosen, method, loaded, tmp_path / "tuned").train(name in QUANTIZED)
    for module in vanilla.modules():
        if hasattr(module, "layerdrop"):
            module.layerdrop = 0.0  # as dubash trains
    loaded.model.train(name in QUANTIZED)
    assert torch.equal(logits(vanilla, inputs), logits(loaded.model, inputs))


def _vanilla(chosen: ModelOptions, method: MethodOptions, loaded: LoadedModel, folder: Path) -> Any:
    """What a user has without dubash."""
    auto = AutoModelForCausalLM if loaded.kind == "causal" else AutoModelForSeq2SeqLM
    if method.name == "full":
        return auto.from_pretrained(folder)
    base = auto.from_pretrained(
        chosen.name,
        dtype=torch.float32,
        quantization_config=adapter.quantization(method, "fp32"),
        device_map={"": "cpu"} if method.name in QUANTIZED else None,
    )
    return PeftModel.from_pretrained(base, folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_sit_on_every_linear_layer_but_the_head(family, tiny):
    loaded = load_trainable(options(tiny(family)), MethodOptions())
    base = load_base(options(tiny(family))).model
    head = base.get_output_embeddings()
    linear = {
        name
        for name, module in base.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    adapted = {
        name.removeprefix("base_model.model.").removesuffix(".lora_A.default")
        for name, _module in loaded.model.named_modules()
        if name.endswith(".lora_A.default")
    }
    assert adapted == linear
    assert loaded.total_parameters > loaded.trainable_parameters > 0


@pytest.mark.parametrize("name", ["lora", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_checkpointing_changes_no_gradient(family, name, tiny):
    method = MethodOptions.model_validate({"name": name})
    plain = gradients(load_trainable(options(tiny(family)), method))
    loaded = load_trainable(options(tiny(family), gradient_checkpointing=True), method)
    checkpointed = gradients(loaded)
    assert any(getattr(m, "gradient_checkpointing", False) for m in loaded.model.modules())
    assert plain.keys() == checkpointed.keys()
    for key, gradient in plain.items():
        assert (gradient - checkpointed[key]).norm() <= 1e-4 * gradient.norm(), key


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_look_in_eval_mode_changes_no_gradient(name, tiny):
    """bitsandbytes would repack 4-bit weights there, and cut the gradients of what follows."""
    loaded = load_trainable(options(tiny("llama")), MethodOptions.model_validate({"name": name}))
    step(loaded)
    before = gradients(loaded)
    loaded.model.eval()
    logits(loaded.model, batch(loaded))
    loaded.model.train()
    after = gradients(loaded)
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_quantization_leaves_embeddings_and_head(tiny):
    import bitsandbytes

    for name, kind in (("qlora", "Linear4bit"), ("lora-int8", "Linear8bitLt")):
        method = MethodOptions.model_validate({"name": name})
        base = load_trainable(options(tiny("llama")), method).model.get_base_model()
        assert isinstance(
            base.model.layers[0].mlp.up_proj.base_layer, getattr(bitsandbytes.nn, kind)
        )
        assert type(base.lm_head) is torch.nn.Linear
        assert base.model.embed_tokens.weight.dtype == torch.float32
    four_bit = load_trainable(options(tiny("llama")), MethodOptions(name="qlora"))
    plain = load_trainable(options(tiny("llama")), MethodOptions(name="lora"))
    assert four_bit.total_parameters == plain.total_parameters


def test_adapters_are_drawn_from_the_seed(tiny):
    def drawn(seed: int) -> dict[str, torch.Tensor]:
        torch.rand(seed)  # whatever was drawn before does not matter
        loaded = load_trainable(options(tiny("llama")), MethodOptions(), seed=seed)
        return {n: p for n, p in loaded.model.named_parameters() if p.requires_grad}

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_named_target_modules(tiny):
    method = MethodOptions(rank=8, alpha=32, target_modules=["q", "v"])
    loaded = load_trainable(options(tiny("mt5")), method)
    adapted = {n for n, _ in loaded.model.named_modules() if n.endswith("lora_A.default")}
    assert {name.split(".")[-3] for name in adapted} == {"q", "v"}
    with pytest.raises(ModelError, match=r"no linear layer 'q_prj'\. Did you mean 'q_proj'"):
        load_trainable(options(tiny("llama")), MethodOptions(target_modules=["q_prj"]))


def test_no_layer_is_left_out_of_a_step_and_the_checkpoint_says_what_it_said(tiny, tmp_path):
    loaded = load_trainable(options(tiny("m2m100")), MethodOptions(name="full"))
    first = gradients(loaded)
    trained = {n for n, p in loaded.model.named_parameters() if p.requires_grad}
    for _ in range(20):  # dropping 5% of four layers would leave one out by now
        again = gradients(loaded)
        assert again.keys() == trained
        assert all(torch.equal(first[name], again[name]) for name in first)
    save_tuned(loaded, tmp_path / "tuned")
    assert (
        AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "tuned").config.encoder_layerdrop == 0.05
    )


def test_training_runs_without_cache_and_its_checkpoint_with(tiny, tmp_path):
    loaded = load_trainable(options(tiny("llama")), MethodOptions(name="full"))
    assert loaded.model.config.use_cache is False
    save_tuned(loaded, tmp_path / "tuned")
    assert loaded.model.config.use_cache is False
    tuned = load_tuned(options(tiny("llama")), MethodOptions(name="full"), tmp_path / "tuned")
    assert tuned.model.config.use_cache is True
    assert tuned.display_name == "llama"


def test_an_adapter_for_another_model_is_refused(tiny, tmp_path):
    save_tuned(load_trainable(options(tiny("llama")), MethodOptions()), tmp_path / "a")
    with pytest.raises(ModelError):
        load_tuned(options(tiny("qwen3_5")), MethodOptions(), tmp_path / "a")
    with pytest.raises(ModelError):
        load_tuned(options(tiny("mt5")), MethodOptions(), tmp_path / "a")
    file = tmp_path / "a" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ModelError, match="cut short"):
        load_tuned(options(tiny("llama")), MethodOptions(), tmp_path / "a")


def test_without_bitsandbytes_the_way_to_it_is_named(tiny, monkeypatch):
    monkeypatch.setattr(device, "has_bitsandbytes", lambda: False)
    for name in QUANTIZED:
        with pytest.raises(ModelError, match=r"pip install -e '\.\[quant\]'"):
            load_trainable(options(tiny("llama")), MethodOptions.model_validate({"name": name}))


@pytest.mark.parametrize("name", ["full", "lora"])
def test_bf16_keeps_what_is_trained_in_fp32(name, tiny):
    method = MethodOptions.model_validate({"name": name})
    loaded = load_trainable(options(tiny("llama"), dtype="bf16"), method)
    assert loaded.compute_dtype == "bf16"
    kinds = {p.dtype for p in loaded.model.parameters() if p.requires_grad}
    assert kinds == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(loaded.model(**batch(loaded)).loss)
    assert load_base(options(tiny("llama"), dtype="bf16")).model.dtype == torch.bfloat16


def test_the_text_model_of_a_model_that_sees(tiny, tmp_path):
    """Qwen3.5 is published with a vision tower; it is neither loaded nor adapted."""
    config = Qwen3_5Config(
        text_config=load_base(options(tiny("qwen3_5"))).model.config.to_dict(),
        vision_config={
            "depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
            "out_hidden_size": 64, "patch_size": 4, "num_position_embeddings": 16,
        },
        tie_word_embeddings=True,
    )  # fmt: skip
    seeing = Qwen3_5ForConditionalGeneration(config)
    assert any("visual" in name for name, _ in seeing.named_parameters())
    seeing.save_pretrained(tmp_path / "seeing")
    load_base(options(tiny("qwen3_5"))).tokenizer.save_pretrained(tmp_path / "seeing")
    for name in ("full", "lora"):
        method = MethodOptions.model_validate({"name": name})
        loaded = load_trainable(options(tmp_path / "seeing"), method)
        assert not any("visual" in n for n, _ in loaded.model.named_parameters())
        step(loaded)
        save_tuned(loaded, tmp_path / name)
        tuned = load_tuned(options(tmp_path / "seeing"), method, tmp_path / name)
        inputs = batch(loaded)
        loaded.model.eval()
        assert torch.equal(logits(tuned.model, inputs), logits(loaded.model, inputs))

"""Conversions: right ones pass the check of their logits, planted mistakes do not."""

import copy

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    M2M100Config,
    M2M100ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

pytest.importorskip("ctranslate2")

from dubash.core.errors import ModelError
from dubash.engine import convert, families
from dubash.engine.verify import Sample, pick, relative_error, verify
from dubash.engine.write import merged, write
from engine.converting import chosen, rows, rows_of, unmended, with_adapters

SMALL = {
    "vocab_size": 120, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
}  # fmt: skip


def loud(model, factor=8):
    """Weights large enough that logits differ by position and a mistake shows."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.normal_(0, 0.3)
            elif parameter.ndim >= 2 and "embed" not in name and "shared" not in name:
                parameter.mul_(factor)
    return model.eval()


def gemma2(**settings):
    plain = {
        "query_pre_attn_scalar": 16,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
    }
    config = Gemma2Config(**SMALL, **(plain | settings))
    return loud(Gemma2ForCausalLM(config))


def t5(**settings):
    config = T5Config(
        vocab_size=120, d_model=64, d_kv=16, d_ff=96, num_layers=2, num_heads=4,
        decoder_start_token_id=0, **settings,
    )  # fmt: skip
    return loud(T5ForConditionalGeneration(config), 2)


def m2m100(pad):
    """Its positions begin behind the padding's id."""
    config = M2M100Config(
        vocab_size=120, d_model=64, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=96,
        decoder_ffn_dim=96, encoder_attention_heads=4, decoder_attention_heads=4,
        pad_token_id=pad, bos_token_id=1 - pad, decoder_start_token_id=2,
    )  # fmt: skip
    return loud(M2M100ForConditionalGeneration(config), 4)


def checked(model, folder, kind="causal", compute_type="float32", prompts=None):
    write(model, folder, [compute_type])
    return verify(folder / compute_type, compute_type, Sample(model, kind, prompts or rows()))


# -- what is right passes -------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3", "mt5", "m2m100", "nllb"])
def test_a_right_conversion_has_the_same_logits(load, tmp_path, family):
    loaded = load(family)
    before = {name: each.clone() for name, each in loaded.model.state_dict().items()}
    verdict = checked(loaded.model, tmp_path / "a", loaded.kind, prompts=rows(size=900))
    assert verdict.wrong == ""
    assert verdict.agreement == 1.0
    assert verdict.mean < 1e-4
    write(loaded.model, tmp_path / "b", ["float32", "int8"])
    after = loaded.model.state_dict()
    assert all(torch.equal(after[name], each) for name, each in before.items())


@pytest.mark.parametrize("model", [
    gemma2(), gemma2(query_pre_attn_scalar=40), t5(), t5(feed_forward_proj="gated-gelu"),
    t5(tie_word_embeddings=False), m2m100(0), m2m100(1),
], ids=["gemma2", "gemma2-scaled", "t5", "gated", "untied", "m2m-pad-0", "m2m-pad-1"])  # fmt: skip
def test_the_families_without_a_tiny_checkpoint_too(tmp_path, model):
    kind = "seq2seq" if model.config.is_encoder_decoder else "causal"
    verdict = checked(model, tmp_path / "made", kind)
    assert verdict.wrong == ""
    assert verdict.mean < 1e-4


def test_gemma3_with_another_query_scale_is_mended(load, tmp_path):
    config = copy.deepcopy(load("gemma3").model.config)
    config.query_pre_attn_scalar = 3 * config.head_dim
    model = loud(Gemma3ForCausalLM(config))
    assert checked(model, tmp_path / "made").mean < 1e-5


def test_gemma_in_bf16_is_held_to_the_embedding_scale_of_fp32(load, tmp_path):
    """bf16 rounds √72 too, which is no weight."""
    config = copy.deepcopy(load("gemma3").model.config)
    config.hidden_size = 72
    model = loud(Gemma3ForCausalLM(config)).bfloat16()
    model.model.rotary_emb = loud(Gemma3ForCausalLM(config)).model.rotary_emb  # loading keeps it
    write(model, tmp_path, ["float32"])
    reference = convert._reference(model)
    assert verify(tmp_path / "float32", "float32", Sample(reference, "causal", rows())).mean < 1e-5
    reference.model.embed_tokens.embed_scale.copy_(model.model.embed_tokens.embed_scale)
    assert verify(tmp_path / "float32", "float32", Sample(reference, "causal", rows())).mean > 1e-4


def test_gemma3_with_other_rotary_bases_is_mended(load, tmp_path):
    config = copy.deepcopy(load("gemma3").model.config)
    config.rope_parameters["full_attention"]["rope_theta"] = 200.0
    config.rope_parameters["sliding_attention"]["rope_theta"] = 50.0
    model = loud(Gemma3ForCausalLM(config))
    assert checked(model, tmp_path / "made").mean < 1e-5


LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192, "rope_theta": 5e5,
}  # fmt: skip
YARN = LINEAR | {"rope_type": "yarn", "original_max_position_embeddings": 64}
DYNAMIC = LINEAR | {"rope_type": "dynamic"}


def rotary(parameters):
    sizes = {**SMALL, "max_position_embeddings": 256}
    return loud(LlamaForCausalLM(LlamaConfig(**sizes, rope_parameters=parameters)))


@pytest.mark.parametrize("parameters", [LINEAR, LLAMA3], ids=["linear", "llama3"])
def test_rotary_positions_whose_scaling_it_knows(tmp_path, parameters):
    model = rotary(parameters)
    assert families.refusal(model) == ""
    assert checked(model, tmp_path / "made").wrong == ""


# -- what is wrong is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.02, 0.9])
def test_one_scaled_weight_is_caught(load, tmp_path, factor):
    model = load("llama").model
    wrong = copy.deepcopy(model)
    with torch.no_grad():
        wrong.model.layers[1].mlp.down_proj.weight.mul_(factor)
    write(wrong, tmp_path, ["float32"])
    verdict = verify(tmp_path / "float32", "float32", Sample(model, "causal", rows(size=900)))
    assert "differ" in verdict.wrong


def test_mt5_scaled_as_if_tied_is_caught(load, tmp_path, monkeypatch):
    unmended(monkeypatch)
    loaded = load("mt5")
    assert "differ" in checked(loaded.model, tmp_path / "made", "seq2seq").wrong


def test_gemmas_query_scale_is_caught(load, tmp_path, monkeypatch):
    unmended(monkeypatch, [lambda model: families._name_rotary_bases(model.config)])
    config = copy.deepcopy(load("gemma3").model.config)
    config.query_pre_attn_scalar = 3 * config.head_dim
    assert "differ" in checked(loud(Gemma3ForCausalLM(config)), tmp_path / "made").wrong
    scaled = gemma2(query_pre_attn_scalar=40)
    assert "differ" in checked(scaled, tmp_path / "other").wrong


def test_gemmas_rotary_bases_are_caught(load, tmp_path, monkeypatch):
    unmended(monkeypatch, [families._fold_query_scale])
    config = copy.deepcopy(load("gemma3").model.config)
    config.rope_parameters["sliding_attention"]["rope_theta"] = 50.0
    assert "differ" in checked(loud(Gemma3ForCausalLM(config)), tmp_path / "made").wrong


def test_a_soft_cap_is_refused_and_would_be_caught(tmp_path):
    capped = gemma2(final_logit_softcapping=30.0)
    with torch.no_grad():
        capped.lm_head.weight.mul_(20)  # large enough for the cap to bend them
    assert "soft-cap" in families.refusal(capped)
    assert "differ" in checked(capped, tmp_path / "made").wrong


@pytest.mark.parametrize("parameters", [YARN, DYNAMIC], ids=["yarn", "dynamic"])
def test_rotary_positions_it_does_not_know_are_refused(tmp_path, parameters):
    model = rotary(parameters)
    assert "scaling of these rotary positions" in families.refusal(model)
    with pytest.raises(ModelError, match="its converter gives up on this model"):
        write(model, tmp_path, ["float32"])


def test_int8_that_ruins_a_model_is_caught(load, tmp_path):
    """One huge activation takes all of int8's steps; in float the weight after it evens it out."""
    model = load("llama").model
    with torch.no_grad():
        for layer in model.model.layers:
            layer.input_layernorm.weight[5] *= 1000
            for name in ("q_proj", "k_proj", "v_proj"):
                getattr(layer.self_attn, name).weight[:, 5] /= 1000
    assert checked(model, tmp_path / "a").wrong == ""
    assert "int8 changes" in checked(model, tmp_path / "b", compute_type="int8").wrong


def test_relative_error_sees_scale_but_not_a_constant():
    logits = torch.randn(4, 50)
    assert relative_error(logits + 7, logits).max() < 1e-5
    assert relative_error(logits * 1.1, logits).mean() == pytest.approx(0.1, rel=1e-3)


def test_prompts_are_picked_from_the_shortest_to_the_longest():
    many = [[1] * length for length in range(3, 60)]
    picked, others = pick([*many, *many])
    assert len(picked) == 8
    assert (picked[0], picked[-1]) == (many[0], many[-1])
    assert len(others) == 7
    assert not any(each in picked for each in others)
    assert pick([[1, 2]]) == ([[1, 2]], [[1, 2]])


# -- adapters -------------------------------------------------------------------------------------


def test_adapters_are_merged_on_a_copy(adapted, load, sentences):
    before = {name: each.clone() for name, each in adapted.model.state_dict().items()}
    prompts = [adapted.tokenizer(text).input_ids for text in sentences[::100]]
    engine = chosen(adapted)
    found = engine.generate(prompts)
    assert engine.label == "ctranslate2 float32"
    assert rows_of(found) == rows_of(engine.plain.generate(prompts))
    base = chosen(load("llama")).generate(prompts)
    assert rows_of(found) != rows_of(base)
    after = adapted.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], each) for name, each in before.items())
    assert adapted.model.training, "left as it was found"


def test_the_check_is_against_fp32_whatever_the_model_computes_in(load, tmp_path):
    loaded = with_adapters(load("llama"), "bf16")
    before = {name: each.clone() for name, each in loaded.model.state_dict().items()}
    assert {each.dtype for each in before.values()} == {torch.bfloat16, torch.float32}
    reference = convert._reference(loaded.model)
    write(merged(loaded.model), tmp_path, ["float32"])

    def verdict(model):
        return verify(tmp_path / "float32", "float32", Sample(model, "causal", rows(size=900)))

    assert verdict(reference).mean < 1e-5
    rounds = verdict(loaded.model.eval())
    assert "differ" in rounds.wrong, "the model itself rounds more than the check allows"
    after = loaded.model.state_dict()
    assert all(torch.equal(after[name], each) for name, each in before.items())
    assert all(after[name].dtype == each.dtype for name, each in before.items())

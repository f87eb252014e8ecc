"""The recipes that ship: each loads, means the same resolved, and holds the published numbers."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.data.benchmarks import refuse_benchmarks
from dubash.prompt.options import DEFAULT_TEXT
from dubash.recipe.load import load_recipe, read_resolved, resolved_yaml, shipped

PUBLISHED = [
    "hi-gu-full",
    "en-ja-qlora",
    "en-ja-qlora-run-a",
    "en-ja-qlora-run-b",
    "en-ja-qlora-run-d",
    "en-ja-qlora-7b",
    "en-hi-mt5-full",
    "en-hi-mt5-lora",
    "en-hi-mt5-qlora",
    "en-hi-mt5-csv",
    "en-es-qlora",
    "indic-sft-0.5b",
    "indic-sft-7b",
    "gemma3-1b-edge",
]

SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def resolved(name: str, *overrides: str) -> dict[str, Any]:
    """A shipped recipe as `dubash recipe show` prints it."""
    return yaml.safe_load(resolved_yaml(load_recipe(name, overrides).recipe))


def flat(content: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(content, dict):
        pairs = [flat(each, f"{prefix}{key}.") for key, each in content.items()]
        return {key: each for pair in pairs for key, each in pair.items()}
    return {prefix.rstrip("."): content}


def changes(name: str, other: str) -> dict[str, Any]:
    """The settings of `name` that are not those of `other`, run.name aside."""
    mine, theirs = flat(resolved(name)), flat(resolved(other))
    found = {key: mine.get(key) for key in mine.keys() | theirs if mine.get(key) != theirs.get(key)}
    del found["run.name"]
    return found


def test_the_demo_and_the_published_settings_ship_and_nothing_else():
    assert set(shipped()) == {"demo", *PUBLISHED}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_recipe_resolves_to_itself(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(name).recipe
    path = Path("recipe.yaml")
    path.write_text(resolved_yaml(recipe), encoding="utf-8")
    assert read_resolved(path) == recipe
    assert load_recipe(str(path)).recipe == recipe


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_recipe_is_summed_up_in_its_first_line(name):
    first = shipped()[name].read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert 20 < len(first) <= 100
    assert first.endswith(".")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_run_is_named_after_the_recipe(name):
    assert load_recipe(name).recipe.run.name == name


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_says_what_differs(name):
    text = shipped()[name].read_text(encoding="utf-8")
    assert "(published setting)." in text.splitlines()[0]
    assert "differ" in text.lower()


def test_hi_gu_full():
    found = resolved("hi-gu-full")
    assert found["model"]["name"] == "Qwen/Qwen3.5-0.8B"
    assert found["model"]["dtype"] == "bf16"
    assert found["method"]["name"] == "full"
    train = found["train"]
    assert (train["batch_size"], train["accumulation"], train["epochs"]) == (2, 4, 3)
    assert (train["optimizer"], train["learning_rate"]) == ("adamw", 2e-5)
    assert (train["schedule"], train["warmup"], train["clip"]) == ("cosine", 0.1, 1.0)
    prompt = found["prompt"]
    assert (prompt["style"], prompt["mask"], prompt["max_tokens"]) == ("chat", "target", 256)
    assert (found["generate"]["beams"], found["generate"]["max_new_tokens"]) == (4, 200)


def test_hi_gu_full_trains_on_a_benchmark_because_it_is_named():
    data = load_recipe("hi-gu-full").recipe.data
    refuse_benchmarks(data.train, data.allow_benchmarks)
    with pytest.raises(DataError, match="benchmark 'in22'"):
        refuse_benchmarks(data.train, ())


@pytest.mark.parametrize("name", [each for each in sorted(shipped()) if each != "hi-gu-full"])
def test_no_other_recipe_trains_on_a_benchmark(name):
    data = load_recipe(name).recipe.data
    assert data.allow_benchmarks == ()
    refuse_benchmarks(data.train, ())


def test_en_ja_qlora():
    found = resolved("en-ja-qlora")
    assert found["model"]["name"] == "Qwen/Qwen2.5-0.5B-Instruct"
    assert found["model"]["dtype"] == "bf16"
    method = found["method"]
    assert (method["name"], method["rank"], method["alpha"]) == ("qlora", 16, 16)
    assert (method["dropout"], method["target_modules"]) == (0.05, SEVEN)
    train = found["train"]
    assert (train["learning_rate"], train["batch_size"], train["accumulation"]) == (5e-6, 8, 4)
    assert (train["max_steps"], train["clip"]) == (400, 0.1)
    assert (train["evaluate_every"], train["patience"]) == (100, 1)
    assert (found["prompt"]["mask"], found["prompt"]["max_tokens"]) == ("full", 2048)


@pytest.mark.parametrize(
    ("name", "other", "differs"),
    [
        ("en-ja-qlora-run-a", "en-ja-qlora", {"train.max_steps": 600}),
        (
            "en-ja-qlora-run-b",
            "en-ja-qlora",
            {"train.max_steps": 600, "train.learning_rate": 3e-6},
        ),
        ("en-ja-qlora-run-d", "en-ja-qlora", {"train.max_steps": 300, "prompt.mask": "target"}),
        (
            "en-ja-qlora-7b",
            "en-ja-qlora",
            {"model.name": "Qwen/Qwen2.5-7B-Instruct", "model.gradient_checkpointing": True},
        ),
        (
            "en-hi-mt5-lora",
            "en-hi-mt5-full",
            {
                "method.name": "lora",
                "method.rank": 8,
                "method.dropout": 0.05,
                "method.target_modules": ["q", "v"],
            },
        ),
        (
            "en-hi-mt5-qlora",
            "en-hi-mt5-lora",
            {"method.name": "qlora", "train.optimizer": "paged-adamw-8bit"},
        ),
    ],
)
def test_a_run_differs_in_what_was_published_only(name, other, differs):
    assert changes(name, other) == differs


def test_en_hi_mt5():
    found = resolved("en-hi-mt5-full")
    assert found["model"]["name"] == "google/mt5-small"
    assert found["data"]["train"][0]["hub"] == "cfilt/iitb-english-hindi"
    train = found["train"]
    assert (train["batch_size"], train["accumulation"], train["learning_rate"]) == (1, 8, 2e-4)
    assert train["optimizer"] == "adafactor"
    assert found["prompt"]["max_tokens"] == 128
    assert found["prompt"]["text"] == DEFAULT_TEXT["seq2seq"]
    assert resolved("en-hi-mt5-lora")["method"]["alpha"] == 32


def test_en_hi_mt5_from_a_csv_of_ones_own():
    found = resolved("en-hi-mt5-csv")
    assert (found["method"]["rank"], found["method"]["alpha"]) == (16, 32)
    assert found["method"]["target_modules"] == ["q", "v"]
    assert found["data"]["train"] == [
        {
            "path": "data/translation_data.csv",
            "columns": {"source": "english_text", "target": "hindi_text"},
        }
    ]


@pytest.mark.parametrize("name", [each for each in PUBLISHED if "mt5" in each])
def test_no_mt5_recipe_asks_for_fp16_and_each_has_its_published_optimizer(name):
    found = resolved(name)
    assert found["model"]["dtype"] == "auto"
    published = {"en-hi-mt5-qlora": "paged-adamw-8bit", "en-hi-mt5-csv": "adamw"}
    assert found["train"]["optimizer"] == published.get(name, "adafactor")


def test_en_es_qlora():
    found = resolved("en-es-qlora")
    assert found["model"]["name"] == "meta-llama/Llama-3.2-1B"
    assert found["model"]["dtype"] == "auto"
    method = found["method"]
    assert (method["name"], method["double_quantization"]) == ("qlora", True)
    assert (method["rank"], method["alpha"], method["dropout"]) == (16, 32, 0.05)
    assert method["target_modules"] == SEVEN
    assert (found["train"]["epochs"], found["train"]["batch_size"]) == (2, 4)
    assert found["data"]["max_rows"] == 1000
    languages = {"source_language": "English", "target_language": "Spanish"}
    assert found["prompt"]["text"].format(source="…", **languages) == (
        "Translate the following text from English to Spanish:\nEnglish: …\nSpanish:"
    )


def test_indic_sft():
    small, large = resolved("indic-sft-0.5b"), resolved("indic-sft-7b")
    assert small["method"]["name"] == "full"
    assert small["model"]["name"].startswith("Qwen/Qwen2.5-0.5B")
    assert large["model"]["name"].startswith("Qwen/Qwen2.5-7B")
    method = large["method"]
    assert (method["name"], method["rank"], method["alpha"]) == ("qlora", 32, 64)
    for found in (small, large):
        assert found["task"] == "instruction"
        assert "{target_language}" in found["prompt"]["system"]
        generate = found["generate"]
        assert (generate["sample"], generate["temperature"], generate["top_p"]) == (True, 0.3, 0.9)
        assert generate["repetition_penalty"] == 1.1


def test_indic_sft_in_kannada_is_a_matter_of_overrides():
    rows = "data.train=[data/indic-alpaca-kn.jsonl]"
    found = resolved("indic-sft-7b", "languages.source=kn", "languages.target=kn", rows)
    assert found["languages"] == {"source": "kn", "target": "kn"}
    assert found["data"]["train"] == [{"path": "data/indic-alpaca-kn.jsonl"}]


def test_gemma3_1b_edge():
    found = resolved("gemma3-1b-edge")
    assert found["model"]["name"] == "google/gemma-3-1b-it"
    method = found["method"]
    assert (method["name"], method["rank"], method["alpha"]) == ("lora-int8", 8, 16)
    assert found["train"]["batch_size"] == 1
    assert found["train"]["accumulation"] > 1
    assert found["prompt"]["max_tokens"] == 256
    assert (found["generate"]["temperature"], found["generate"]["max_new_tokens"]) == (0.5, 64)


QWEN_05B = {
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
}
QWEN_7B = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}


@pytest.mark.parametrize(
    ("name", "shape", "trained"),
    [
        ("en-ja-qlora", QWEN_05B, 8_798_208),
        ("en-ja-qlora-7b", QWEN_7B, 40_370_176),
        ("indic-sft-7b", QWEN_7B, 80_740_352),
    ],
)
def test_as_many_parameters_are_trained_as_published(name, shape, trained):
    """The model in its true shape, without its weights; 4 bits or not, the adapters are alike."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    from dubash.model.adapter import add_adapter

    with torch.device("meta"):
        base = AutoModelForCausalLM.from_config(Qwen2Config(**shape))
        model = add_adapter(base, "causal", load_recipe(name).recipe.method, seed=0)
    assert sum(each.numel() for each in model.parameters() if each.requires_grad) == trained


def test_each_recipe_has_a_pair_of_languages():
    for name in shipped():
        assert isinstance(load_recipe(name).recipe.languages.pair(), LanguagePair)

"""The model card: front matter the hub reads, code that compiles, scores as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from dubash.core.files import read_json, write_json, write_text
from dubash.core.run import RunFolder
from dubash.report.card import markdown, write_card
from dubash.report.html import write_report


def card(run: RunFolder, folder: Path) -> tuple[dict[str, Any], str]:
    text = write_card(run, folder).read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def code(body: str) -> str:
    return body.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter's folder as training leaves it, as far as the card looks at it."""
    folder = tmp_path / "model"
    write_json(folder / "adapter_config.json", {"peft_type": "LORA"})
    write_json(folder / "tokenizer_config.json", {})
    write_text(folder / "chat_template.jinja", "{{ messages }}")
    return folder


def test_the_front_matter_is_what_the_hub_expects(build_run: Any, adapter: Path) -> None:
    run = build_run()
    front, _ = card(run, adapter)
    assert front["language"] == ["en", "es"]
    assert front["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert front["library_name"] == "peft"
    assert front["pipeline_tag"] == "translation"
    assert front["datasets"] == ["ana/extra-pairs"]
    results = ModelCard.load(adapter / "README.md").data.eval_results
    assert results
    scores = read_json(run.scores)["systems"][2]["scores"]
    found = {each.metric_type: each.metric_value for each in results}
    assert found["chrf"] == pytest.approx(scores["chrf++"]["value"], abs=0.005)
    assert found["bleu"] == pytest.approx(scores["bleu"]["value"], abs=0.005)
    assert results[0].metric_args["signature"] == scores["chrf++"]["signature"]


def test_the_code_asks_as_the_recipe_did(build_run: Any, adapter: Path) -> None:
    _, body = card(build_run(), adapter)
    compile(code(body), "card", "exec")
    loading = code(body).split("\n\n")[0].splitlines()
    assert len(loading) == 5
    assert 'PeftModel.from_pretrained(base, ".")' in loading[3]
    assert '"Translate from English to Spanish: {source}"' in code(body)
    assert "apply_chat_template" in code(body)
    assert "max_new_tokens=128, do_sample=False" in code(body)


def test_a_fully_tuned_seq2seq_model(build_run: Any, tmp_path: Path) -> None:
    run = build_run()
    model = {"name": "/home/ana/models/mt5", "kind": "seq2seq", "method": "full"}
    run.note(model=model)
    front, body = card(run, tmp_path / "model")
    assert front["library_name"] == "transformers"
    assert "base_model" not in front
    assert "AutoModelForSeq2SeqLM" in code(body)
    assert "translate English to Spanish: {source}" in code(body)
    assert "shape[1]" not in code(body)
    assert "/home/" not in body
    compile(code(body), "card", "exec")


def test_scores_data_and_limits_are_stated(build_run: Any, adapter: Path) -> None:
    run = build_run()
    _, body = card(run, adapter)
    scores = read_json(run.scores)
    for system in scores["systems"]:
        found = system["scores"]["chrf++"]
        assert f"{found['value']:.1f} [{found['low']:.1f}, {found['high']:.1f}]" in body
    assert "the untuned reading with the better chrF++, S0-cut" in body
    assert "S1 beats the better untuned baseline" in body
    assert "| en-es.tsv |" in body
    assert "4 of 20 test rows (20.0%) have a near-duplicate in the training rows" in body
    assert "No licence is stated here" in body
    table = [line for line in body.splitlines() if line.startswith("| S")]
    assert [line.count("|") for line in table] == [6, 6, 6]


def test_an_unscored_run_claims_nothing(build_run: Any, tmp_path: Path) -> None:
    front, body = card(build_run("trained"), tmp_path / "model")
    assert "model-index" not in front
    assert "metrics" not in front
    assert "This model was not scored." in body


def test_hostile_names_stay_text(build_run: Any, adapter: Path) -> None:
    run = build_run()
    run.note(name="x\n---\n<script>alert(1)</script> | `y`")
    front, body = card(run, adapter)
    assert "<script>" not in body
    assert "alert(1)" in json.dumps(front["model-index"])
    assert markdown("a|b\n# c") == r"a\|b \# c"


def test_rows_too_long_to_train_on_are_said_on_card_and_page(build_run, tmp_path):
    run = build_run()
    run.note(too_long={"max_tokens": 256, "train": 18, "dev": 6})
    card = write_card(run, tmp_path).read_text(encoding="utf-8")
    assert "18 training rows over 256 tokens not trained on." in card
    page = " ".join(write_report(run).read_text(encoding="utf-8").split())
    assert "Of the kept ones 18 training rows and 6 dev rows are over 256 tokens" in page

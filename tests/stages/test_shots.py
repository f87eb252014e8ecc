"""S0-shots in a run: the untuned model shown training rows first."""

import shutil

import pytest

from dubash.core.files import read_json, read_jsonl
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.model.load import load_base
from dubash.recipe.load import load_recipe, read_resolved
from dubash.stages.evaluate import evaluate_run
from dubash.stages.run import run
from dubash.stages.shots import few_shot_translator
from tiny import make_tiny


@pytest.fixture
def shown(job):
    """A finished run with two shots."""
    return run(load_recipe("recipe.yaml", ["evaluate.few_shot=2"]))


def test_it_is_one_more_form_of_the_untuned_model(shown):
    scores = read_json(shown.scores)
    names = [each["name"] for each in scores["systems"]]
    assert names == ["S0", "S0-cut", "S0-shots", "S0-shots-cut", "S1"]
    assert list(scores["differences"]) == ["S1"]
    values = {each["name"]: each["scores"]["chrf++"]["value"] for each in scores["systems"]}
    best = max(names[:-1], key=values.get)
    assert values[scores["differences"]["S1"]["chrf++"]["against"]] == values[best]
    texts = [
        [row["text"] for row in read_jsonl(shown.hypotheses(each))] for each in ("S0", "S0-shots")
    ]
    assert texts[0] != texts[1]


def test_what_was_translated_is_kept(shown):
    before = shown.hypotheses("S0-shots").stat().st_mtime_ns
    evaluate_run(shown.path)
    assert shown.hypotheses("S0-shots").stat().st_mtime_ns == before


def test_the_shots_are_training_rows_and_fewer_where_the_context_is_small(shown):
    recipe, prepared = read_resolved(shown.recipe), data.load(shown.data)
    loaded = load_base(recipe.model)
    made = few_shot_translator("S0-shots", recipe, loaded, shown, prepared.test)
    text = made.template.prompt_text("x")
    held_out = {row.source for row in (*prepared.dev, *prepared.test)}
    assert sum(row.source in text for row in prepared.train) >= 2
    assert not any(source in text for source in held_out)
    whole = max(len(made.template.prompt_ids(row.source)) for row in prepared.test)
    loaded.model.config.max_position_embeddings = whole + recipe.generate.max_new_tokens - 1
    fewer = few_shot_translator("S0-shots", recipe, loaded, shown, prepared.test)
    assert len(fewer.template.prompt_text("x")) < len(text)
    loaded.model.config.max_position_embeddings = 30
    assert few_shot_translator("S0-shots", recipe, loaded, shown, prepared.test) is None


def test_an_encoder_decoder_has_no_place_for_them(job, tmp_path):
    texts = [
        cell for line in (job / "rows.csv").read_text().splitlines() for cell in line.split(",")
    ]
    make_tiny("mt5", tmp_path / "mt5", texts)
    found = run(load_recipe("recipe.yaml", ["evaluate.few_shot=2", "model.name=./mt5"]))
    assert not found.hypotheses("S0-shots").exists()
    assert RunFolder(found.path).scores.exists()
    shutil.rmtree(found.path)

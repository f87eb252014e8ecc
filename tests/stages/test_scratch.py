"""`dubash scratch`, then the run: a model from nothing."""

import pytest

from dubash.core.errors import RecipeError, UserError
from dubash.core.files import read_json
from dubash.recipe.load import load_recipe
from dubash.stages.run import run
from dubash.stages.scratch import scratch
from dubash.stages.systems import read_systems

GIVEN = ["model.name=./fresh", "prompt={text: '{source}'}"]
SMALL = {"vocabulary": 500, "width": 32, "layers": 1, "heads": 2}


def test_a_recipe_names_the_model_that_is_made_and_then_runs_on_it(job, capsys):
    text = (job / "recipe.yaml").read_text(encoding="utf-8")
    (job / "recipe.yaml").write_text(
        text.replace("{name: lora, rank: 4, alpha: 8}", "{name: full}")
    )
    loaded = load_recipe("recipe.yaml", GIVEN)
    scratch(loaded, SMALL)
    said = capsys.readouterr().out
    assert "fresh: seq2seq, 500 tokens" in said or "the rows gave no more tokens" in said
    folder = run(loaded)
    scores = read_json(folder.scores)
    assert [each["name"] for each in scores["systems"]] == ["S0", "S0-cut", "copy", "S1"]
    assert scores["differences"]["S1"]["chrf++"]["against"] == "copy"  # random weights are no rival
    assert "best baseline (copy)" in folder.summary.read_text(encoding="utf-8")
    (job / "fresh").rename(job / "moved")
    assert "copy" in [each.name for each in read_systems(folder)]
    (job / "moved").rename(job / "fresh")
    with pytest.raises(UserError, match="it is there already"):
        scratch(loaded, SMALL)


def test_only_a_folder_can_be_made(job):
    with pytest.raises(UserError, match="does not name a folder to be made"):
        scratch(load_recipe("recipe.yaml", ["model.name=owner/name"]), {})
    with pytest.raises(RecipeError, match="vocabulary"):
        scratch(load_recipe("recipe.yaml", GIVEN), {"vocabulary": 3})

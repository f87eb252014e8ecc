"""Which engine translated is kept with a run and shown; a changing model stays on transformers."""

import pytest

from dubash.core.run import RunFolder
from dubash.engine.choose import ChosenEngine
from dubash.engine.transformers import TransformersEngine
from dubash.model.load import load_base
from dubash.recipe.load import load_recipe, read_resolved
from dubash.report.html import write_report
from dubash.stages.common import make_translator
from dubash.stages.evaluate import evaluate_run
from dubash.stages.run import run

pytest.importorskip("ctranslate2")


def test_a_run_notes_the_engine_of_each_system_and_its_report_shows_it(own_run):
    folder = RunFolder(own_run)
    assert folder.read_manifest()["engines"] == {"S0": "ctranslate2 int8", "S1": "ctranslate2 int8"}
    assert "ctranslate2 int8 (S0, S1)" in write_report(folder).read_text(encoding="utf-8")
    folder.note(engines={"S0": "ctranslate2 int8", "S1": "transformers fp32"})
    page = write_report(folder).read_text(encoding="utf-8")
    assert "ctranslate2 int8 (S0)" in page
    assert "transformers fp32 (S1)" in page


def test_the_engine_is_the_recipes(job):
    folder = run(load_recipe("recipe.yaml", ["generate.engine=transformers"]))
    assert set(folder.read_manifest()["engines"].values()) == {"transformers fp32"}


def test_where_one_system_is_left_to_transformers_the_other_is_translated_again(own_run, capsys):
    """The gain of S1 over S0 must not be that of fp32 over int8."""
    folder = RunFolder(own_run)
    folder.note(engines={"S0": "ctranslate2 int8", "S1": "transformers fp32"})
    evaluate_run(own_run)
    assert set(folder.read_manifest()["engines"].values()) == {"transformers fp32"}
    assert "S0 by transformers as well" in capsys.readouterr().err
    evaluate_run(own_run)
    assert "as well" not in capsys.readouterr().err


def test_a_model_in_training_is_served_by_transformers(own_run):
    recipe = read_resolved(RunFolder(own_run).recipe)
    loaded = load_base(recipe.model)
    assert isinstance(make_translator("S0", recipe, loaded).engine, ChosenEngine)
    changing = make_translator("dev", recipe, loaded, plain=True)
    assert isinstance(changing.engine, TransformersEngine)


@pytest.mark.parametrize("method", ["qlora", "lora-int8"])
def test_a_quantised_method_keeps_both_systems_on_transformers(own_run, method):
    recipe = read_resolved(RunFolder(own_run).recipe)
    other = recipe.model_copy(update={"method": recipe.method.model_copy(update={"name": method})})
    translator = make_translator("S0", other, load_base(other.model))
    translator.translate(["Good morning!"])
    assert translator.engine.label == "transformers fp32"

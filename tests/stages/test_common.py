"""Run folders: one recipe each, phases with their time."""

import json
import time

import pytest
import yaml

from dubash.core.errors import RecipeError, UserError
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe, read_resolved
from dubash.stages.common import (
    alone_in,
    already_made,
    meaning,
    note_made,
    open_run,
    phase,
    refuse_other_recipe,
    run_folder,
)

BASE = {
    "languages": {"source": "en", "target": "es"},
    "data": {"train": ["rows.csv"]},
    "model": {"name": "./tiny"},
    "run": {"name": "first"},
}


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(BASE))

    def load(*overrides):
        return load_recipe("recipe.yaml", overrides)

    return load


def something_was_made(run: RunFolder) -> None:
    run.hypotheses("S0").parent.mkdir()
    run.hypotheses("S0").write_text("")


def test_a_run_folder_holds_the_recipe_as_it_ran(load):
    run = open_run(load("train.seed=7"))
    assert run.path == run_folder(load()).path
    assert str(run.path) == "runs/first"
    assert read_resolved(run.recipe) == load("train.seed=7").recipe
    manifest = run.read_manifest()
    assert manifest["name"] == "first"
    assert manifest["seed"] == 7
    assert {"versions", "machine", "commit"} <= set(manifest)


def test_settings_may_change_until_something_was_made_with_them(load):
    run = open_run(load())
    open_run(load("model.name=./other"))
    assert read_resolved(run.recipe).model.name == "./other"
    something_was_made(run)
    with pytest.raises(RecipeError, match=r"made with model\.name: \./other, not \./tiny\. Take"):
        open_run(load())
    assert read_resolved(run.recipe).model.name == "./other"


@pytest.mark.parametrize("made", ["checkpoints", "model", "translations"])
def test_whatever_was_made_binds_the_recipe(load, made):
    run = open_run(load())
    (run.path / made).mkdir()
    with pytest.raises(RecipeError, match="run was made with"):
        refuse_other_recipe(run, load("train.seed=2").recipe)
    refuse_other_recipe(run, load().recipe)


@pytest.mark.parametrize(
    "override",
    ["train.pass_tokens=99", "model.gradient_checkpointing=true", "run.folder=./runs",
     "train.tensorboard=true",
     "evaluate.glossary=terms.csv"],
)  # fmt: skip
def test_a_run_goes_on_with_other_settings_of_memory_and_speed_and_another_glossary(load, override):
    run = open_run(load())
    something_was_made(run)
    open_run(load(override))
    before, after = load().recipe, load(override).recipe
    assert meaning(before.model) == meaning(after.model)
    assert meaning(before.train) == meaning(after.train)
    assert meaning(before.train) != meaning(load("train.seed=2").recipe.train)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.max_steps=5", "train.max_steps: unset, not 5"),
        ("generate.stop_strings=[x]", "generate.stop_strings.0: unset, not x"),
        ("data.train=[rows.csv, more.csv]", "data.train.1.path: unset, not more.csv"),
        ("data.train=[other.csv]", "data.train.0.path: rows.csv, not other.csv"),
        ("languages.target=fr", "languages.target: es, not fr"),
    ],
)
def test_a_difference_is_named_by_its_key(load, override, said):
    run = open_run(load())
    something_was_made(run)
    with pytest.raises(RecipeError) as refused:
        refuse_other_recipe(run, load(override).recipe)
    assert said in str(refused.value)
    assert "more settings" not in str(refused.value)


def test_a_run_may_be_moved(load, tmp_path):
    run = open_run(load())
    something_was_made(run)
    run.path.rename(tmp_path / "kept")
    refuse_other_recipe(RunFolder(tmp_path / "kept"), load("run.folder=.", "run.name=kept").recipe)


# -- phases --------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "first")
    run.note(name="first")
    return run


def seconds(run, name):
    return run.read_manifest()["phases"][name]


def work(run, name, **settings):
    with phase(run, name, **settings):
        time.sleep(0.05)


def test_phases_are_timed_in_their_order(run, capsys):
    work(run, "prepare")
    work(run, "train")
    assert list(run.read_manifest()["phases"]) == ["prepare", "train"]
    assert 0.05 <= seconds(run, "train") < 5
    assert capsys.readouterr().err == "▸ prepare\n  prepare: 0s\n▸ train\n  train: 0s\n"
    json.dumps(run.read_manifest())


def test_a_resumed_phase_adds_and_one_done_afresh_replaces(run):
    run.note(phases={"train": 100.0, "evaluate": 100.0})
    work(run, "train")
    work(run, "evaluate", afresh=True)
    assert seconds(run, "train") > 100
    assert seconds(run, "evaluate") < 5


def test_a_phase_that_fails_has_its_time_but_no_end(run, capsys):
    with pytest.raises(RecipeError), phase(run, "train"):
        raise RecipeError("no")
    assert seconds(run, "train") >= 0
    assert capsys.readouterr().err == "▸ train\n"


def test_a_phase_that_fails_before_anything_was_written_makes_no_folder(tmp_path):
    with pytest.raises(RecipeError), phase(RunFolder(tmp_path / "first"), "prepare"):
        raise RecipeError("no")
    assert list(tmp_path.iterdir()) == []


def test_what_was_made_of_the_same_is_kept_and_of_another_refused(load):
    run = open_run(load())
    assert not already_made(run, "train", run.model, "these rows")
    note_made(run, "train", "these rows")
    run.model.mkdir()
    assert already_made(run, "train", run.model, "these rows")
    with pytest.raises(UserError, match="made with other rows or settings"):
        already_made(run, "train", run.model, "those rows")


def test_two_commands_do_not_work_in_one_run(load, monkeypatch):
    with alone_in(run_folder(load()).path):
        with (
            pytest.raises(UserError, match="another dubash is working in this run"),
            alone_in(run_folder(load()).path),
        ):
            pass
        with alone_in(run_folder(load("run.name=other")).path):
            pass
        monkeypatch.setenv("RANK", "1")  # the second of several processes of one command
        with alone_in(run_folder(load()).path):
            pass
    monkeypatch.delenv("RANK")
    with alone_in(run_folder(load()).path):
        pass

"""The other commands, called in this process: prepare, recipe, doctor, the demo's closing words."""

import json

import pytest
import yaml

from dubash.core.errors import DataError, RecipeError
from dubash.core.files import read_jsonl
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe, read_resolved, shipped
from dubash.stages.demo import show_minutes, show_samples
from dubash.stages.doctor import doctor
from dubash.stages.prepare import prepare
from dubash.stages.recipe import list_recipes, print_schema, show


def test_prepare_says_what_became_of_the_rows(job, capsys):
    with (job / "rows.csv").open("a", encoding="utf-8") as handle:
        handle.write("Same,Same\n,nada\n")
    run, prepared = prepare(load_recipe("recipe.yaml"))
    said = capsys.readouterr().err
    assert "  read 62 rows; kept as:\n" in said
    assert "    test      12 rows\n" in said
    assert f"    dropped {1:6} empty\n" in said
    assert len(prepared.test) == 12
    assert {path.name for path in run.path.iterdir()} == {"data", "manifest.json", "recipe.yaml"}
    account = json.loads((run.data / "account.json").read_text(encoding="utf-8"))
    assert sum(account["dropped"].values()) == 2


def test_prepare_warns_of_short_segments_in_common(job, capsys):
    rows = [("Of course", "Por supuesto."), ("By all means", "¡Por supuesto!")]
    for name, row in zip(("more.csv", "test.csv"), rows, strict=True):
        (job / name).write_text("source,target\n" + ",".join(row) + "\n", encoding="utf-8")
    given = ["data.train=[rows.csv, more.csv]", "data.test=[test.csv]", "data.dev_rows=0"]
    prepare(load_recipe("recipe.yaml", [*given, "train.evaluate_every=null"]))
    said = capsys.readouterr().err
    assert (
        "    warning: 1 row of test with the same short segment (< 20 characters) as train\n"
        in said
    )
    prepare(load_recipe("recipe.yaml", ["run.name=second"]))
    assert "warning" not in capsys.readouterr().err


def test_a_runs_own_recipe_can_be_run_again(job):
    run, first = prepare(load_recipe("recipe.yaml"))
    assert "path: ../../rows.csv" in run.recipe.read_text(encoding="utf-8")
    _, again = prepare(load_recipe(str(run.recipe)))
    assert again == first
    _, other = prepare(load_recipe(str(run.recipe), ["run.name=second"]))
    assert other.test == first.test


@pytest.mark.parametrize("extends", [False, True])
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("indic-sft-7b", "data/indic-alpaca-hi.jsonl"),
        ("gemma3-1b-edge", "data/indic-alpaca-hi.jsonl"),
        ("en-hi-mt5-csv", "data/translation_data.csv"),
    ],
)
def test_the_data_that_a_shipped_recipe_does_not_bring_is_asked_for(
    name, file, extends, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if extends:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "recipe.yaml").write_text(f"extends: {name}\n")
        name = "own/recipe.yaml"
    with pytest.raises(DataError, match=f"{file}: no such file: .* it is yours to bring") as told:
        prepare(load_recipe(name))
    assert "seen from the current folder" in str(told.value)
    with pytest.raises(DataError, match="on the command line from this one"):
        prepare(load_recipe(name, [f"data.train=[{{path: my{file[-5:]}}}]"]))


def test_prepared_data_is_used_again(job):
    run, first = prepare(load_recipe("recipe.yaml"))
    before = run.split("train").stat().st_mtime_ns
    _, again = prepare(load_recipe("recipe.yaml"))
    assert run.split("train").stat().st_mtime_ns == before
    assert again == first


def test_rows_are_frozen_anew_until_something_was_made_with_them(job, capsys):
    run, _ = prepare(load_recipe("recipe.yaml"))
    capsys.readouterr()
    _, fewer = prepare(load_recipe("recipe.yaml", ["data.test_rows=9"]))
    assert len(fewer.test) == len(run.split("test").read_text().splitlines()) == 9
    assert (
        "\n  the rows are frozen anew: data.test_rows is another; nothing was made with them yet\n"
    ) in capsys.readouterr().err
    assert read_resolved(run.recipe).data.test_rows == 9
    with run.split("test").open("a", encoding="utf-8") as handle:
        handle.write('{"source": "a", "target": "b", "document": "", "origin": ""}\n')
    with pytest.raises(DataError, match="the frozen rows have been changed"):
        prepare(load_recipe("recipe.yaml"))


@pytest.mark.parametrize("made", ["translations", "checkpoints", "model"])
def test_frozen_rows_do_not_change_under_what_was_made_with_them(job, made):
    run, _ = prepare(load_recipe("recipe.yaml"))
    (run.path / made).mkdir()
    with (job / "rows.csv").open("a", encoding="utf-8") as handle:
        handle.write("One more.,Una más.\n")
    with pytest.raises(DataError, match=r"would change: the file rows\.csv has changed"):
        prepare(load_recipe("recipe.yaml"))
    with pytest.raises(RecipeError, match=r"was made with data\.test_rows: 12, not 9"):
        prepare(load_recipe("recipe.yaml", ["data.test_rows=9"]))


def test_recipes_are_listed_with_what_they_are(capsys):
    list_recipes()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped())
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in lines)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_recipe_shown_is_a_recipe_that_means_the_same(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    show(name, ["train.seed=7"])
    text = capsys.readouterr().out
    (tmp_path / "shown.yaml").write_text(text, encoding="utf-8")
    again = load_recipe("shown.yaml").recipe
    assert again == load_recipe(name, ["train.seed=7"]).recipe
    assert yaml.safe_load(text)["train"]["seed"] == 7


def test_a_recipe_that_is_not_there(capsys):
    with pytest.raises(RecipeError, match=r"no recipe 'dem'.* Did you mean 'demo'\?"):
        show("dem", [])


def test_the_schema_knows_every_key(capsys):
    print_schema()
    schema = json.loads(capsys.readouterr().out)
    assert set(load_recipe("demo").recipe.model_dump()) < set(schema["properties"])
    assert "extends" in schema["properties"]


def test_doctor_speaks_of_this_machine(capsys):
    doctor()
    out = capsys.readouterr().out
    assert "torch 2." in out
    assert "cores" in out
    assert "methods" in out


def test_the_demo_shows_rows_from_the_worst_to_the_best(finished_run, capsys):
    show_samples(RunFolder(finished_run))
    out = capsys.readouterr().out
    rows = sorted(read_jsonl(finished_run / "rows.jsonl"), key=lambda row: row["gain"])
    shown = [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith("  source")]
    assert len(shown) == 5
    assert shown[0] == rows[0]["source"]
    assert shown[-1] == rows[-1]["source"]


def test_the_demo_says_where_the_time_went(finished_run, capsys):
    show_minutes(RunFolder(finished_run))
    out = capsys.readouterr().out
    for name in ("prepare", "translate S0", "train", "translate S1", "evaluate", "all"):
        assert f"  {name} " in out
    assert f"dubash translate {finished_run} 'Good morning!'" in out


def test_the_demo_s_times_stand_in_one_column(own_run, capsys):
    run = RunFolder(own_run)
    phases = run.read_manifest()["phases"]
    run.note(phases={**phases, "translate S0-shots": 41.0})  # longer than the other names
    show_minutes(run)
    lines = capsys.readouterr().out.split("where the time went:\n")[1].split("\n\n")[0]
    assert "  translate S0-shots 41s" in lines
    assert len({line.rindex(" ") for line in lines.splitlines()}) == 1

"""What a user can get wrong is one clear line, exit 2, and nothing half-written."""

from __future__ import annotations

import json
import shutil

import pytest

from cli.process import assert_one_error, change, dubash
from dubash.recipe.load import read_resolved
from stages.small import whole_files_only, write_rows


def entry(**settings: object) -> str:
    return f"data.train={json.dumps([settings])}"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        pytest.param(
            [entry(path="names.csv", columns={"source": "englsh", "target": "spanish"})],
            ["names.csv:1", "no column 'englsh'", "Did you mean 'english'?"],
            id="wrong column names",
        ),
        pytest.param([entry(path="names.csv", columns={"source": 0, "target": 2})],
                     ["names.csv", "no column 2"], id="wrong column number"),
        pytest.param([entry(path="empty.csv")], ["empty.csv: the file is empty"], id="empty file"),
        pytest.param([entry(path="header.csv")], ["header.csv: no rows"], id="only a header"),
        pytest.param([entry(path="binary.csv")], ["binary.csv", "not a text file"], id="binary"),
        pytest.param([entry(path="row.csv")], ["row.csv: no such file. Did you mean 'rows.csv'?"],
                     id="missing file"),
        pytest.param([entry(path="runs.csv")], ["runs.csv", "a folder"], id="a folder"),
        pytest.param(["train.epoch=2"],
                     ["train.epoch", "unknown key 'epoch'", "Did you mean 'epochs'?"],
                     id="unknown key"),
        pytest.param(["train.epochs=two"], ["train.epochs", "number"], id="wrong value"),
        pytest.param(["train.epochs"], ["'train.epochs' is no setting"], id="no override"),
        pytest.param(["languages.target=spanish"], ["unknown language code 'spanish'"],
                     id="unknown language"),
        pytest.param(["run.name=../first"], ["run.name"], id="a name that leaves the folder"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_and_leaves_nothing(job, overrides, words):
    write_rows(job / "names.csv", ("english", "spanish"))
    (job / "empty.csv").write_text("")
    (job / "header.csv").write_text("source,target\n")
    (job / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (job / "runs.csv").mkdir()
    done = dubash("run", "recipe.yaml", *overrides, at=job)
    assert_one_error(done, *words)
    assert done.stdout == ""
    assert not (job / "runs").exists()


def test_a_csv_with_other_column_names_is_not_read_as_if_it_had_no_header(job):
    write_rows(job / "rows.csv", ("left", "right"))
    done = dubash("prepare", "recipe.yaml", at=job)
    assert_one_error(done, "rows.csv", "'left', 'right'")


@pytest.mark.parametrize("name", ["recipe", "nowhere.yaml", "."])
def test_a_missing_recipe_is_one_line(job, name):
    assert_one_error(dubash("run", name, at=job), name)


def test_a_key_that_is_not_known_names_its_line(job):
    change(job, "dev_rows", "dev_row")
    assert_one_error(
        dubash("run", "recipe.yaml", at=job),
        "recipe.yaml:4: data.dev_row: unknown key 'dev_row'. Did you mean 'dev_rows'?",
    )


def test_debug_shows_the_traceback(job):
    done = dubash("--debug", "run", "recipe.yaml", "data.train=[row.csv]", at=job)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("./nothing", ["nothing: no such folder"], marks=pytest.mark.slow),
        pytest.param(
            "some-owner/some-model",
            ["not in the hub's cache", "HF_HUB_OFFLINE is set"],
            marks=pytest.mark.slow,
        ),
        ("./cut", ["model.safetensors: cut short or not safetensors"]),
    ],
)
def test_a_model_that_is_not_there_is_one_line_and_the_data_is_kept(job, model, name, words):
    shutil.copytree(model, job / "cut")
    whole = (model / "model.safetensors").read_bytes()
    (job / "cut" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    done = dubash("run", "recipe.yaml", f"model.name={name}", at=job)
    assert_one_error(done, *words)
    run = job / "runs" / "first"
    assert {path.name for path in run.iterdir()} == {"data", "manifest.json", "recipe.yaml"}
    assert whole_files_only(run)
    # nothing was made with it, so the name may be mended, and the frozen rows are used
    frozen = (run / "data" / "test.jsonl").stat().st_mtime_ns
    again = dubash("prepare", "recipe.yaml", at=job)
    assert again.returncode == 0, again.stderr
    assert read_resolved(run / "recipe.yaml").model.name == str(model)
    assert (run / "data" / "test.jsonl").stat().st_mtime_ns == frozen


def test_a_run_made_with_other_settings_is_refused_and_left_alone(finished, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(finished[0], folder)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    done = dubash("run", "recipe.yaml", "train.max_steps=5", "generate.max_new_tokens=9", at=folder)
    assert_one_error(
        done, "runs/first: the run was made with generate.max_new_tokens: 24, not 9",
        "settings that differ: 2", "Take another run.name",
    )  # fmt: skip
    done = dubash("run", "recipe.yaml", "data.train=[{path: rows.csv, format: csv}]", at=folder)
    assert_one_error(done, "was made with data.train.0.format: unset, not csv")
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before

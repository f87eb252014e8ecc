"""A whole run and the light commands, as a user meets them: what is said and left behind."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

import pytest

from cli.process import dubash
from dubash.core.files import read_json, read_jsonl
from dubash.recipe.load import load_recipe, read_resolved
from dubash.train.checkpoint import is_whole
from stages.small import ROWS, TEST_ROWS, whole_files_only


def test_a_run_leaves_everything_and_it_agrees(finished):
    folder, done = finished
    assert done.returncode == 0, done.stderr
    run = folder / "runs" / "first"
    assert {path.name for path in run.iterdir()} == {
        "recipe.yaml", "manifest.json", "data", "metrics.jsonl", "checkpoints", "model",
        "translations", "scores.json", "rows.jsonl", "report.html", "report.md",
    }  # fmt: skip
    assert whole_files_only(run)

    test = list(read_jsonl(run / "data" / "test.jsonl"))
    account = read_json(run / "data" / "account.json")
    assert len(test) == TEST_ROWS
    assert account["read"] == ROWS
    assert (
        sum(split["rows"] for split in account["splits"].values())
        + sum(account["dropped"].values())
        == ROWS
    )
    for system in ("S0", "S1"):
        hypotheses = list(read_jsonl(run / "translations" / f"{system}.jsonl"))
        assert [row["source"] for row in hypotheses] == [row["source"] for row in test]
        assert len({row["text"] for row in hypotheses}) > 1
        assert all(row["stop"] in ("end", "limit") for row in hypotheses)
    scores = read_json(run / "scores.json")
    assert [system["name"] for system in scores["systems"]] == ["S0", "S0-cut", "S1"]
    rows = list(read_jsonl(run / "rows.jsonl"))
    assert [row["reference"] for row in rows] == [row["target"] for row in test]

    assert (run / "model" / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert (run / "model" / "adapter_model.safetensors").exists()
    assert all(is_whole(path) for path in (run / "checkpoints").iterdir())
    steps = [row["step"] for row in read_jsonl(run / "metrics.jsonl") if row["kind"] == "train"]
    assert steps == [1, 2, 3, 4]
    assert "</html>" in (run / "report.html").read_text(encoding="utf-8")
    assert read_resolved(run / "recipe.yaml") == load_recipe(str(folder / "recipe.yaml")).recipe
    assert load_recipe(str(run / "recipe.yaml")).recipe.run.name == "first"
    manifest = read_json(run / "manifest.json")
    assert list(manifest["phases"]) == [
        "prepare", "check", "translate S0", "train", "translate S1", "evaluate", "report",
    ]  # fmt: skip
    assert manifest["training"]["steps"] == 4


def test_a_run_shows_a_short_table_and_where_the_report_is(finished):
    folder, done = finished
    assert "S1 against S0" in done.stdout
    report, trial = done.stdout.splitlines()[-2:]
    assert report == "report: runs/first/report.html"
    command, arguments = trial.split(" translate ")
    assert command == "try it: dubash"
    again = dubash("translate", *shlex.split(arguments), at=folder)
    assert again.returncode == 0, again.stderr
    assert "▸ train\n" in done.stderr
    assert " · lowest dev loss so far\n" in done.stderr


def test_a_model_of_other_rows_is_refused_not_reused(finished, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(finished[0], folder)
    rows = (folder / "rows.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "rows.csv").write_text("".join(rows[:-6]), encoding="utf-8")
    shutil.rmtree(folder / "runs" / "first" / "data")
    done = dubash("run", "recipe.yaml", at=folder)
    assert done.returncode == 2
    assert "made with other rows or settings than the run has now" in done.stderr


def test_a_second_call_reuses_what_is_there(finished, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(finished[0], folder)
    run = folder / "runs" / "first"
    kept = ["recipe.yaml", "metrics.jsonl", "data", "model/adapter_model.safetensors",
            "checkpoints", "translations"]  # fmt: skip

    def contents():
        files = [path for name in kept for path in (run / name, *(run / name).rglob("*"))]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files
                if path.is_file()}  # fmt: skip

    before, scores = contents(), (run / "scores.json").read_bytes()
    done = dubash("run", "recipe.yaml", at=folder)
    assert done.returncode == 0, done.stderr
    assert contents() == before
    assert (run / "scores.json").read_bytes() == scores
    assert done.stderr.count("already done, kept") == 3
    assert done.stdout == finished[1].stdout


# -- light commands ------------------------------------------------------------------------------

NO_TORCH = """
import sys
sys.argv = ["dubash", *{arguments}]
from dubash.cli import main
try:
    main()
except SystemExit as left:
    assert left.code == 0, left.code
heavy = {{"torch", "transformers", "peft", "accelerate", "sacrebleu"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "arguments",
    [["run", "--help"], ["--version"], ["recipe", "list"],
     ["recipe", "show", "demo", "train.seed=7"], ["recipe", "schema"]],
    ids=" ".join,
)  # fmt: skip
def test_light_commands_load_no_torch(arguments, tmp_path):
    program = NO_TORCH.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_doctor_says_what_is_there(tmp_path):
    done = dubash("doctor", at=tmp_path)
    assert done.returncode == 0, done.stderr
    named = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert {"dubash", "processor", "memory", "disk", "GPU", "runs on", "methods"} <= set(named)

"""`dubash plan` through its stage: what it counts, assumes, writes (nothing) and answers."""

import json
import re

import pytest
from typer.testing import CliRunner

from dubash.cli import app
from dubash.core.errors import RecipeError, TrainingError
from dubash.core.run import RunFolder
from dubash.model.footprint.devices import device_names
from dubash.recipe.load import load_recipe
from dubash.stages.plan import DOES_NOT_FIT, as_numbers, make_plan
from dubash.stages.workload import SAMPLE, WHOLE


def numbers(recipe, *overrides, device="h200"):
    return as_numbers(make_plan(load_recipe(str(recipe), list(overrides)), device))


def test_the_published_counts_are_printed_and_what_is_missing_is_assumed():
    for name, trainable in (("indic-sft-7b", 80_740_352), ("en-ja-qlora", 8_798_208)):
        found = numbers(name)
        assert found["trainable"] == trainable
        assert found["configuration"] == "what ships with dubash"
        assert "not here" in found["data"]["origin"]
        assert not found["data"]["exact"]
        assert found["disk"]["parts"]["base model to fetch"] > 10**8
    assert found["steps"] == 400


def test_rows_steps_and_tokens_are_those_of_the_run(job, finished_run):
    run = RunFolder(finished_run)
    before = sorted(job.iterdir())
    found = numbers("recipe.yaml", "train.max_steps=4", device=None)
    training = run.read_manifest()["training"]
    assert found["data"]["exact"]
    assert found["data"]["rows"] == len(run.split("train").read_text().splitlines())
    assert (found["steps"], found["tokens"]) == (training["steps"], training["tokens"])
    assert found["trainable"] == run.read_manifest()["model"]["trainable"]
    assert found["fits"]
    assert found["disk"]["parts"]["base model to fetch"] == 0
    assert sorted(job.iterdir()) == before  # nothing is written


def test_a_run_that_is_there_is_planned_by_its_rows(finished_run):
    found = numbers(finished_run / "recipe.yaml", f"run.folder={finished_run.parent}")
    assert found["data"]["origin"] == "the run's rows"


def test_without_its_tokenizer_tokens_are_reckoned_from_characters(job):
    found = numbers("recipe.yaml", "model.name=google/gemma-3-270m-it", "model.dtype=auto")
    assert "from characters" in found["data"]["origin"]
    assert not found["data"]["exact"]
    assert found["tokens"] > 0


def test_long_data_is_sampled(job, small_model):
    with (job / "long.csv").open("w", encoding="utf-8") as handle:
        handle.write("source,target\n")
        for row in range(WHOLE + 500):
            handle.write(f"this is sentence number {row} of it,esta es la frase {row} de ello\n")
    loaded = load_recipe("recipe.yaml", ["data.train=[long.csv]"])
    found = as_numbers(make_plan(loaded, "h200"))
    assert f"{SAMPLE:,} rows drawn" in found["data"]["origin"]
    assert found["data"]["rows"] == WHOLE + 500 - 8 - 12


@pytest.mark.parametrize("limits", [
    ("train.max_steps=null",), ("train.max_steps=3",), ("train.max_steps=1000", "train.epochs=2"),
    ("train.max_steps=null", "train.max_tokens=1500"),
    ("train.max_steps=null", "train.max_tokens=3000", "train.epochs=1"),
])  # fmt: skip
def test_of_many_rows_some_are_counted_and_the_steps_come_out_alike(job, monkeypatch, limits):
    given = ("train.batch_size=2", "train.accumulation=1", *limits)
    whole = numbers("recipe.yaml", *given)
    monkeypatch.setattr("dubash.stages.plan.MOST_ROWS", 10)
    part = numbers("recipe.yaml", *given)
    assert part["steps"] == pytest.approx(whole["steps"], abs=1, rel=0.2)
    assert part["tokens"] == pytest.approx(whole["tokens"], rel=0.2)


def test_a_trimmed_vocabulary_is_planned_with():
    whole, less = (
        numbers("en-hi-mt5-full", *more) for more in ([], ["model.trim={}"])
    )  # fmt: skip
    assert whole["parameters"] == 300_176_768
    assert less["parameters"] == 300_176_768 - 2 * 512 * (250_112 - 32_768)
    assert "not yet counted" in less["vocabulary"]
    assert less["memory"]["peak"] < whole["memory"]["peak"]


def test_with_rows_and_tokenizer_the_tokens_that_stay_are_counted(job):
    plain = numbers("recipe.yaml")
    found = numbers("recipe.yaml", "model.trim={unchanged: 0}")
    assert "counted on 40 rows" in found["vocabulary"]
    assert found["parameters"] < plain["parameters"]


def test_what_does_not_fit_says_what_would_and_exits_with_1(job, monkeypatch):
    monkeypatch.setattr("dubash.model.footprint.devices.free_memory", lambda: 100)
    monkeypatch.setattr("dubash.plan.fitting.has_bitsandbytes", lambda: False)
    done = CliRunner().invoke(app, ["plan", "recipe.yaml"], catch_exceptions=False)
    assert done.exit_code == DOES_NOT_FIT
    assert "it does not fit" in done.stdout.splitlines()[-1]
    assert "no change" in done.stdout


@pytest.mark.slow
def test_changes_are_settings_as_they_stand(job):
    done = CliRunner().invoke(
        app, ["plan", "indic-sft-0.5b", "--device", "4GB-edge", "--json"], catch_exceptions=False
    )
    assert done.exit_code == DOES_NOT_FIT
    found = json.loads(done.stdout[done.stdout.index("{") :])
    (change, *_) = found["changes"]
    assert change["needed"] <= found["device"]["memory"] < found["memory"]["needed"]
    assert load_recipe("indic-sft-0.5b", change["settings"])


def test_the_table_ends_with_the_verdict(job):
    done = CliRunner().invoke(app, ["plan", "recipe.yaml"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("it fits: ")
    for words in ("trainable", "weights", "steps", "time of training", "checkpoints"):
        assert words in done.stdout
    there = CliRunner().invoke(app, ["plan", "recipe.yaml", "--device", "t4"])
    assert "never" in there.stdout


def row(table: str, name: str) -> str:
    """What stands in the second column of a row of the table."""
    line = next(each for each in table.splitlines() if re.match(rf" *{name}  ", each))
    return re.split(r"  +", line.strip())[1]


def test_the_rows_add_up_to_what_the_verdict_says(monkeypatch):
    """Over 4 bits the file stays mapped, for the embeddings in it: counted, and not needed."""
    monkeypatch.setenv("COLUMNS", "200")
    done = CliRunner().invoke(app, ["plan", "en-ja-qlora"])
    table = done.stdout.partition("memory at its peak\n")[2].partition("work\n")[0]
    parts = re.findall(r"^  \S.+?  +([\d.]+) (GB|MB)", table, re.MULTILINE)
    total = sum(float(size) / (1 if unit == "GB" else 1000) for size, unit in parts)
    in_all, needed, file = (
        float(row(table, name).removesuffix(" GB"))
        for name in ("in all", "needed", "the weights' file, mapped")
    )
    assert total == pytest.approx(in_all, abs=0.05)
    assert needed == pytest.approx(in_all - file, abs=0.011)
    assert f" {needed:.2f} GB of " in done.stdout.splitlines()[-1]


def test_what_is_needed_stands_in_the_json_by_part():
    found = numbers("en-ja-qlora", device=None)["memory"]
    assert found["needed"] == sum(found["needed_parts"].values()) < found["peak"]
    assert found["peak"] == sum(found["parts"].values())


def test_with_several_processes_memory_is_that_of_each(job):
    one, four = (
        numbers("recipe.yaml", f"train.processes={processes}", device=None)["device"]["memory"]
        for processes in (1, 4)
    )
    assert four == pytest.approx(one / 4, rel=0.2)  # what is free moves between the two
    done = CliRunner().invoke(app, ["plan", "recipe.yaml", "train.processes=4"])
    assert "memory at its peak, for each of 4 processes" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("on this machine, for each of 4 processes")


def test_a_devices_memory_is_what_its_maker_says(job):
    done = CliRunner().invoke(app, ["plan", "recipe.yaml", "--device", "t4"])
    assert row(done.stdout, "of") == "16.00 GB"


def test_state_in_a_file_is_planned_for_a_cpus_disk_only(job, monkeypatch):
    on_disk = "train.optimizer=adamw-disk"
    with pytest.raises(TrainingError, match=r"adamw-disk is for a CPU, and .* is a GPU"):
        numbers("recipe.yaml", on_disk, device="t4")
    monkeypatch.setattr("dubash.train.disk._file_system", lambda _folder: "tmpfs")
    with pytest.raises(TrainingError, match=r"run\.folder: its folder lies in memory \(tmpfs\)"):
        numbers("recipe.yaml", on_disk, device=None)


def test_an_unknown_device_is_refused():
    for name in ("abacus", "a100"):
        with pytest.raises(RecipeError, match=f"--device: no device '{name}' is known.") as told:
            numbers("indic-sft-7b", device=name)
        assert all(each in str(told.value) for each in device_names())

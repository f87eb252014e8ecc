"""`dubash metrics`, and metrics in a run: told beforehand, blank where they cannot be."""

import sys

import pytest
import yaml

from dubash.core.errors import MetricError, RecipeError
from dubash.core.files import read_json, read_jsonl
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe, read_resolved
from dubash.stages.evaluate import evaluate_files, evaluate_run
from dubash.stages.metrics import install, list_metrics
from dubash.stages.run import run

LENGTHS = """\
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(len(row["hypothesis"]) - len(row["reference"]))
"""


@pytest.fixture
def command(tmp_path):
    """A metric of one's own, as a setting on the command line."""
    (tmp_path / "gap.py").write_text(LENGTHS)
    words = [sys.executable, str(tmp_path / "gap.py")]
    entry = {"name": "gap", "command": words, "higher_is_better": False}
    return f"evaluate.commands={yaml.safe_dump([entry], default_flow_style=True, width=1000)}"


def test_the_list_says_what_is_missing_and_how_to_get_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path))
    list_metrics()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["ter"].startswith("there")
    assert lines["comet"] == lines["cometkiwi"] == "missing: dubash metrics install comet"


def test_nothing_but_comet_comes_apart():
    with pytest.raises(MetricError, match=r"nothing to install for 'bleurt'\. Only comet"):
        install("bleurt")


def test_a_python_for_which_it_is_not_made_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    monkeypatch.setattr("dubash.core.environment.sys", _Thirteen)
    with pytest.raises(
        MetricError, match=r"not built for Python 3\.13\. Install and run dubash by"
    ):
        install("comet")


class _Thirteen:
    class version_info:  # noqa: N801
        major, minor = 3, 13


def test_a_run_names_blank_metrics_first_and_gives_all_others(job, capsys, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(job / "cache"))
    loaded = load_recipe("recipe.yaml", ["evaluate.metrics=[bleu,chrf++,ter,comet]"])
    folder = run(loaded)
    printed = capsys.readouterr()
    why = "COMET is not installed. Install it: dubash metrics install comet"
    assert printed.err.splitlines()[0] == f"  comet will stay blank: {why}"
    assert f"COMET: blank. {why}" in printed.out
    for system in read_json(folder.scores)["systems"]:
        assert system["scores"]["comet"] == {"value": None, "why": why}
        assert system["scores"]["ter"]["higher_is_better"] is False
    difference = read_json(folder.scores)["differences"]["S1"]
    assert set(difference) == {"bleu", "chrf++", "ter"}
    page = folder.report.read_text(encoding="utf-8")
    assert page.count(f"COMET is blank: {why}") == 1
    assert "edits for 100 words; lower is better" in page
    card = (folder.model / "README.md").read_text(encoding="utf-8")
    assert "| system | chrF++ | BLEU | TER | COMET | ended by itself | length ratio |" in card
    assert f"- COMET is blank: {why}" in card


def test_a_command_that_is_not_there_stops_a_run_before_it_begins(job, command):
    missing = command.replace(sys.executable, "no-such-python")
    with pytest.raises(MetricError, match="there is no program 'no-such-python'"):
        run(load_recipe("recipe.yaml", [missing]))
    assert not (job / "runs").exists()


def test_a_finished_run_takes_other_metrics_and_its_recipe_says_so(own_run, command, capsys):
    folder = RunFolder(own_run)
    before = read_resolved(folder.recipe)
    texts = folder.hypotheses("S1").read_bytes()
    evaluate_run(own_run, ["evaluate.metrics=[chrf++,ter]", command])
    out = capsys.readouterr().out
    assert "TER (edits for 100 words; lower is better): S0 " in out
    assert "gap (mean of rows; lower is better): S0 " in out
    after = read_resolved(folder.recipe)
    assert after.evaluate.metrics == ("chrf++", "ter")
    assert after.model_copy(update={"evaluate": before.evaluate}) == before
    assert folder.hypotheses("S1").read_bytes() == texts
    scores = {each["name"]: each["scores"] for each in read_json(folder.scores)["systems"]}
    gaps = [
        len(row["systems"]["S1"]["text"]) - len(row["reference"]) for row in read_jsonl(folder.rows)
    ]
    assert scores["S1"]["gap"]["value"] == pytest.approx(sum(gaps) / len(gaps))
    assert "bleu" not in scores["S1"]
    evaluate_run(own_run)
    assert read_resolved(folder.recipe) == after
    assert set(read_json(folder.scores)["differences"]["S1"]) == {"chrf++", "ter", "gap"}


def test_only_settings_of_the_evaluation_may_change_in_a_finished_run(own_run):
    recipe = RunFolder(own_run).recipe.read_bytes()
    for wrong, words in (
        ("train.epochs=9", "'train.epochs=9' is no setting of evaluate"),
        ("evaluate.metrics=[chrf++,bleurt]", "command line: evaluate.metrics.1: Input should be"),
        ("evaluate.metric=[chrf++]", r"unknown key 'metric'\. Did you mean 'metrics'"),
    ):
        with pytest.raises(RecipeError, match=words):
            evaluate_run(own_run, [wrong])
    assert RunFolder(own_run).recipe.read_bytes() == recipe


def test_a_run_may_go_on_with_other_metrics(job, small_model, capsys):
    first = run(load_recipe("recipe.yaml"))
    texts = first.hypotheses("S1").stat().st_mtime_ns
    run(load_recipe("recipe.yaml", ["evaluate.metrics=[bleu,chrf++,ter]"]))
    assert first.hypotheses("S1").stat().st_mtime_ns == texts
    assert "ter" in read_json(first.scores)["differences"]["S1"]


def test_files_take_them_too(tmp_path, command, capsys):
    for name, text in (("out", "Hola\nBuenos días\n"), ("ref", "Hola\nBuenas tardes\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    settings = ["evaluate.metrics=[chrf++,ter]", command]
    evaluate_files(tmp_path / "out", tmp_path / "ref", None, "es", settings)
    out = capsys.readouterr().out
    assert "TER (edits for 100 words; lower is better): out 66.7" in out
    assert "gap (mean of rows; lower is better): out −1.000" in out
    assert "|tok:tercom|" in out
    assert "gap|command:" in out

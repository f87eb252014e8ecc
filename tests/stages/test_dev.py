"""The dev rows: a view for choosing among settings, which uses up no test set."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from dubash.cli import app
from dubash.core.errors import ComparisonError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl, write_text
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.stages.compare import compare_runs
from dubash.stages.evaluate import evaluate_dev
from dubash.stages.looks import LOOKS
from dubash.stages.systems import read_systems

KEPT = ("scores.json", "rows.jsonl", "report.html", "report.md")


def files(folder):
    return {name: (folder / name).read_bytes() for name in KEPT if (folder / name).exists()}


@pytest.fixture
def seen(own_run):
    """A finished run whose dev rows were translated too."""
    evaluate_dev(own_run)
    return own_run


def test_the_dev_rows_are_translated_apart_and_are_no_look_at_the_test_rows(own_run, capsys):
    run, before = RunFolder(own_run), files(own_run)
    looked = (own_run.parent / LOOKS).read_bytes() if (own_run.parent / LOOKS).exists() else None
    test_made = run.hypotheses("S1").stat().st_mtime_ns
    evaluate_dev(own_run)
    dev = data.load(run.data).dev
    for name in ("S0", "S1"):
        path = own_run / "translations" / "dev" / f"{name}.jsonl"
        assert path == run.hypotheses(name, "dev")
        assert [row["source"] for row in read_jsonl(path)] == [row.source for row in dev]
    assert [each.name for each in read_systems(run, "dev")] == [
        each.name for each in read_systems(run)
    ]
    assert files(own_run) == before
    assert run.hypotheses("S1").stat().st_mtime_ns == test_made
    after = (own_run.parent / LOOKS).read_bytes() if (own_run.parent / LOOKS).exists() else None
    assert after == looked
    assert f"{len(dev)} dev rows, " in capsys.readouterr().out
    made = run.hypotheses("S1", "dev").stat().st_mtime_ns
    evaluate_dev(own_run)
    assert run.hypotheses("S1", "dev").stat().st_mtime_ns == made


def test_runs_are_compared_on_their_dev_rows_and_the_page_says_so(seen, tmp_path):
    second = seen.with_name("second")
    shutil.copytree(seen, second)
    run = RunFolder(second)
    text = run.recipe.read_text(encoding="utf-8")
    write_text(run.recipe, text.replace("learning_rate: 0.0002", "learning_rate: 0.0001"))
    rows = list(read_jsonl(run.hypotheses("S1", "dev")))
    references = [row.target for row in data.load(run.data).dev]
    write_jsonl(
        run.hypotheses("S1", "dev"),
        ({**row, "text": text} for row, text in zip(rows, references, strict=True)),
    )
    compare_runs([seen, second], [], tmp_path / "out", None, "dev")
    content = read_json(tmp_path / "out" / "compare.json")
    assert (content["on"], content["rows"], content["looks"]) == ("dev", len(references), 0)
    short = (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")
    assert short.startswith(f"On {len(references)} dev rows: second/S1 is best at 100.0 chrF++")
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    for text in (short, page):
        assert "chosen by them" in text
        assert "test row" not in text.replace("the test rows then say", "")


def test_a_test_set_that_was_looked_at_often_is_said_so(own_run, tmp_path):
    compare_runs([own_run], [], tmp_path / "out", None)
    assert "tuned models were scored" not in (tmp_path / "out" / "compare.md").read_text()
    looks = own_run.parent / LOOKS
    rows = read_json(own_run / "scores.json")["rows_fingerprint"]
    made = ({"rows": rows, "run": "x", "made": str(n)} for n in range(3))
    looks.write_text("".join(json.dumps(each) + "\n" for each in made), encoding="utf-8")
    compare_runs([own_run], [], tmp_path / "out", None)
    assert "3 tuned models were scored on these test rows" in (
        tmp_path / "out" / "compare.html"
    ).read_text(encoding="utf-8")


def test_what_was_not_translated_is_asked_for(own_run, tmp_path):
    with pytest.raises(UserError, match="no dev rows were translated in this run yet") as error:
        compare_runs([own_run], [], None, None, "dev")
    assert "--on dev" in str(error.value.fix)
    evaluate_dev(own_run)
    (tmp_path / "short.txt").write_text("one\n", encoding="utf-8")
    with pytest.raises(ComparisonError, match="dev rows: these are not the same rows"):
        compare_runs([own_run], [f"x={tmp_path / 'short.txt'}"], None, None, "dev")


def test_the_command_takes_no_settings_on_dev(own_run):
    asked = ["evaluate", str(own_run), "evaluate.metrics=[ter]", "--on", "dev"]
    done = CliRunner().invoke(app, asked)
    assert isinstance(done.exception, UserError)
    assert "with the run's own settings" in str(done.exception)

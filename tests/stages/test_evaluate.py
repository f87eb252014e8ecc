"""`dubash evaluate`: a run again, or any files."""

import pytest

from dubash.core.errors import ComparisonError, DataError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl
from dubash.core.run import RunFolder
from dubash.stages.evaluate import evaluate_files, evaluate_run
from dubash.stages.systems import read_systems


def test_a_run_evaluated_again_gives_the_same_scores(own_run, capsys):
    run = RunFolder(own_run)
    scores, rows = run.scores.read_bytes(), run.rows.read_bytes()
    seconds = run.read_manifest()["phases"]
    for path in (run.scores, run.rows, run.report):
        path.unlink()
    evaluate_run(own_run)
    assert (run.scores.read_bytes(), run.rows.read_bytes()) == (scores, rows)
    out = capsys.readouterr().out
    assert "S1 against S0" in out
    assert out.endswith(f"report: {run.report}\n")
    assert run.report.exists()
    for _ in range(3):
        evaluate_run(own_run)
    again = run.read_manifest()["phases"]
    assert again["evaluate"] < 3 * seconds["evaluate"] + 1, "looking again made the run longer"
    assert {**again, "evaluate": 0} == {**seconds, "evaluate": 0}


def test_missing_translations_are_made_and_the_others_kept(own_run):
    run = RunFolder(own_run)
    before = run.hypotheses("S0").stat().st_mtime_ns
    lost = [(row["text"], row["stop"]) for row in read_jsonl(run.hypotheses("S1"))]
    run.hypotheses("S1").unlink()
    evaluate_run(own_run)
    assert run.hypotheses("S0").stat().st_mtime_ns == before
    assert [(row["text"], row["stop"]) for row in read_jsonl(run.hypotheses("S1"))] == lost


def test_a_run_without_training_shows_its_base_alone(own_run, capsys):
    run = RunFolder(own_run)
    run.model.rename(run.path / "elsewhere")
    run.hypotheses("S1").unlink()
    evaluate_run(own_run)
    names = [each["name"] for each in read_json(run.scores)["systems"]]
    assert names == ["S0", "S0-cut"]
    assert "against" not in capsys.readouterr().out


def test_translations_of_other_rows_are_not_compared(own_run):
    run = RunFolder(own_run)
    rows = list(read_jsonl(run.hypotheses("S1")))
    scores = run.scores.read_bytes()
    write_jsonl(run.hypotheses("S1"), rows[::-1])
    with pytest.raises(ComparisonError):
        evaluate_run(own_run)
    write_jsonl(run.hypotheses("S1"), rows[:-1])
    with pytest.raises(ComparisonError):
        evaluate_run(own_run)
    assert run.scores.read_bytes() == scores


def test_changed_test_rows_are_refused(own_run):
    run = RunFolder(own_run)
    rows = list(read_jsonl(run.split("test")))
    write_jsonl(run.split("test"), [{**rows[0], "target": "otra cosa"}, *rows[1:]])
    with pytest.raises(DataError, match="the frozen rows have been changed"):
        evaluate_run(own_run)


def test_translations_that_were_tampered_with_are_named(own_run):
    path = RunFolder(own_run).hypotheses("S0")
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(DataError, match=r"S0\.jsonl:12: not a JSON object"):
        evaluate_run(own_run)


def test_systems_come_back_as_they_were_written(finished_run):
    systems = read_systems(RunFolder(finished_run))
    assert [(each.name, each.label) for each in systems] == [
        ("S0", "untuned model"), ("S1", "tuned model"),
    ]  # fmt: skip
    for system in systems:
        rows = read_jsonl(RunFolder(finished_run).hypotheses(system.name))
        assert [each.text for each in system.hypotheses] == [row["text"] for row in rows]


# -- any files -----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    def write(**contents):
        paths = {}
        for name, content in contents.items():
            paths[name] = tmp_path / name
            paths[name].write_bytes(content.encode() if isinstance(content, str) else content)
        return paths

    return write


def test_perfect_hypotheses_score_perfectly(files, capsys):
    paths = files(
        out="Buenos días a todos, amigos\nSí\nHasta luego a todos ustedes\n",
        ref="Buenos días a todos, amigos\nSí\nHasta luego a todos ustedes\n",
    )
    evaluate_files(paths["out"], paths["ref"], None, "es")
    out = capsys.readouterr().out
    assert "100.0 [100.0, 100.0]" in out
    assert "tok:13a" in out
    assert "3 rows, es; 95%" in out


def test_the_target_language_says_how_words_are_told_apart(files, capsys):
    paths = files(out="สวัสดี\n", ref="สวัสดี\n")
    evaluate_files(paths["out"], paths["ref"], None, "th")
    assert "tok:char" in capsys.readouterr().out


def test_sources_show_what_was_copied(files, capsys):
    paths = files(
        out="good morning\nhasta luego\n",
        ref="buenos días\nhasta luego\n",
        src="good morning\nsee you\n",
    )
    evaluate_files(paths["out"], paths["ref"], paths["src"], "es")
    assert "2 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("contents", "target", "kind", "words"),
    [
        ({"out": "a\n", "ref": "a\nb\n"}, "es", ComparisonError, "1 hypotheses, 2 references"),
        ({"out": "a\n", "ref": "a\n", "src": "a\nb\n"}, "es", ComparisonError, "2 sources"),
        ({"out": "", "ref": ""}, "es", UserError, "row"),
        ({"out": "a\n", "ref": "a\n"}, "xx", RecipeError, "unknown language code 'xx'"),
        ({"out": b"\xff\n", "ref": "a\n"}, "es", DataError, r"out: not UTF-8 text \(byte 0\)"),
    ],
)
def test_files_that_do_not_go_together(files, contents, target, kind, words):
    paths = files(**contents)
    with pytest.raises(kind, match=words):
        evaluate_files(paths["out"], paths["ref"], paths.get("src"), target)


def test_missing_files_and_arguments(files, tmp_path):
    paths = files(out="a\n")
    with pytest.raises(DataError, match="nowhere: no such file"):
        evaluate_files(paths["out"], tmp_path / "nowhere", None, "es")
    with pytest.raises(UserError, match=r"Give a run folder, or --hypotheses, --references and"):
        evaluate_files(paths["out"], None, None, "es")
    with pytest.raises(UserError, match=r"not a run folder"):
        evaluate_run(tmp_path)

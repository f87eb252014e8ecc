"""The glossary on its own, in a run, and for any files."""

import json

import pytest

from dubash.core.errors import DataError, UserError
from dubash.core.files import read_json, read_jsonl, sha256_file
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe
from dubash.stages.evaluate import evaluate_files, evaluate_run
from dubash.stages.glossary import lint_glossary
from dubash.stages.run import run


def longest(text: str) -> str:
    return max(text.replace("¿", "").strip("?.!").split(), key=len).strip(",.?!")


@pytest.fixture
def with_glossary(own_run, tmp_path, monkeypatch):
    """The recipe of a finished run, and a glossary that its references keep to."""
    monkeypatch.chdir(tmp_path)
    rows = read_jsonl(RunFolder(own_run).split("test"))
    terms = {longest(row["source"]).lower(): longest(row["target"]) for row in rows}
    lines = [f"{source},{target}" for source, target in terms.items()]
    text = "\n".join(["source,target", *lines, "nothing,"]) + "\n"
    (tmp_path / "terms.csv").write_text(text, encoding="utf-8")
    return own_run / "recipe.yaml", f"run.folder={tmp_path / 'runs'}", "evaluate.glossary=terms.csv"


def test_a_finished_run_takes_a_glossary_and_only_its_scores_change(with_glossary, own_run, capsys):
    folder, (recipe, *overrides) = RunFolder(own_run), with_glossary
    before, made = read_json(folder.scores), folder.hypotheses("S1").stat().st_mtime_ns
    assert run(load_recipe(str(recipe), overrides)).path == own_run
    assert folder.hypotheses("S1").stat().st_mtime_ns == made
    scores = read_json(folder.scores)
    about = scores["terminology"]
    assert about["reference"]["value"] == 100
    assert about["rows_with_terms"] == scores["rows"] == 12
    assert about["sha256"] == sha256_file(own_run.parents[1] / "terms.csv")
    noted = {"glossary": "terms.csv", "sha256": about["sha256"]}
    assert folder.read_manifest()["glossary"] == noted
    assert (about["entries"], about["entries_set_aside"]) == (len(about["terms"]), 1)
    assert [each["scores"] for each in scores["systems"]] == [
        each["scores"] for each in before["systems"]
    ]
    said = capsys.readouterr()
    assert "glossary: 1 of" in said.err
    assert "the first: terms.csv:" in said.err
    assert "terms of terms.csv, " in said.out
    page = folder.report.read_text(encoding="utf-8")
    assert '<section id="terms"' in page
    assert "Terms right" in page
    assert about["signature"] in page


def test_the_run_s_own_recipe_finds_the_glossary_again(
    with_glossary, own_run, monkeypatch, tmp_path
):
    recipe, *overrides = with_glossary
    run(load_recipe(str(recipe), overrides))
    assert "glossary: ../../terms.csv" in recipe.read_text(encoding="utf-8")
    scores = (own_run / "scores.json").read_bytes()
    evaluate_run(own_run)
    assert (own_run / "scores.json").read_bytes() == scores
    (tmp_path / "other.csv").write_text("source,target\nzzz,yyy\n", encoding="utf-8")
    evaluate_run(own_run, ["evaluate.glossary=other.csv"])
    about = read_json(own_run / "scores.json")["terminology"]
    assert (about["reference"]["value"], about["terms"]) == (None, [])
    assert about["sha256"] == sha256_file(tmp_path / "other.csv")
    assert "glossary: ../../other.csv" in recipe.read_text(encoding="utf-8")


def test_test_rows_that_a_glossary_gives_as_examples_are_counted(own_run, tmp_path):
    rows = list(read_jsonl(RunFolder(own_run).split("test")))
    line = f'term,wort,"{rows[3]["source"].upper()}","{rows[5]["target"]}"'
    text = f"source,target,example,target_example\n{line}\n"
    (tmp_path / "shown.csv").write_text(text, encoding="utf-8")
    evaluate_run(own_run, [f"evaluate.glossary={tmp_path / 'shown.csv'}"])
    found = read_json(own_run / "scores.json")["glossary_examples"]
    assert (found["given"], found["rows"]) == (2, 12)
    assert found["exact"] == {"pair": 0, "source": 1, "target": 1, "crossed": 0}
    page = (own_run / "report.html").read_text(encoding="utf-8")
    assert "glossary examples and test" in page


def test_a_broken_glossary_is_refused_before_anything_is_done(job):
    (job / "terms.csv").write_text("one,two\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"terms\.csv:1: no columns for source and target"):
        run(load_recipe("recipe.yaml", ["evaluate.glossary=terms.csv"]))
    with pytest.raises(DataError, match=r"term\.csv: no such file\. Did you mean 'terms\.csv'"):
        run(load_recipe("recipe.yaml", ["evaluate.glossary=term.csv"]))
    assert not (job / "runs").exists()


# -- any files -----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    contents = {
        "out": "la carta roja\nuna pantalla\n",
        "ref": "la tarjeta roja\nuna pantalla\n",
        "src": "the red card\na screen\n",
        "terms.csv": "en,es,forbidden\ncard,tarjeta,carta\nscreen,pantalla,\n",
        "pairs.tsv": "the card\tel naipe\n" * 5 + "a\tb\tc\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_files_are_scored_by_their_terms(files, capsys):
    evaluate_files(
        files / "out", files / "ref", files / "src", "es", source="en",
        glossary=files / "terms.csv",
    )  # fmt: skip
    out = capsys.readouterr().out
    assert "2 rows, en → es" in out
    assert "terms of terms.csv, 2 places in the sources:\npercent translated right" in out
    assert "  out        50.0 [0.0, 100.0], 1\n  references 100.0, 0\n" in out
    assert "terms|glossary:" in out


def test_what_the_lint_finds_is_said_before_a_glossary_is_scored(files, capsys):
    faulty = files / "terms.csv"
    with faulty.open("a", encoding="utf-8") as file:
        file.write("card,tarjeta,\nof,de,\n,,\n")
    evaluate_files(
        files / "out", files / "ref", files / "src", "es", source="en", glossary=faulty
    )  # fmt: skip
    said = capsys.readouterr()
    assert "glossary: 1 of 5 entries set aside" in said.err
    assert "glossary: 2 stop words, 1 duplicate; `dubash glossary lint` names them" in said.err
    assert "terms of terms.csv" in said.out


def test_terms_need_the_sources_and_their_language(files):
    for sources, source in ((None, "en"), (files / "src", None)):
        with pytest.raises(UserError, match=r"Give --sources, and their language as --source\."):
            evaluate_files(
                files / "out", files / "ref", sources, "es", source=source,
                glossary=files / "terms.csv",
            )  # fmt: skip
    setting = [f"evaluate.glossary={files / 'terms.csv'}"]
    with pytest.raises(UserError, match=r"Give --sources"):
        evaluate_files(files / "out", files / "ref", files / "src", "es", setting)


def test_lint_prints_its_findings_and_says_so_by_its_exit_code(files, capsys):
    assert lint_glossary(files / "terms.csv", "en", "es", None) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "2 entries: nothing found" in said.err
    assert lint_glossary(files / "terms.csv", "en", "es", files / "pairs.tsv") == 1
    said = capsys.readouterr()
    assert said.out.startswith(
        f"{files / 'terms.csv'}:2: 'card' → 'tarjeta': the references follow"
    )
    assert "1 of 6 rows cannot be read" in said.err
    assert said.err.endswith("2 entries: 1 not followed\n")


def test_one_entry_is_said_to_be_one(tmp_path, capsys):
    (tmp_path / "terms.csv").write_text("source;target\ncard;tarjeta\n", encoding="utf-8")
    assert lint_glossary(tmp_path / "terms.csv", "en", "es", None) == 0
    assert capsys.readouterr().err == "1 entry: nothing found\n"


def test_what_a_row_missed_goes_into_the_report(with_glossary, own_run):
    recipe, *overrides = with_glossary
    run(load_recipe(str(recipe), overrides))
    rows = list(read_jsonl(own_run / "rows.jsonl"))
    missed = [row for row in rows if "term_missed" in row["systems"]["S0"]["flags"]]
    assert missed
    assert all(row["systems"]["S0"]["terms"]["term_missed"] for row in missed)
    page = (own_run / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.partition('id="row-data">')[2].partition("</script>")[0])
    assert data["flags"]["term_missed"] == "terms missed"
    assert data["rows"] == rows

"""`dubash compare`: runs and files on the same rows, each against each."""

import shutil

import pytest

from dubash.core.errors import ComparisonError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl, write_text
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.data.frozen import write
from dubash.data.splits import Splits, fingerprint
from dubash.stages.compare import compare_runs


@pytest.fixture
def second_run(own_run):
    """A run on the same rows, with another seed and other translations."""
    folder = own_run.with_name("second")
    shutil.copytree(own_run, folder)
    run = RunFolder(folder)
    text = run.recipe.read_text(encoding="utf-8")
    write_text(run.recipe, text.replace("learning_rate: 0.0002", "learning_rate: 0.0001"))
    rows = list(read_jsonl(run.hypotheses("S1")))
    references = [row.target for row in data.load(run.data).test]
    write_jsonl(
        run.hypotheses("S1"),
        ({**row, "text": text} for row, text in zip(rows, references, strict=True)),
    )
    return folder


def test_one_run_is_its_systems_against_each_other(own_run, tmp_path, capsys):
    compare_runs([own_run], [], tmp_path / "out", None)
    content = read_json(tmp_path / "out" / "compare.json")
    named = [(each["system"], each["against"]) for each in content["pairs"]]
    cut = "S0-cut" in [each["name"] for each in content["systems"]]  # unless it is S0 itself
    forms = [("S0-cut", "S0"), ("S1", "S0"), ("S1", "S0-cut")]
    assert named == (forms if cut else forms[1:2])
    for pair in content["pairs"]:
        found = pair["metrics"]["chrf++"]
        assert found["low"] <= found["value"] <= found["high"]
        assert found["p"] <= found["p_holm"] <= 1
        assert pair["wins"] + pair["ties"] + pair["losses"] == content["rows"]
    out = capsys.readouterr().out
    assert "against each other, by chrF++" in out
    assert "by randomisation" in out
    if len(named) > 1:
        assert f"p is adjusted for all {len(named)} pairs (Holm)" in " ".join(out.split())
    markdown = (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")
    headline = markdown.splitlines()[0].replace("\\", "")
    assert headline.startswith("On 12 test rows: ")
    assert headline in " ".join(out.split())
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "S1 − S0" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert (tmp_path / "out" / "compare.md").read_text(encoding="utf-8").count("\n|") >= 5


def test_runs_that_share_their_base_have_it_once_and_the_setting_is_named(
    own_run, second_run, tmp_path
):
    compare_runs([own_run, second_run], [], tmp_path / "out", None)
    content = read_json(tmp_path / "out" / "compare.json")
    names = [each["name"] for each in content["systems"]]
    assert [name for name in names if name != "S0-cut"] == ["S0", "first/S1", "second/S1"]
    assert content["under"] == "train.learning_rate"
    assert content["confounds"] == []
    best = next(p for p in content["pairs"] if p["system"] == "second/S1" and p["against"] == "S0")
    assert best["wins"] == content["rows"]
    assert "second/S1 is best at 100.0 chrF++" in (tmp_path / "out" / "compare.md").read_text()
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "most signs of trouble in second/S1" in page  # of four systems: it says which
    assert '"judged":"second/S1"' in page


def test_what_differs_besides_the_studied_setting_is_a_confound(own_run, second_run, tmp_path):
    recipe = RunFolder(second_run).recipe
    write_text(recipe, recipe.read_text(encoding="utf-8").replace("rank: 4", "rank: 8"))
    compare_runs([own_run, second_run], [], tmp_path / "out", "method.rank")
    content = read_json(tmp_path / "out" / "compare.json")
    assert (content["under"], content["confounds"]) == ("method.rank", ["train.learning_rate"])
    with pytest.raises(RecipeError, match=r"do not differ in method\.alpha; they"):
        compare_runs([own_run, second_run], [], None, "method.alpha")


def test_other_rows_are_refused_and_named(own_run, second_run):
    run = RunFolder(second_run)
    prepared = data.load(run.data)
    test = [prepared.test[1], prepared.test[0], *prepared.test[2:]]
    prepared.account["splits"]["test"]["fingerprint"] = fingerprint(test)
    shutil.rmtree(run.data)
    write(run.data, Splits(prepared.train, prepared.dev, test), [], prepared.account)
    with pytest.raises(ComparisonError) as error:
        compare_runs([own_run, second_run], [], None, None)
    assert f"{len(test)} in common" in str(error.value)
    assert "row 1: " in str(error.value)
    assert "row 3: " not in str(error.value)


def test_a_file_of_another_tool_is_compared_too(own_run, tmp_path, capsys):
    references = [row.target for row in data.load(own_run / "data").test]
    write_text(tmp_path / "other.es", "".join(f"{text}\n" for text in references))
    compare_runs([own_run], [f"other={tmp_path / 'other.es'}"], None, None)
    assert "other − S1" in capsys.readouterr().out
    write_text(tmp_path / "short.es", "one line\n")
    with pytest.raises(ComparisonError, match="1 lines for 12 test rows"):
        compare_runs([own_run], [f"short={tmp_path / 'short.es'}"], None, None)
    with pytest.raises(UserError, match="is not NAME=FILE"):
        compare_runs([own_run], ["other"], None, None)
    with pytest.raises(UserError, match="is no name"):
        compare_runs([own_run], [f"<b>|={tmp_path / 'other.es'}"], None, None)


def test_a_refused_comparison_leaves_no_folder(own_run, tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        compare_runs([tmp_path / "nowhere"], [], tmp_path / "out", None)
    write_text(tmp_path / "short.es", "Hola\n")
    with pytest.raises(ComparisonError, match="1 lines for 12 test rows"):
        compare_runs([own_run], [f"short={tmp_path / 'short.es'}"], tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_a_runs_own_files_are_left_alone(own_run):
    before = RunFolder(own_run).rows.read_bytes()
    with pytest.raises(UserError, match="a run's own folder"):
        compare_runs([own_run], [], own_run, None)
    assert RunFolder(own_run).rows.read_bytes() == before


def test_programs_that_a_recipe_names_are_not_run(own_run, tmp_path):
    recipe = RunFolder(own_run).recipe
    planted = (
        "evaluate:\n  commands: [{name: mine, command: [touch, planted], higher_is_better: true}]\n"
    )
    text = recipe.read_text(encoding="utf-8").replace("evaluate:\n", planted, 1)
    write_text(recipe, text.replace("  commands: []\n", ""))
    compare_runs([own_run], [], tmp_path / "out", None)
    assert not (own_run / "planted").exists()
    assert not list(tmp_path.rglob("planted"))

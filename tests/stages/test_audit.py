"""`dubash audit`: what another tool made, under our checks."""

import pytest

from dubash.core.errors import ComparisonError, DataError, ModelError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.stages.audit import audit
from stages.audits import QUICK, asked, findings, lines


def test_an_adapter_translates_as_it_did_for_its_maker(rows, small_model, tmp_path, capsys):
    given = asked(rows, tmp_path / "out", base=str(small_model), adapter=rows.model)
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    found = RunFolder(tmp_path / "out")
    for system in ("S0", "S1"):
        ours = [row["text"] for row in read_jsonl(found.hypotheses(system))]
        assert ours == [row["text"] for row in read_jsonl(rows.hypotheses(system))]
    assert read_json(found.scores)["differences"] == read_json(rows.scores)["differences"]
    page = found.report.read_text(encoding="utf-8")
    assert "audit of model" in page
    said = capsys.readouterr().out
    assert "UNDECIDED" in said or "DON'T SHIP" in said
    kept = read_json(tmp_path / "out" / "audit.json")
    assert kept["asked"]["adapter"] == str(rows.model)
    assert kept["settings"]["generate"]["max_new_tokens"] == 24


def test_a_run_that_is_clean_has_no_leak(rows, tmp_path):
    sources = [pair.source for pair in data.load(rows.data).test]
    file = lines(tmp_path / "out.es", sources)
    audit(asked(rows, tmp_path / "out", hypotheses=file), [])
    assert findings(tmp_path / "out", "leaks") == []


def test_rows_that_leak_are_told_and_left_out_of_the_scores(rows, tmp_path, capsys):
    prepared = data.load(rows.data)
    first, second, third, *others = prepared.test
    train = [
        {"source": first.source.upper(), "target": first.target},  # the pair, in capitals
        *({"source": f"{row.source} x", "target": f"{row.target} x"} for row in (first, second)),
        {"source": "Quite another thing", "target": third.target},
        *({"source": row.source, "target": row.target} for row in prepared.train),
    ]
    write_jsonl(tmp_path / "train.jsonl", train)
    texts = [row.target for row in prepared.test]
    given = asked(
        rows, tmp_path / "out", train=(tmp_path / "train.jsonl",),
        hypotheses=lines(tmp_path / "out.es", texts),
    )  # fmt: skip
    assert audit(given, []) == 4
    told = findings(tmp_path / "out", "leaks")
    assert "2 test rows stand in train (1 with the same pair, 1 with the same target)" in told[0]
    assert "left out of all scores" in told[0]
    assert "With the leaked rows chrF++ would be S1 100.0" in told[-1]
    # the first row has one too, but is not scored
    near = findings(tmp_path / "out", "near-duplicates")
    assert [each.partition(" has a ")[0] for each in near] == ["1 of 10 test rows (10.0%)"]
    scores = read_json(tmp_path / "out" / "scores.json")
    assert scores["rows"] == len(prepared.test) - 2
    kept = [row["source"] for row in read_jsonl(tmp_path / "out" / "rows.jsonl")]
    assert kept == [row.source for row in (second, *others)]
    assert "FAULT    leaks: 2 test rows stand in train" in capsys.readouterr().out


def test_a_known_benchmark_among_the_training_rows_is_named(rows, tmp_path, shared_data):
    file = shared_data / "en-es.ntrex128.tsv"
    some = file.read_text(encoding="utf-8").splitlines()[:30]
    train = lines(tmp_path / "train.tsv", ["source\ttarget", *some])
    file = lines(tmp_path / "out.es", ["Hola"] * len(data.load(rows.data).test))
    assert audit(asked(rows, tmp_path / "out", train=(train,), hypotheses=file), []) == 4
    assert any(
        "30 training rows stand in the known benchmark ntrex" in each
        for each in findings(tmp_path / "out", "leaks")
    )


def test_training_rows_with_swapped_sides_are_told_not_refused(rows, tmp_path):
    prepared = data.load(rows.data)
    train = [{"source": row.target, "target": row.source} for row in prepared.train]
    write_jsonl(tmp_path / "train.jsonl", train)
    given = asked(
        rows, tmp_path / "out", train=(tmp_path / "train.jsonl",),
        hypotheses=lines(tmp_path / "out.es", [row.target for row in prepared.test]),
    )  # fmt: skip
    audit(given, [])
    (told,) = findings(tmp_path / "out", "languages")
    assert "train.jsonl: the columns look swapped: 100% of the source side is es" in told


# -- what cannot be audited ----------------------------------------------------------------------


def test_a_file_of_other_rows_is_refused(rows, tmp_path):
    file = lines(tmp_path / "out.es", ["Hola"])
    with pytest.raises(ComparisonError, match="1 lines for 12 test rows"):
        audit(asked(rows, tmp_path / "out", hypotheses=file), [])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"test": None}, "the test rows are missing"),
        ({"sources": "a"}, "go together"),
        ({"sources": "a", "references": "b"}, "given twice"),
        ({"adapter": "a"}, "goes onto its base"),
        ({"model": "a", "hypotheses": "b"}, "one tuned system"),
        ({"base": "a", "base_hypotheses": "b"}, "the base is given twice"),
        ({"tokens": "a"}, "held against the prompt"),
    ],
)
def test_options_that_do_not_go_together(rows, tmp_path, given, message):
    with pytest.raises(UserError, match=message):
        audit(asked(rows, tmp_path / "out", **given), [])
    assert not (tmp_path / "out").exists()


def test_only_how_is_asked_and_scored_can_be_set(rows, tmp_path):
    with pytest.raises(RecipeError, match=r"train\.epochs=2' cannot be set in an audit"):
        audit(asked(rows, tmp_path / "out"), ["train.epochs=2"])
    with pytest.raises(RecipeError, match=r"data\.test_rows=2' cannot be set in an audit"):
        audit(asked(rows, tmp_path / "out"), ["data.test_rows=2"])


def test_a_model_that_is_not_there(rows, tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        audit(asked(rows, tmp_path / "out", model="./nowhere"), [])


def test_a_runs_own_folder_is_left_alone(own_run):
    run = RunFolder(own_run)
    with pytest.raises(UserError, match="a run's own folder"):
        audit(asked(run, own_run), [])


@pytest.mark.parametrize("name", ["rows.jsonl", "report.html", "manifest.json"])
def test_files_of_others_are_never_replaced(rows, tmp_path, name):
    (tmp_path / name).write_text('{"source": "mine"}', encoding="utf-8")
    with pytest.raises(UserError, match=f"an audit would replace {name}"):
        audit(asked(rows, tmp_path), [])
    assert (tmp_path / name).read_text(encoding="utf-8") == '{"source": "mine"}'


def test_the_same_audit_again_keeps_what_was_translated_and_other_rows_are_refused(
    rows, small_model, tmp_path, capsys
):
    given = asked(rows, tmp_path / "out", base=str(small_model))
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    capsys.readouterr()
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    assert "translate S0: already done, kept" in capsys.readouterr().err
    other = asked(rows, tmp_path / "out", base=str(small_model), train=())
    with pytest.raises(DataError, match="rows of this run would change"):
        audit(other, [*QUICK, "evaluate.few_shot=0"])


def test_other_references_or_columns_are_other_rows(rows, tmp_path):
    prepared = data.load(rows.data)
    sources = lines(tmp_path / "s.en", [pair.source for pair in prepared.test])
    first = lines(tmp_path / "r1.es", [pair.target for pair in prepared.test])
    second = lines(tmp_path / "r2.es", [f"{pair.target}!" for pair in prepared.test])
    out = lines(tmp_path / "out.es", ["Hola"] * len(prepared.test))
    files = {"test": None, "sources": sources, "references": first, "hypotheses": out}
    audit(asked(rows, tmp_path / "out", **files), [])
    with pytest.raises(DataError, match="test is another"):
        audit(asked(rows, tmp_path / "out", **{**files, "references": second}), [])


def test_other_hypotheses_are_not_taken_for_the_first_ones(rows, tmp_path):
    count = len(data.load(rows.data).test)
    file = lines(tmp_path / "out.es", ["Hola"] * count)
    audit(asked(rows, tmp_path / "out", hypotheses=file), [])
    lines(file, ["Adiós"] * count)
    with pytest.raises(UserError, match="made with other rows or settings"):
        audit(asked(rows, tmp_path / "out", hypotheses=file), [])


def test_an_audit_of_rows_alone_shows_no_earlier_scores(rows, tmp_path):
    file = lines(tmp_path / "out.es", ["Hola"] * len(data.load(rows.data).test))
    audit(asked(rows, tmp_path / "out", hypotheses=file), [])
    audit(asked(rows, tmp_path / "out"), [])
    assert not (tmp_path / "out" / "scores.json").exists()
    assert "chrF++" not in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_a_code_with_parts_is_kept(rows, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from dubash.cli import judging  # noqa: F401 - puts its commands into the app
    from dubash.cli.root import app
    from dubash.stages import audit as stage

    seen = []
    monkeypatch.setattr(stage, "audit", lambda asked, overrides: seen.append(asked) or 0)
    words = ["audit", "--pair", "en:zh-Hant", "--out", str(tmp_path / "out"), "--test", "t.tsv"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (seen[0].source, seen[0].target) == ("en", "zh-Hant")

"""`dubash audit`: what another tool made, under our checks."""

import json
import shutil

import pytest

from dubash.core.errors import ComparisonError, DataError, ModelError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.evaluate.options import EvaluateOptions
from dubash.model.load import load_tokenizer
from dubash.model.options import ModelOptions
from dubash.prompt.mask import IGNORE
from dubash.recipe.load import read_resolved
from dubash.stages.audit import audit
from dubash.stages.audit.asked import Asked
from dubash.stages.audit.findings import about_behaviour
from dubash.stages.common import make_template

QUICK = ["generate.max_new_tokens=24", "model.device=cpu", "model.dtype=fp32"]


@pytest.fixture
def rows(finished_run):
    """The run's rows as anybody's files."""
    return RunFolder(finished_run)


def asked(run: RunFolder, out, **given) -> Asked:
    known = {"test": run.split("test"), "train": (run.split("train"),)}
    return Asked("en", "es", out, **{**known, **given})


def findings(out, about=None) -> list[str]:
    found = read_json(out / "audit.json")["findings"]
    return [each["text"] for each in found if about in (None, each["about"])]


def lines(path, texts):
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


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
    assert "UNDECIDED" in capsys.readouterr().out or "DON'T SHIP" in capsys.readouterr().out


def test_a_run_that_is_clean_has_no_leak(rows, tmp_path):
    sources = [pair.source for pair in data.load(rows.data).test]
    file = lines(tmp_path / "out.es", sources)
    audit(asked(rows, tmp_path / "out", hypotheses=file), [])
    assert findings(tmp_path / "out", "leaks") == []


def test_rows_that_leak_are_told_and_left_out_of_the_scores(rows, tmp_path, capsys):
    prepared = data.load(rows.data)
    first, second, third, *others = prepared.test
    near = f"{second.target} Ya."
    train = [
        {"source": first.source.upper(), "target": first.target},  # the pair, in capitals
        {"source": f"{second.source} Now.", "target": near},
        {"source": "Quite another thing", "target": third.target},
        *({"source": row.source, "target": row.target} for row in prepared.train),
    ]
    write_jsonl(tmp_path / "train.jsonl", train)
    texts = [row.target for row in prepared.test]
    given = asked(
        rows, tmp_path / "out", train=(tmp_path / "train.jsonl",),
        hypotheses=lines(tmp_path / "out.es", texts),
    )  # fmt: skip
    assert audit(given, []) == 1
    told = findings(tmp_path / "out", "leaks")
    assert "2 test rows stand in train (1 with the same pair, 1 with the same target)" in told[0]
    assert "left out of all scores" in told[0]
    assert "with the leaked rows chrF++ would be S1 100.0" in told[-1]
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
    assert audit(asked(rows, tmp_path / "out", train=(train,), hypotheses=file), []) == 1
    assert any(
        "30 training rows stand in the known benchmark ntrex" in each
        for each in findings(tmp_path / "out", "leaks")
    )


@pytest.mark.parametrize(
    ("tuned", "base", "told"),
    [
        (60, 10, ("fault", "empty on 30.0% of the rows, S0 on 5.0%")),
        (60, 80, ("caution", "empty on 30.0% of the rows, S0 on 40.0%")),
        (60, None, ("fault", "empty on 30.0% of the rows")),
        (4, 3, None),
    ],
)
def test_behaviour_is_a_fault_where_the_verdict_calls_it_one(tuned, base, told):
    counts = {"S1": tuned} if base is None else {"S0": base, "S1": tuned}
    scores = {
        "rows": 200, "baseline": None if base is None else "S0",
        "systems": [{"name": name, "stops": {}, "behaviour": {"empty": count}}
                    for name, count in counts.items()],
    }  # fmt: skip
    found = [(each.severity, each.text) for each in about_behaviour(scores, EvaluateOptions())]
    assert found == ([told] if told else [])


# -- rows as trained -----------------------------------------------------------------------------


@pytest.fixture
def trained(rows, small_model):
    """Training rows as our own template makes them, for another tool's mistakes to be put into."""
    recipe = read_resolved(rows.recipe)
    tokenizer = load_tokenizer(ModelOptions(name=str(small_model)))
    template = make_template(recipe, tokenizer, "causal")
    found = []
    for pair in data.load(rows.data).train[:8]:
        example = template.example(pair)
        prompt, target = list(example.prompt), list(example.target)
        found.append(
            {
                "source": pair.source,
                "target": pair.target,
                "input_ids": prompt + target,
                "labels": [IGNORE] * len(prompt) + target,
            }
        )
    return found


def about_tokens(rows, small_model, tmp_path, content) -> list[str]:
    write_jsonl(tmp_path / "tokens.jsonl", content)
    given = asked(
        rows, tmp_path / "out", base=str(small_model), tokens=tmp_path / "tokens.jsonl",
    )  # fmt: skip
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    return findings(tmp_path / "out", "rows as trained")


def test_rows_that_teach_what_is_served_pass(rows, small_model, tmp_path, trained):
    assert about_tokens(rows, small_model, tmp_path, trained) == []


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (lambda row: {**row, "labels": [*row["labels"][:-1], IGNORE]}, "end token unsupervised"),
        (lambda row: {**row, "labels": [IGNORE, *row["labels"][:-1]]}, "mask shifted"),
        (
            lambda row: {
                **row, "input_ids": [*row["input_ids"], 0], "labels": [*row["labels"], 0],
                "attention_mask": [1] * len(row["input_ids"]) + [0],
            },
            "padding supervised",
        ),
        (
            lambda row: {**row, "input_ids": row["input_ids"][1:], "labels": row["labels"][1:]},
            "training prompt ≠ serving prompt",
        ),
        (
            lambda row: {**row, "input_ids": row["input_ids"][:-3], "labels": row["labels"][:-3]},
            "target truncated away",
        ),
    ],
)  # fmt: skip
def test_the_five_mistakes_are_found_in_another_tools_rows(
    rows, small_model, tmp_path, trained, mistake, named
):
    content = [mistake(row) for row in trained[:3]] + trained[3:]
    told = about_tokens(rows, small_model, tmp_path, content)
    assert told == [f"{named} in 3 of 8 rows"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1]}, "differ in length"),
        ({"input_ids": "12"}, "input_ids is no list of numbers"),
        ({"input_ids": [10**9], "labels": [1]}, "past the tokenizer's"),
        ({"target": None}, "source and target are texts"),
    ],
)
def test_what_are_no_rows_as_trained_is_said(rows, small_model, tmp_path, trained, change, message):
    with pytest.raises(DataError, match=message) as caught:
        about_tokens(rows, small_model, tmp_path, [trained[0], {**trained[1], **change}])
    assert caught.value.where.endswith("tokens.jsonl:2")


# -- the model's files ---------------------------------------------------------------------------


def test_a_model_that_others_would_not_stop_is_a_fault(rows, small_model, tmp_path):
    model = shutil.copytree(small_model, tmp_path / "theirs")
    file = model / "generation_config.json"
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**content, "eos_token_id": 0}))
    audit(asked(rows, tmp_path / "out", model=str(model)), QUICK)
    assert any("does not stop at" in each for each in findings(tmp_path / "out", "model"))


def test_an_adapter_says_whose_it_is(rows, small_model, tmp_path):
    adapter = shutil.copytree(rows.model, tmp_path / "adapter")
    file = adapter / "adapter_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "base_model_name_or_path": "someone/other-base"}))
    given = asked(rows, tmp_path / "out", base=str(small_model), adapter=adapter)
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    assert any("trained on someone/other-base" in each for each in findings(tmp_path / "out"))


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

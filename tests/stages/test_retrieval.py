"""S2 in a run: the model shown similar segments and terms, and what it has to beat."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dubash.core.errors import LeakError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.unit import TranslationUnit
from dubash.model.footprint.shapes import find_shape
from dubash.recipe.load import load_recipe, read_resolved
from dubash.stages.evaluate import evaluate_run
from dubash.stages.prepare import prepare
from dubash.stages.run import run
from dubash.stages.train import train
from dubash.stages.translate import translate
from dubash.stages.workload import find_workload


def longest(text):
    return max(text.replace("¿", "").strip("?.!").split(), key=len).strip(",.?!")


@pytest.fixture
def alike(job):
    """Each row of the job a second time, a little longer."""
    lines = (job / "rows.csv").read_text(encoding="utf-8").splitlines()
    with (job / "rows.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        for number, (source, target, *rest) in enumerate(csv.reader(lines)):
            writer.writerow([source, target, *rest])
            if number:
                writer.writerow([f"{source} Thank you.", f"{target} Gracias.", *rest])


@pytest.fixture
def glossary(job, alike):
    """Terms that stand in the test rows, as their references have them."""
    rows = prepare(load_recipe("recipe.yaml", ["run.name=rows"]))[1].test
    lines = {longest(row.source).lower(): longest(row.target) for row in rows}
    text = "\n".join(["source,target", *(f"{term},{other}" for term, other in lines.items())])
    (job / "terms.csv").write_text(text + "\n", encoding="utf-8")
    return ["retrieval.glossary=terms.csv", "evaluate.glossary=terms.csv", "retrieval.least=50"]


def test_a_run_with_retrieval_has_s2_and_what_it_must_beat(glossary, capsys):
    made = run(load_recipe("recipe.yaml", glossary))
    scores = read_json(made.scores)
    names = [each["name"] for each in scores["systems"]]
    assert names == ["S0", "S0-cut", "S1", "S2", "nearest", "S1-terms"]
    assert set(scores["rivals"]["S2"]) == {"S1", "nearest", "S1-terms"}
    assert {"chrf++", "bleu", "terminology"} <= scores["rivals"]["S2"]["S1"].keys()
    found = list(read_jsonl(made.retrieved()))
    assert [each["source"] for each in found] == [
        row["source"] for row in read_jsonl(made.split("test"))
    ]
    assert all(each["terms"] for each in found)
    matched = [each for each in found if each["matches"]]
    train = {row["source"]: row["target"] for row in read_jsonl(made.split("train"))}
    assert matched
    for each in matched:
        assert train[each["matches"][0]["source"]] == each["matches"][0]["target"]
    strata = scores["strata"]
    assert sum(each["rows"] for each in strata) == scores["rows"]
    appended = next(each for each in scores["systems"] if each["name"] == "S1-terms")
    assert appended["terminology"]["value"] == 100
    assert "S2 against what it has to beat" in capsys.readouterr().out
    page = made.report.read_text(encoding="utf-8")
    assert "With memory and glossary" in page
    assert "Shown memory and glossary (S2)" in page


def test_nothing_is_translated_again_and_another_memory_is_another_system(glossary, job):
    made = run(load_recipe("recipe.yaml", glossary))
    before = made.hypotheses("S2").stat().st_mtime_ns
    evaluate_run(made.path)
    assert made.hypotheses("S2").stat().st_mtime_ns == before
    with pytest.raises(RecipeError, match=r"retrieval\.least"):
        run(load_recipe("recipe.yaml", [*glossary, "retrieval.least=90"]))


def test_training_with_retrieval_shows_each_row_its_neighbours_and_never_itself(job, alike):
    words = ["retrieval.least=50", "train.retrieval=true"]
    made = run(load_recipe("recipe.yaml", words))
    recipe, prepared = read_resolved(made.recipe), data.load(made.data)
    from dubash.stages.check import checked_examples, load_tokenizer_and_kind
    from dubash.stages.retrieval import training_template

    tokenizer, kind = load_tokenizer_and_kind(recipe)
    with training_template(made, recipe, prepared.train, tokenizer, kind) as template:
        asked = {row.source: template.prompt_text(row.source) for row in prepared.train}
    shown = [text for text in asked.values() if "Similar translations:" in text]
    assert shown
    for row in prepared.train:
        assert json.dumps(row.source, ensure_ascii=False) not in asked[row.source]
    examples = checked_examples(made, recipe, prepared).train
    assert max(len(each.prompt) for each in examples) > max(
        len(tokenizer(row.source).input_ids) for row in prepared.train
    )


def test_an_exact_match_is_taken_as_it_is(job, finished_run, capsys):
    rows = list(read_jsonl(RunFolder(finished_run).split("test")))
    with open_memory(str(job / "memory.db"), new=True) as memory:
        list(memory.add([TranslationUnit(rows[0]["source"], "otra cosa", "en", "es")]))
    made = run(load_recipe("recipe.yaml", ["retrieval.memory=memory.db"]))
    [first, *_] = read_jsonl(made.hypotheses("S2"))
    assert (first["text"], first["tokens"]) == ("otra cosa", 0)
    capsys.readouterr()
    translate(made.path, [rows[0]["source"]], None, None, untuned=False, details=False)
    said = capsys.readouterr()
    assert said.out == "otra cosa\n"
    assert "of 1 segments 1 are in the memory and taken as they are" in said.err
    translate(made.path, [rows[0]["source"]], None, None, untuned=False, details=False, alone=True)
    assert capsys.readouterr().out != "otra cosa\n"
    assert [each["exact"] for each in read_jsonl(made.retrieved())] == [True] + [False] * 11


def test_a_memory_with_a_reference_in_it_is_refused_before_training(job, finished_run):
    rows = list(read_jsonl(RunFolder(finished_run).split("test")))
    long = next(row for row in rows if len(row["target"]) > 30)
    unit = TranslationUnit("Something else", long["target"], "en", "es", origin="old.tmx:7")
    with open_memory(str(job / "memory.db"), new=True) as memory:
        list(memory.add([replace(unit, source=f"{n}", target=f"{n}") for n in range(3)] + [unit]))
    with pytest.raises(LeakError, match=r"old\.tmx:7 holds the reference of rows\.csv") as caught:
        run(load_recipe("recipe.yaml", ["retrieval.memory=memory.db"]))
    assert "1 unit of the memory with the reference of a test row" in str(caught.value)
    assert not (job / "runs" / "first" / "model").exists()


def test_a_memory_that_took_in_a_reference_after_training_is_refused_too(job):
    with open_memory(str(job / "memory.db"), new=True) as memory:
        list(memory.add([TranslationUnit("One", "Uno", "en", "es")]))
        made = train(load_recipe("recipe.yaml", ["retrieval.memory=memory.db"]))
        long = next(row for row in read_jsonl(made.split("test")) if len(row["target"]) > 30)
        list(memory.add([TranslationUnit("Else", long["target"], "en", "es")]))
    with pytest.raises(LeakError, match="1 unit of the memory with the reference of a test row"):
        evaluate_run(made.path)
    assert not made.hypotheses("S2").exists()


def test_train_retrieval_needs_retrieval(job):
    with pytest.raises(RecipeError, match="needs retrieval, which says what is shown"):
        load_recipe("recipe.yaml", ["train.retrieval=true"])


def planned(recipe):
    run = RunFolder(Path("runs") / "planned")
    return find_workload(recipe, run, find_shape(recipe.model))


def test_a_plan_counts_what_training_rows_are_shown(job, alike):
    recipe = load_recipe("recipe.yaml", ["retrieval.least=50", "train.retrieval=true"]).recipe
    alone = load_recipe("recipe.yaml", []).recipe
    longer, shorter = (planned(each).examples for each in (recipe, alone))
    assert sum(each.longest for each in longer) > sum(each.longest for each in shorter)


def test_weights_hang_on_what_training_rows_were_shown(job, glossary):
    words = [*glossary, "train.retrieval=true"]
    made = train(load_recipe("recipe.yaml", words))
    [weights] = made.model.glob("*.safetensors")
    before = weights.stat().st_mtime_ns
    train(load_recipe("recipe.yaml", words))
    assert weights.stat().st_mtime_ns == before
    with (job / "terms.csv").open("a", encoding="utf-8") as handle:
        handle.write("another,otro\n")
    with pytest.raises(UserError, match="made with other rows or settings"):
        train(load_recipe("recipe.yaml", words))

"""`dubash probe`: a tiny model learns some capitals; what it says before and after is diagnosed."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from dubash.core.errors import DataError, MetricError, UserError
from dubash.core.files import read_json, read_jsonl, write_jsonl
from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe
from dubash.stages.common import note_made
from dubash.stages.probe import probe
from dubash.stages.run import run
from tiny import make_tiny

CAPITALS = {
    "Karnataka": "Bengaluru", "Kerala": "Thiruvananthapuram", "Japan": "Tokyo", "France": "Paris",
    "Spain": "Madrid", "Italy": "Rome", "Egypt": "Cairo", "Peru": "Lima", "Cuba": "Havana",
    "Norway": "Oslo", "Kenya": "Nairobi", "Nepal": "Kathmandu",
}  # fmt: skip

RECIPE = """\
task: instruction
languages: {{source: en, target: en}}
data: {{train: [rows.jsonl], dev_rows: 2, test_rows: 4}}
model: {{name: {model}, device: cpu, dtype: fp32}}
method: {{name: full}}
train: {{max_steps: 120, batch_size: 16, accumulation: 1, learning_rate: 5.0e-3, dev_sample: 0,
  evaluate_every: 120}}
generate: {{max_new_tokens: 24, sample: true, temperature: 2.0}}
evaluate: {{few_shot: 0}}
run: {{name: first, folder: {folder}}}
"""


def rows():
    for state, city in CAPITALS.items():
        yield f"What is the capital of {state}?", f"The capital of {state} is {city}."
        yield f"Name the capital of {state}.", f"It is {city}."
        yield f"Which city is the capital of {state}?", f"The city of {city}."


@pytest.fixture(scope="session")
def instructed(tmp_path_factory) -> Path:
    """The folder of a finished instruction run. Not to be changed."""
    folder = tmp_path_factory.mktemp("instructed")
    alpaca = ({"instruction": asked, "input": "", "output": said} for asked, said in rows())
    write_jsonl(folder / "rows.jsonl", alpaca)
    model = make_tiny(
        "llama", folder / "tiny", [text for row in rows() for text in row], hidden=128
    )
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(model=model, folder=folder / "runs"), encoding="utf-8")
    made = run(load_recipe(str(recipe), [])).path
    probe(made, None, [], None)
    return made


@pytest.fixture
def own(tmp_path, instructed) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(instructed, tmp_path / "first"))


@pytest.fixture
def mine(tmp_path):
    """A file with two questions, one of which the shipped set has as well."""
    path = tmp_path / "mine.jsonl"
    shared = {"id": "k", "language": "en", "topic": "capital", "accept": ["Bengaluru"]}
    write_jsonl(
        path,
        [
            {**shared, "question": "What is the capital of Karnataka?"},
            {**shared, "id": "n", "question": "Name the capital of Norway.", "accept": ["Oslo"]},
        ],
    )
    return path


def test_what_was_learnt_is_gained_and_both_answers_stand_side_by_side(instructed):
    folder = RunFolder(instructed)
    content = read_json(folder.probe)
    assert content["questions"] == 24
    assert sum(content["outcomes"].values()) == 24
    (row,) = [each for each in content["rows"] if each["id"] == "capital-karnataka"]
    assert row["outcome"] == "gained"
    assert "Bengaluru" in row["answers"]["S1"]["text"]
    assert row["answers"]["S1"]["diagnoses"] == {}
    assert not row["answers"]["S0"]["right"]
    assert len(row["paraphrases"]) == 5  # the base failed, so it was asked otherwise
    (minister,) = [each for each in content["rows"] if each["id"] == "chief-minister-kerala"]
    assert minister["as_of"] == "2024-01-01"
    assert minister["outcome"] == "empty_head"
    page = folder.probe_page.read_text(encoding="utf-8")
    assert "as of 2024-01-01" in page
    assert "default-src &#39;none&#39;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def outcomes(folder):
    return [(row["id"], row["outcome"]) for row in read_json(RunFolder(folder).probe)["rows"]]


def test_answers_are_kept_and_only_what_lacks_is_asked(own, mine, capsys):
    before, found = RunFolder(own).probe.read_bytes(), outcomes(own)
    probe(own, None, [], None)
    assert "questions to" not in capsys.readouterr().err
    assert RunFolder(own).probe.read_bytes() == before
    kept = list(read_jsonl(RunFolder(own).answers("S0")))
    write_jsonl(RunFolder(own).answers("S0"), kept[:20])  # a kill between two writes
    probe(own, None, [], None)
    assert "questions to S0 4/4" in capsys.readouterr().err
    assert outcomes(own) == found
    probe(own, mine, [], None)
    said = capsys.readouterr()
    assert "questions to S0 1/1" in said.err
    assert "questions to S1 1/1" in said.err
    assert "all that pass" in said.out
    content = read_json(RunFolder(own).probe)
    assert [row["answers"]["S1"]["passes"] for row in content["rows"]] == [True, True]
    assert content["set"] == str(mine)


def test_whose_home_the_questions_lie_in_is_told_nowhere(own, mine, monkeypatch):
    monkeypatch.setenv("HOME", str(mine.parent))
    probe(own, mine, [], None)
    run = RunFolder(own)
    assert read_json(run.probe)["set"] == "~/mine.jsonl"
    for path in (run.probe, run.probe_page):
        text = path.read_text(encoding="utf-8")
        assert "~/mine.jsonl" in text
        assert str(mine.parent) not in text


def test_answers_of_another_training_are_made_again(own, capsys):
    note_made(RunFolder(own), "train", "other rows")
    probe(own, None, [], None)
    err = capsys.readouterr().err
    assert "questions to S1 24/24" in err
    assert "questions to S0" not in err


def test_a_judge_s_numbers_stand_beside_the_rules(own, mine, tmp_path, capsys):
    script = tmp_path / "judge.py"
    script.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    row = json.loads(line)\n"
        "    assert set(row) == {'question', 'answer', 'accepted'}\n"
        "    print(float(any(each in row['answer'] for each in row['accepted'])))\n",
        encoding="utf-8",
    )
    probe(own, mine, [], f"'{sys.executable}' {script}")
    content = read_json(RunFolder(own).probe)
    assert content["systems"]["S1"]["judge"] == 1.0
    assert content["systems"]["S0"]["judge"] == 0.0
    assert content["judge"]["signature"].startswith("judge|command:")
    assert "mean of the judge" in capsys.readouterr().out
    assert "judge 1.00" in RunFolder(own).probe_page.read_text(encoding="utf-8")


def test_a_judge_that_fails_is_named(own, mine):
    with pytest.raises(MetricError, match="--judge: there is no program 'no-such-program'"):
        probe(own, mine, [], "no-such-program")
    with pytest.raises(MetricError, match="--judge: it printed 0 numbers for 4 rows"):
        probe(own, mine, [], f"{sys.executable} -c pass")
    with pytest.raises(UserError, match="--judge: No closing quotation"):
        probe(own, mine, [], "'python")


def test_languages_may_be_named(own, capsys):
    probe(own, None, ["hi", "kn"], None)
    content = read_json(RunFolder(own).probe)
    assert content["languages"] == ["hi", "kn"]
    assert content["questions"] == 48
    with pytest.raises(UserError, match=r"no questions in gu.*Questions ship in en, hi, kn"):
        probe(own, None, ["en", "gu"], None)


def test_a_question_that_does_not_fit_is_named(own, tmp_path):
    path = tmp_path / "long.jsonl"
    question = {"id": "x", "language": "en", "topic": "long", "question": "क" * 1000}
    path.write_text(json.dumps(question) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"long\.jsonl:1: its prompt of .* do not go into"):
        probe(own, path, [], None)


def test_only_an_instruction_model_with_a_tuned_one_is_asked(finished_run, own):
    with pytest.raises(UserError, match="this run's task is translation"):
        probe(finished_run, None, [], None)
    RunFolder(own).model.rename(own / "elsewhere")
    with pytest.raises(UserError, match="no tuned model yet"):
        probe(own, None, [], None)


def test_a_broken_file_is_refused_before_a_model_is_loaded(own, tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text("{\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.jsonl:1"):
        probe(own, path, [], None)

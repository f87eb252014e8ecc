"""The docs' commands are run as they stand, with a smaller model; the docs' tables are true."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dubash.data.phrasebook import folder as phrasebooks
from dubash.evaluate.behaviour import FAULTS, FLAGS
from dubash.evaluate.options import BehaviourOptions
from dubash.evaluate.probe.questions import Question
from dubash.evaluate.probe.rules import DIAGNOSES, OUTCOMES
from dubash.memory.options import RetrievalOptions
from dubash.model.footprint.devices import device_names
from dubash.recipe.load import load_recipe, shipped
from tiny import make_tiny

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def _pairs() -> list[list[str]]:
    text = (phrasebooks() / "hi-gu.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


def _recipe(page: str, model: Path) -> str:
    """The page's recipe, with a smaller model and less work."""
    recipe = yaml.safe_load(re.search(r"```yaml file=recipe\.yaml\n(.+?)```", page, re.DOTALL)[1])
    recipe["model"] |= {"name": str(model), "dtype": "fp32"}
    recipe["train"] = {
        **recipe.get("train", {}), "epochs": 1, "batch_size": 16, "dev_sample": 2,
    }  # fmt: skip
    recipe["generate"] = {"max_new_tokens": 4}
    return yaml.safe_dump(recipe)


@pytest.fixture
def workplace(tmp_path):
    """A folder with what the page on your own data takes for granted."""
    page = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")
    pairs = _pairs()
    model = make_tiny("llama", tmp_path / "tiny", [text for _, *both in pairs for text in both])
    rows = [f'"{source}","{target}",{topic}' for topic, source, target in pairs]
    head = re.search(r"```csv file=village\.csv\n(.+?)\n", page)[1]
    (tmp_path / "village.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(_recipe(page, model), encoding="utf-8")
    (tmp_path / "letters.txt").write_text("नमस्ते।\n\nआप कैसे हैं?\n", encoding="utf-8")
    return tmp_path


def _run_commands(page: str, folder: Path, least: int, ends: tuple[int, ...] = (0,)) -> None:
    commands = re.findall(r"^\$ dubash (.+)$", page, re.MULTILINE)
    assert len(commands) >= least
    for command in commands:
        smaller = command.replace("google/gemma-3-270m-it", "tiny")
        done = subprocess.run(
            [sys.executable, "-m", "dubash", *shlex.split(smaller)],
            cwd=folder, env={**os.environ}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in ends, f"dubash {command}\n{done.stderr[-2000:]}"


def test_the_commands_on_planning_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    _run_commands(page, workplace, least=4)
    assert not (workplace / "runs").exists()
    for name in device_names():
        assert f"| `{name}` |" in page


def test_the_commands_on_comparing_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    letters = "नमस्ते, आज मौसम कैसा है और आप कहाँ जा रहे हैं?\n"
    (workplace / "letters.txt").write_text(letters, encoding="utf-8")
    _run_commands(page, workplace, least=11)
    assert (workplace / "compared" / "compare.html").exists()
    short = (workplace / "compared-dev" / "compare.md").read_text(encoding="utf-8")
    assert " dev rows: " in short.splitlines()[0]
    assert (workplace / "runs" / "rank-8").exists()
    assert not (workplace / "runs" / "rank-16-again").exists()


def test_the_commands_on_audits_run_as_they_stand(workplace):
    pairs = [both for _, *both in _pairs()]
    for name, rows in (("train.tsv", pairs[:-20]), ("test.tsv", pairs[-20:])):
        lines = [("source", "target"), *rows]
        text = "".join(f"{source}\t{target}\n" for source, target in lines)
        (workplace / name).write_text(text, encoding="utf-8")
    for name, side in (("src.hi", 0), ("ref.gu", 1), ("out.gu", 1)):
        text = "".join(f"{pair[side]}\n" for pair in pairs[-20:])
        (workplace / name).write_text(text, encoding="utf-8")
    recipe = [
        "languages: {source: hi, target: gu}", "model: {name: tiny}",
        "data: {train: [train.tsv], dev_rows: 8, test_rows: 8}",
        "train: {max_steps: 1}", "generate: {max_new_tokens: 4}", "evaluate: {few_shot: 0}",
        "run: {name: theirs}",
    ]  # fmt: skip
    (workplace / "their.yaml").write_text("\n".join(recipe) + "\n", encoding="utf-8")
    _run_commands("$ dubash run their.yaml\n", workplace, least=1)
    (workplace / "runs" / "theirs" / "model").rename(workplace / "outputs")
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    _run_commands(page, workplace, least=2, ends=(0, 4))  # 4: a tiny model has faults
    for made in ("audited", "audited-files"):
        assert (workplace / made / "report.html").exists()


def test_the_commands_on_models_from_nothing_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "scratch.md").read_text(encoding="utf-8")
    recipe = re.search(r"```yaml file=scratch\.yaml\n(.+?)```", page, re.DOTALL)[1]
    (workplace / "scratch.yaml").write_text(recipe, encoding="utf-8")
    _run_commands(page, workplace, least=2)
    assert (workplace / "scratch-hi-gu" / "model.safetensors").exists()


def test_the_commands_on_following_a_training_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    _run_commands(page, workplace, least=1)
    assert list((workplace / "runs" / "village" / "tensorboard").glob("events.*"))


def test_the_commands_on_trimming_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "trim.md").read_text(encoding="utf-8")
    (workplace / "recipe.yaml").write_text(_recipe(page, workplace / "tiny"), encoding="utf-8")
    _run_commands(page, workplace, least=2)
    for made in ("small", "runs/village/base"):
        assert (workplace / made / "old_ids.json").exists()


def test_the_commands_on_glossaries_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    (workplace / "recipe.yaml").write_text(_recipe(page, workplace / "tiny"), encoding="utf-8")
    terms = re.search(r"```csv file=terms\.csv\n(.+?)```", page, re.DOTALL)[1]
    (workplace / "terms.csv").write_text(terms, encoding="utf-8")
    for name, side in (("src.hi", 1), ("ref.gu", 2), ("out.gu", 2)):
        text = "\n".join(pair[side] for pair in _pairs())
        (workplace / name).write_text(text + "\n", encoding="utf-8")
    _run_commands(page, workplace, least=4)
    scores = json.loads((workplace / "runs" / "village" / "scores.json").read_text("utf-8"))
    assert scores["terminology"]["entries"] == terms.count("\n") - 1


def test_the_commands_on_memories_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    rows = re.search(r"```tsv file=old\.tsv\n(.+?)```", page, re.DOTALL)[1]
    (workplace / "old.tsv").write_text(rows, encoding="utf-8")
    _run_commands(page, workplace, least=6)
    assert len((workplace / "memory.tsv").read_text("utf-8").splitlines()) == 4


def test_the_commands_on_retrieval_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "retrieval.md").read_text(encoding="utf-8")
    (workplace / "recipe.yaml").write_text(_recipe(page, workplace / "tiny"), encoding="utf-8")
    terms = re.search(r"```csv file=terms\.csv\n(.+?)```", page, re.DOTALL)[1]
    (workplace / "terms.csv").write_text(terms, encoding="utf-8")
    text = (phrasebooks() / "en-es.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:] if '"' not in line]
    lines = [f'"{source}","{target}"' for _, source, target in rows[:60]]
    (workplace / "rows.csv").write_text("\n".join(["source,target", *lines]), encoding="utf-8")
    _run_commands(page, workplace, least=3)
    scores = json.loads((workplace / "runs" / "help" / "scores.json").read_text("utf-8"))
    assert "S2" in scores["rivals"]
    options = RetrievalOptions()
    for name in RetrievalOptions.model_fields:
        if name not in ("memory", "glossary"):
            shown = str(getattr(options, name)).lower()
            assert f"| `retrieval.{name}` | {shown} |" in page


def test_the_commands_on_your_own_data_run_as_they_stand(workplace):
    _run_commands((ROOT / "docs" / "your-data.md").read_text(encoding="utf-8"), workplace, least=6)
    assert (workplace / "runs" / "village" / "report.html").exists()
    assert (workplace / "runs" / "village-slow" / "report.html").exists()
    assert len((workplace / "letters.gu").read_text(encoding="utf-8").splitlines()) == 3


def test_the_commands_on_metrics_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    recipe = _recipe(page, workplace / "tiny").replace("- python\n", f"- {sys.executable}\n")
    (workplace / "recipe.yaml").write_text(recipe, encoding="utf-8")
    program = re.search(r"```python file=gap\.py\n(.+?)```", page, re.DOTALL)[1]
    (workplace / "gap.py").write_text(program, encoding="utf-8")
    for name, place in (("src.hi", 1), ("out.gu", 2), ("ref.gu", 2)):
        lines = [pair[place] for pair in _pairs()[:12]]
        (workplace / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    _run_commands(page, workplace, least=4)
    scores = json.loads((workplace / "runs" / "village" / "scores.json").read_text())
    assert set(scores["differences"]["S1"]) == {"bleu", "chrf++", "ter", "length-gap"}


def test_the_commands_on_probing_run_as_they_stand(workplace):
    page = (ROOT / "docs" / "probe.md").read_text(encoding="utf-8")
    (workplace / "recipe.yaml").write_text(_recipe(page, workplace / "tiny"), encoding="utf-8")
    for kind, name in (("jsonl", "mine.jsonl"), ("python", "judge.py")):
        text = re.search(rf"```{kind} file={re.escape(name)}\n(.+?)```", page, re.DOTALL)[1]
        (workplace / name).write_text(text, encoding="utf-8")
    rows = [{"instruction": asked, "output": said} for _, asked, said in _pairs()]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (workplace / "answers.jsonl").write_text(text, encoding="utf-8")
    _run_commands(page.replace('"python ', f'"{sys.executable} '), workplace, least=4)
    content = json.loads((workplace / "runs" / "answers" / "probe.json").read_text("utf-8"))
    assert content["set"] == "mine.jsonl"
    assert content["judge"]["signature"].startswith("judge|command:")
    assert (workplace / "runs" / "answers" / "probe.html").exists()


def test_the_page_on_probing_names_every_diagnosis_and_every_outcome():
    page = (ROOT / "docs" / "probe.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert names == [*OUTCOMES, *DIAGNOSES, *Question.model_fields]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_page_on_behaviour_names_every_flag_and_every_default():
    page = (ROOT / "docs" / "behaviour.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (fault|warning) \|", page, re.MULTILINE)
    assert rows == [(flag, "fault" if flag in FAULTS else "warning") for flag in FLAGS]
    settings = re.findall(r"^\| (`[\w`, ]+`) \| ([\d., ]+) \|", page, re.MULTILINE)
    said = {
        name: float(value)
        for names, values in settings
        for name, value in zip(re.findall(r"\w+", names), values.split(", "), strict=True)
    }
    assert said == BehaviourOptions().model_dump()


def test_the_phrasebook_page_counts_right():
    page = (ROOT / "docs" / "phrasebook.md").read_text(encoding="utf-8")
    for name, words in (("en-es", "27 topics of 48 pairs, 1,296"), ("hi-gu", "12 topics of 20")):
        rows = (phrasebooks() / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        topics = {row.split("\t")[0] for row in rows}
        assert words in page
        assert words.startswith(f"{len(topics)} topics of {len(rows) // len(topics)}")


def test_the_readme_names_every_shipped_recipe_and_says_which_need_data_of_ones_own():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = [line for line in readme.splitlines() if line.startswith("| `")]
    for name in set(shipped()) - {"demo"}:
        (row,) = [line for line in table if f"`{name}`" in line]
        paths = {entry.path for entry in load_recipe(name).recipe.data.train if entry.path}
        assert ("yours" in row) == bool(paths), name
        assert all(f"`{path}`" in row for path in paths), name


def test_the_tree_in_the_readme_is_the_tree():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "src" / "dubash").iterdir() if path.is_dir()}
    rooms -= {"__pycache__"}
    assert {room for room in rooms if f"{room}/" not in readme} == set()

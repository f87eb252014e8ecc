"""`dubash run` with task: text, whole, through the command line, on a tiny Llama."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import make_tiny


def lines(count: int, seed: int = 1) -> list[str]:
    """Spanish-looking sentences of few words, so that a tiny model learns something of them."""
    draw = random.Random(seed)
    words = ["la", "el", "casa", "perro", "niña", "come", "azul", "pequeña", "luna", "río", "señor"]
    return [
        f"{' '.join(draw.choices(words, k=8))} {number} {draw.randrange(10**9)}."
        for number in range(count)
    ]


def dubash(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dubash", *arguments], cwd=folder, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a finished run, and what it said."""
    folder = tmp_path_factory.mktemp("text")
    texts = lines(120)
    make_tiny("llama", folder / "tiny", texts, hidden=32, vocabulary=400)
    (folder / "libro.txt").write_text(
        "\n".join([*texts, "", texts[0], "<p>Hola.</p>", "Это по-русски."]) + "\n", encoding="utf-8"
    )
    recipe = {
        "task": "text",
        "languages": {"source": "en", "target": "es"},
        "data": {"train": ["libro.txt"], "dev_rows": 10, "test_rows": 20},
        "model": {"name": "tiny", "dtype": "fp32"},
        "method": {"name": "full"},
        "train": {"epochs": 3, "batch_size": 4, "accumulation": 1, "learning_rate": 3e-3},
        "evaluate": {"bootstrap_samples": 200},
        "run": {"name": "lee"},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = dubash(folder, "run", "recipe.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, done.stdout


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_both_models_are_scored_by_bits_per_character_on_the_frozen_rows(finished):
    run = finished[0] / "runs" / "lee"
    scores = read(run / "scores.json")
    assert scores["task"] == "text"
    test = rows(run / "data" / "test.jsonl")
    assert scores["rows"] == len(test) == 20
    for system in scores["systems"]:
        kept = rows(run / "translations" / f"{system['name']}.jsonl")
        assert [row["text"] for row in kept] == [row["target"] for row in test]
        score = system["scores"]["bits_per_character"]
        bits, characters = (sum(row[key] for row in kept) for key in ("bits", "characters"))
        assert characters == sum(len(row["target"]) for row in test)
        assert score["value"] == pytest.approx(bits / characters)
        assert score["low"] < score["value"] < score["high"]
    assert [system["name"] for system in scores["systems"]] == ["S0", "S1"]
    change = scores["differences"]["S1"]["bits_per_character"]
    assert change["high"] < 0  # the words are few: reading them must help
    assert change["p"] < 0.05


def test_what_was_dropped_is_accounted_for(finished):
    account = read(finished[0] / "runs" / "lee" / "data" / "account.json")
    assert account["read"] == 123
    assert account["dropped"] == {"duplicate": 1, "markup": 1, "wrong script": 1}
    assert account["splits"]["train"]["rows"] == 90


def test_the_table_and_the_report_say_it_and_no_word_of_translation_scores(finished):
    folder, said = finished
    value = read(folder / "runs" / "lee" / "scores.json")["systems"][1]["scores"]
    shown = f"{value['bits_per_character']['value']:.3f}"
    page = (folder / "runs" / "lee" / "report.html").read_text(encoding="utf-8")
    card = (folder / "runs" / "lee" / "model" / "README.md").read_text(encoding="utf-8")
    for text in (said, page, card):
        assert shown in text
        assert "chrF" not in text.split("<script>")[0]
        assert "BLEU" not in text.split("<script>")[0]
    assert "below 0 is better" in said
    assert "bits per character less than the untuned model" in page
    assert "Spanish text" in page
    assert "Length and behaviour" not in page
    metadata = ModelCard(card).data.to_dict()
    assert metadata["pipeline_tag"] == "text-generation"
    assert metadata["language"] == ["es"]


def test_evaluate_gives_the_same_again_and_translate_refuses(finished):
    folder, said = finished
    before = read(folder / "runs" / "lee" / "scores.json")
    again = dubash(folder, "evaluate", "runs/lee")
    assert again.returncode == 0, again.stderr
    assert read(folder / "runs" / "lee" / "scores.json") == before
    assert again.stdout.split("report:")[0] == said.split("report:")[0]
    refused = dubash(folder, "translate", "runs/lee", "Hello")
    assert refused.returncode == 2
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert "not tuned to translate" in line


def test_the_model_is_one_to_be_tuned_to_translate(finished):
    folder = finished[0]
    pairs = [f"the {number} {line}\t{line}" for number, line in enumerate(lines(40, seed=2))]
    (folder / "pairs.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    recipe = {
        "languages": {"source": "en", "target": "es"},
        "data": {"train": ["pairs.tsv"], "dev_rows": 5, "test_rows": 5},
        "model": {"name": "runs/lee/model"},
        "run": {"name": "next"},
    }
    (folder / "next.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = dubash(folder, "check", "next.yaml")
    assert done.returncode == 0, done.stderr

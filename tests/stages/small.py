"""A small job for the command line: a tiny Llama, a CSV of sixty rows, a recipe of a few steps."""

from __future__ import annotations

import csv
from pathlib import Path

from safetensors.torch import load_file, save_file

from dubash.core.languages import LanguagePair, language
from dubash.data.phrasebook import phrasebook
from tiny import make_tiny

ROWS = 60
TEST_ROWS = 12

RECIPE = """\
languages: {{source: en, target: es}}
data:
  train: [rows.csv]
  dev_rows: 8
  test_rows: 12
model: {{name: {model}, device: cpu, dtype: fp32}}
method: {{name: lora, rank: 4, alpha: 8}}
train: {{max_steps: 4, batch_size: 4, accumulation: 1, dev_sample: 2, evaluate_every: 2}}
generate: {{max_new_tokens: 24}}
evaluate: {{few_shot: 0}}
run: {{name: first}}
"""


def pairs() -> list[tuple[str, str]]:
    """English–Spanish pairs of the phrasebook, in its order."""
    path, _ = phrasebook("en-es", LanguagePair(language("en"), language("es")))
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [(source, target) for _, source, target in rows]


def make_model(folder: Path) -> Path:
    """A tiny Llama that says something else to each prompt: its weights are eight times larger
    than a new model's."""
    texts = [text for pair in pairs() for text in pair]
    make_tiny("llama", folder, texts)
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    for name, tensor in tensors.items():
        if tensor.ndim >= 2 and "embed" not in name:
            tensor.mul_(8)
    save_file(tensors, weights, {"format": "pt"})
    return folder


def write_rows(path: Path, header: tuple[str, str] = ("source", "target")) -> Path:
    """The sixty rows as a CSV."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows(pairs()[:ROWS])
    return path


def make_job(folder: Path, model: Path) -> Path:
    """A folder with `rows.csv` and `recipe.yaml`; returns the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "rows.csv")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(model=model), encoding="utf-8")
    return recipe


def whole_files_only(folder: Path) -> bool:
    """Whether nothing temporary was left behind: their names begin with a dot."""
    return not [path for path in folder.rglob("*") if path.name.startswith(".")]

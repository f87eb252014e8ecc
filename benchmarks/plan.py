"""What `dubash plan` predicts beside what a run really takes: peak memory, and time of a step.

    python benchmarks/plan.py [--steps 6] [--only NAME] [--out plan.json] [--work FOLDER]

Random weights of true shapes, the phrasebook's rows through the real loop, each in a process of its
own. Predicted and measured run one after the other, so on a busy machine times mean little; memory
does not mind. Linux only: the peak is VmHWM.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

RECIPE = """\
languages: {{source: en, target: es}}
data: {{train: [{{phrasebook: en-es}}], dev_rows: 0}}
model: {{name: {model}, device: cpu}}
method: {{name: {method}}}
train: {{max_steps: {steps}, batch_size: 32, accumulation: 1, dev_sample: 0, save_every: 100000}}
run: {{name: {name}, folder: {folder}}}
"""


@dataclass(frozen=True)
class Case:
    """A shape by its shipped name or as a change of one, its tokenizer's family, and a method."""

    name: str
    shape: str
    family: str
    method: str
    changed: dict[str, Any]


QWEN3 = {
    "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "max_window_layers": 28,
    "max_position_embeddings": 40960,
}  # fmt: skip
SMOL, QWEN = "HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"
GEMMA = "google/gemma-3-270m-it"
CASES = [
    Case("smollm2-135m-lora", SMOL, "llama", "lora", {}),
    Case("qwen2.5-0.5b-lora", QWEN, "qwen2", "lora", {}),
    Case("qwen2.5-0.5b-qlora", QWEN, "qwen2", "qlora", {}),
    Case("qwen3-0.6b-lora", QWEN, "qwen3", "lora", QWEN3),
    Case("gemma-3-270m-full", GEMMA, "gemma3", "full", {}),
    Case("gemma-3-270m-trimmed-full", GEMMA, "gemma3", "full", {"vocab_size": 33024}),
    Case("mt5-small-full", "google/mt5-small", "mt5", "full", {}),
]


def main() -> None:
    """Both sides of every case, a table, and a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("plan.json"))
    parser.add_argument("--work", type=Path, help="Keep the checkpoints here.")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        train(asked.train)
        return
    with tempfile.TemporaryDirectory(prefix="dubash-plan-") as temporary:
        work = asked.work or Path(temporary)
        results = [compare(case, work, asked.steps) for case in CASES if asked.only in case.name]
    asked.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def compare(case: Case, work: Path, steps: int) -> dict[str, Any]:
    """One case: predicted, then measured."""
    model = work / case.name
    if not (model / "config.json").exists():
        make(case, model)
    with tempfile.TemporaryDirectory(prefix="dubash-run-") as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(
            RECIPE.format(
                model=model, method=case.method, steps=steps, name=case.name, folder=folder
            ),
            encoding="utf-8",
        )
        said = ask("-m", "dubash", "plan", str(recipe), "--json")
        done = ask(__file__, "--train", str(recipe))
    predicted, measured = json.loads(said), json.loads(done.splitlines()[-1])
    found = {
        "name": case.name,
        "peak": {"predicted": predicted["memory"]["peak"], "measured": measured["peak"]},
        "step": {"predicted": predicted["seconds"]["a_step"], "measured": measured["step"]},
        "parts": predicted["memory"]["parts"],
        "moment": predicted["memory"]["moment"],
    }
    shown = [f"{case.name:26}"]
    for name, unit, words in (("peak", 2**30, "GiB"), ("step", 1, "s")):
        guess, truth = found[name]["predicted"] / unit, found[name]["measured"] / unit
        shown.append(f"{name} {guess:6.2f} for {truth:6.2f} {words} ({guess / truth - 1:+.0%})")
    print("  ".join(shown), flush=True)
    return found


def ask(*arguments: str) -> str:
    """A Python process's standard output; 1 is the status of a plan that does not fit."""
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}  # as the command line sets it
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr[-3000:]}")
    return done.stdout


def train(recipe: Path) -> None:
    """In the child: prepare, train, and print what it took."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.train import train as stage

    run = stage(load_recipe(str(recipe)))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    seconds = [each["seconds"] for each in run.read_metrics() if each["kind"] == "train"]
    # a record's seconds are those before its step; the first step warms up
    steps = [after - before for before, after in pairwise(seconds[1:])]
    print(json.dumps({"peak": int(peak) * 1024, "step": sum(steps) / len(steps)}))


def make(case: Case, folder: Path) -> None:
    """A checkpoint of random weights in the precision that its maker stores, with a small
    tokenizer: token counts differ from the real model's, shapes do not."""
    sys.path.insert(0, str(ROOT / "tests"))
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    from dubash.data.phrasebook import folder as phrasebooks
    from tiny_tokenizers import TOKENIZERS

    shapes = ROOT / "src" / "dubash" / "model" / "shapes"
    raw = json.loads((shapes / f"{case.shape.replace('/', '__')}.json").read_text("utf-8"))
    lines = (phrasebooks() / "en-es.tsv").read_text("utf-8").splitlines()[1:]
    texts = [text for line in lines for text in line.split("\t")[1:]]
    tokenizer = TOKENIZERS[case.family](texts, 4000)
    ids = ("bos_token_id", "eos_token_id", "pad_token_id")
    named = {name: getattr(tokenizer, name) for name in ids}
    config = AutoConfig.for_model(**{**raw, **case.changed, **named})
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = auto.from_config(config, dtype=getattr(torch, raw["dtype"]))
    if raw.get("tie_word_embeddings") is False:
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(torch.randn_like(head.weight) * 0.02)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()

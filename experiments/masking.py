"""Loss mask × end token × serving prompt: "loss on the answer alone destroys fluency", law or bug?

    python experiments/masking.py FILE.tsv [--seeds 1 2 3] [--work runs/masking]

SmolLM2-135M-Instruct learns English→Spanish by LoRA for the same steps each time. Three things
vary: what the loss sees (everything, or the target), whether the end token is in it, and whether
serving ends the prompt as training did or two newlines later. dubash refuses all of these but two,
so this script plants the faults behind its back, and notes what preflight says of each. Every
training and every translation is kept in --work: a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

from dubash.core.errors import PreflightError
from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl
from dubash.core.progress import progress
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis
from dubash.evaluate.comparison import compare
from dubash.evaluate.matrix import pairwise, without_same_cuts
from dubash.evaluate.systems import System, cut_at_first_line
from dubash.model.load import load_base, load_trainable, load_tuned, save_tuned
from dubash.prompt.mask import IGNORE, causal_labels
from dubash.prompt.template import Template
from dubash.recipe.load import load_recipe
from dubash.stages.check import load_tokenizer_and_kind, preflight
from dubash.stages.common import make_engine, make_template
from dubash.stages.prepare import prepare
from dubash.train import batches, packs
from dubash.train.loop import Loop
from dubash.train.probe import make_collator
from dubash.translate.local import LocalTranslator

RECIPE = """\
languages: {{source: en, target: es}}
data:
  train: [{{path: {file}, columns: {{source: 0, target: 1}}}}]
  dev_rows: 100
  test_rows: 400
  max_rows: 2000
  seed: 7
model: {{name: "embedded:smollm2-135m-instruct"}}
method: {{name: lora, rank: 16, alpha: 32}}
prompt: {{system: "Translate from {{source_language}} to {{target_language}}.", text: "{{source}}"}}
train: {{epochs: 1, batch_size: 8, accumulation: 1, learning_rate: 1.0e-3, dev_sample: 0}}
generate: {{max_new_tokens: 96}}
run: {{name: data, folder: {work}}}
"""
NEWLINES = "\n\n"


class TwoNewlinesOff(Template):
    """Serves two newlines more than it trains with."""

    def prompt_text(self, source: str) -> str:
        return super().prompt_text(source) + NEWLINES


@contextmanager
def end_token(supervised: bool) -> Any:
    """Training with the end token in the loss, or with it outside."""
    if supervised:
        yield
        return

    def without_end(example: Any, seen: Any) -> list[int]:
        return [*causal_labels(example, seen)[:-1], IGNORE]

    def count(self: Any, example: Any) -> int:
        return sum(label != IGNORE for label in without_end(example, self.mask))

    with (
        mock.patch.object(packs, "causal_labels", without_end),
        mock.patch.object(batches.Collator, "supervised", count),
    ):
        yield


def main() -> None:
    """Train, translate, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=Path("runs/masking"))
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    path = asked.work / "recipe.yaml"
    path.write_text(RECIPE.format(file=asked.file.absolute(), work=asked.work.absolute()))
    loaded = load_recipe(str(path))
    _, prepared = prepare(loaded)
    found = [untuned(asked.work, loaded.recipe, prepared)]
    for seed in asked.seeds:
        for mask in ("target", "full"):
            for supervised in (True, False):
                found += one(asked.work, loaded.recipe, prepared, seed, mask, supervised)
    scores = compare(prepared.test, found, loaded.recipe.languages.pair(), loaded.recipe.evaluate)
    write_json(asked.work / "scores.json", scores.scores)
    show(asked.work, scores.scores)
    show_differences(prepared.test, found, asked.seeds, loaded.recipe)


def one(
    work: Path, recipe: Any, prepared: Any, seed: int, mask: str, supervised: bool
) -> list[System]:
    """One training and its two ways of serving."""
    recipe = recipe.model_copy(
        update={
            "prompt": recipe.prompt.model_copy(update={"mask": mask}),
            "train": recipe.train.model_copy(update={"seed": seed}),
        }
    )
    name = f"{mask}-{'end' if supervised else 'no-end'}-{seed}"
    tokenizer, kind = load_tokenizer_and_kind(recipe)
    template = make_template(recipe, tokenizer, kind)
    other = TwoNewlinesOff(recipe.prompt, tokenizer, kind, recipe.languages.pair(), recipe.task)
    run = RunFolder(work / name)
    examples = [(pair, template.example(pair)) for pair in prepared.train]
    examples = [each for each in examples if template.fits(each[1])]
    rows = [each for _, each in examples]
    with end_token(supervised):
        said = {
            "same": verdict(recipe, template, examples),
            "off": verdict(recipe, other, examples),
        }
        write_json(run.path / "preflight.json", said)
    if not run.model.exists():
        print(f"▸ train {name}", flush=True)
        model = load_trainable(recipe.model, recipe.method, seed=seed)
        collator = make_collator(model, mask, rows)  # its own check would find the fault
        with end_token(supervised):
            Loop(model, rows, [], collator, recipe.train, run, name).train()
        save_tuned(model, run.model)
    served = [
        translated(run, recipe, prepared, f"{name}-{serving}", shape)
        for serving, shape in (("same", template), ("off", other))
    ]
    if mask == "target" and not supervised:  # is what stands before the line break any worse?
        first = [cut_at_first_line(each) for each in served[0].hypotheses]
        served.append(System(f"{name}-first", "cut", served[0].sources, first))
    return served


def verdict(recipe: Any, template: Template, examples: Any) -> str:
    """What preflight says."""
    try:
        # rendered with the template that serves: its training side is patched, not this
        preflight(recipe, template, examples)
    except PreflightError as error:
        return error.what
    return "nothing"


def translated(run: RunFolder, recipe: Any, prepared: Any, name: str, template: Any) -> System:
    """The test rows by that model, asked in that way."""
    path = run.path / f"{name}.jsonl"
    sources = [row.source for row in prepared.test]
    if not path.exists():
        print(f"▸ translate {name}", flush=True)
        tuned = load_tuned(recipe.model, recipe.method, run.model)
        translate(path, recipe, tuned, template, sources)
    return read(path, name, sources)


def untuned(work: Path, recipe: Any, prepared: Any) -> System:
    """The test rows by the model as it came."""
    path, sources = work / "S0.jsonl", [row.source for row in prepared.test]
    if not path.exists():
        template = make_template(recipe, *load_tokenizer_and_kind(recipe))
        translate(path, recipe, load_base(recipe.model), template, sources)
    return read(path, "S0", sources)


def translate(path: Path, recipe: Any, model: Any, template: Any, sources: list[str]) -> None:
    engine = make_engine(recipe, model, template)
    with progress(path.stem, len(sources)) as advance:
        found = LocalTranslator(path.stem, template, engine).translate(sources, advance)
    write_jsonl(path, map(asdict, found))


def read(path: Path, name: str, sources: list[str]) -> System:
    return System(name, name, sources, [Hypothesis(**row) for row in read_jsonl(path)])


def show(work: Path, scores: dict[str, Any]) -> None:
    """A Markdown table: each way of training and serving, its seeds one after another."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for system in scores["systems"]:
        parts = system["name"].rsplit("-", 2)
        key = system["name"] if system["name"].startswith("S0") else f"{parts[0]} | {parts[2]}"
        groups.setdefault(key, []).append(system)
    print("| loss sees | serving | chrF++ | BLEU | own end | length | preflight says |")
    print("|---|---|---|---|---|---|---|")
    for key, systems in groups.items():
        cells = []
        for metric in ("chrf++", "bleu"):
            values = [each["scores"][metric] for each in systems]
            first = f"[{values[0]['low']:.1f}, {values[0]['high']:.1f}]"
            cells.append(", ".join(f"{each['value']:.1f}" for each in values) + f" {first}")
        ends = [each["stops"].get("end", 0) / scores["rows"] for each in systems]
        lengths = [each["length_ratio"] for each in systems]
        said = "–"
        if not key.startswith("S0"):
            folder = work / systems[0]["name"].rsplit("-", 1)[0]
            serving = systems[0]["name"].rsplit("-", 1)[1]
            said = read_json(folder / "preflight.json").get(serving, said)
        own = ", ".join(f"{each:.0%}" for each in ends)
        length = ", ".join(f"{each:.2f}" for each in lengths)
        mask, _, serving = key.partition(" | ")
        print(f"| {mask} | {serving} | {' | '.join(cells)} | {own} | {length} | {said} |")
    print(json.dumps({"rows": scores["rows"]}))


def show_differences(test: Any, found: list[System], seeds: list[int], recipe: Any) -> None:
    """A Markdown table: each way of training, served as trained, against the same seed's target
    with its end token; p by Holm over the pairs of a seed."""
    print("| against target-end, served as trained | chrF++ | BLEU |")
    print("|---|---|---|")
    for seed in seeds:
        best = f"target-end-{seed}-same"
        ours = [each for each in found if each.name.endswith(f"-{seed}-same")]
        compared = compare(test, ours, recipe.languages.pair(), recipe.evaluate)
        for record in pairwise(without_same_cuts(compared), recipe.evaluate, 1000):
            if record["against"] == best and not record["system"].endswith("-cut"):
                cells = [
                    f"{each['value']:+.1f} [{each['low']:+.1f}, {each['high']:+.1f}], "
                    f"p = {each['p_holm']:.3f}"
                    for each in map(record["metrics"].get, ("chrf++", "bleu"))
                ]
                print(f"| {record['system']} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""Trains one family by all methods in one process and prints what came of it, as JSON:

python family.py FAMILY ROWS.tsv FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from dubash.core.languages import LanguagePair, language
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.engine.options import GenerateOptions
from dubash.engine.transformers import TransformersEngine
from dubash.model.load import LoadedModel, load_trainable, load_tuned, save_tuned
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Example, Template
from dubash.train.batches import Batch, Collator
from dubash.train.loop import Loop
from dubash.train.loss import Scorer, loss_sums
from dubash.train.options import TrainOptions
from dubash.train.probe import make_collator
from tiny import SEQ2SEQ, make_tiny

HINDI_GUJARATI = LanguagePair(language("hi"), language("gu"))
METHODS = ("full", "lora", "qlora", "lora-int8")


def rows(path: Path, count: int) -> list[Pair]:
    """The first short pairs of a file, each source once."""
    found: dict[str, Pair] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        source, target = line.split("\t")
        if 12 <= len(source) <= 60 and len(target) <= 60:
            found.setdefault(source, Pair(source, target, origin=f"{path.name}:{number}"))
        if len(found) == count:
            break
    return list(found.values())


def main(family: str, data: Path, folder: Path) -> dict[str, Any]:
    """All methods, one after the other."""
    pairs = rows(data, 320)
    texts = [text for pair in pairs for text in (pair.source, pair.target)]
    spread = 0.02 if family in SEQ2SEQ else 0.1  # their own scale is wide enough
    base = make_tiny(family, folder / "base", texts, spread=spread)
    model = ModelOptions(name=str(base), dtype="fp32")
    return {name: run(model, name, pairs, folder / name) for name in METHODS}


def run(model: ModelOptions, name: str, pairs: list[Pair], folder: Path) -> dict[str, Any]:
    """Train by one method through the real loop, save, reload, and look at both."""
    full = name == "full"
    method = MethodOptions(name="full") if full else MethodOptions(name=name, rank=16, alpha=32)
    loaded = load_trainable(model, method, seed=1)
    template = Template(PromptOptions(), loaded.tokenizer, loaded.kind, HINDI_GUJARATI, "")
    examples = [template.example(pair) for pair in pairs]
    train, dev = (examples[:32], examples[:32]) if full else (examples[:256], examples[256:])
    collator = make_collator(loaded, "target", train)
    options = TrainOptions(
        epochs=250 if full else 6, batch_size=32 if full else 16, accumulation=1,
        learning_rate=3e-3, dev_sample=0, evaluate_every=10_000,
    )  # fmt: skip
    before = dev_loss(loaded, collator(dev))
    Loop(loaded, train, dev, collator, options, RunFolder(folder), "family").train()
    save_tuned(loaded, folder / "model")
    again = load_tuned(model, method, folder / "model")
    batch = padded(loaded, dev[:8])
    found = {
        "kind": loaded.kind,
        "dev_before": before,
        "dev_after": dev_loss(loaded, collator(dev)),
        "identical_logits": bool(torch.equal(logits(loaded, batch), logits(again, batch))),
    }
    if full:
        ends = [template.end_id]
        engine = TransformersEngine(
            again.model, again.tokenizer, again.kind, ends, GenerateOptions(max_new_tokens=128),
            template.decoder_prefix,
        )  # fmt: skip
        outputs = engine.generate([example.prompt for example in train])
        found["reproduced"] = sum(
            output.stop == "end" and output.text == readable(template, pair)
            for output, pair in zip(outputs, pairs, strict=False)
        )
    return found


def readable(template: Template, pair: Pair) -> str:
    """The target as the tokenizer can give it back (mT5's normalises)."""
    tokenizer = template.tokenizer
    ids = tokenizer(pair.target, add_special_tokens=False).input_ids
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


@torch.no_grad()
def dev_loss(loaded: LoadedModel, batch: Any) -> float:
    """Mean loss over supervised tokens in eval mode."""
    loaded.model.eval()
    total, count = loss_sums(Scorer(loaded.model), [batch]).tolist()
    return float(total / count)


@torch.no_grad()
def logits(loaded: LoadedModel, batch: Any) -> torch.Tensor:
    """Logits `[batch, time, vocabulary]` in eval mode."""
    loaded.model.eval()
    found: torch.Tensor = loaded.model(**batch.inputs).logits
    return found


def padded(loaded: LoadedModel, examples: list[Example]) -> Batch:
    """A padded batch, as anyone else would hand it to the model."""
    start = loaded.model.config.decoder_start_token_id if loaded.kind == "seq2seq" else None
    pad = loaded.tokenizer.pad_token_id
    return Collator(loaded.kind, "target", pad, start, packed=False)(examples)


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps(result))

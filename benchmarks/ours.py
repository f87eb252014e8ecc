"""dubash's side: its own loop and its own engine, as `dubash run` uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.job import LEARNING_RATE, Channel, Job, Round
from benchmarks.rows import read_examples

MOST_ROUNDS = 500


def train(job: Job, channel: Channel) -> None:
    """Rounds of training by `train.loop.Loop`; an epoch is a round."""
    import torch

    from dubash.core.progress import Ticker
    from dubash.core.run import RunFolder
    from dubash.model.load import load_trainable
    from dubash.model.options import MethodOptions, ModelOptions
    from dubash.train.loop import Loop
    from dubash.train.options import TrainOptions
    from dubash.train.probe import make_collator
    from dubash.train.watch import Watch

    examples, _ = read_examples(Path(job.rows))
    model = ModelOptions(name=job.model_name, dtype=job.dtype, device=job.device)
    method = MethodOptions(name="full") if job.method == "full" else MethodOptions(name="lora")
    loaded = load_trainable(model, method, seed=job.seed)
    options = TrainOptions(
        epochs=MOST_ROUNDS, batch_size=job.batch or len(examples), accumulation=1,
        learning_rate=LEARNING_RATE, schedule="constant", warmup=0, seed=job.seed, dev_sample=0,
        optimizer=job.optimizer,
    )  # fmt: skip
    collator = make_collator(loaded, "target", examples)
    run = RunFolder(Path(job.scratch) / "run")
    loop = Loop(loaded, examples, [], collator, options, run, "benchmark")
    channel.ready(
        parameters=loaded.total_parameters, trainable=loaded.trainable_parameters,
        dtype=loaded.compute_dtype, packed=collator.packed, pass_tokens=loop.passes.pass_tokens,
        optimizer=type(loop.optimizer.optimizer).__name__, threads=torch.get_num_threads(),
        gpu=torch.cuda.get_device_name() if job.device == "cuda" else None,
    )  # fmt: skip
    watch = Watch(run, Ticker("train", 1, "tokens"))
    for epoch in range(MOST_ROUNDS):
        steps = [step for step in loop.steps if step.epoch == epoch]
        before = loop.state.tokens, loop.state.supervised_tokens
        if not channel.wait():
            return
        for step in steps:
            loop._step(step, watch)  # as Loop.train does, between looks
        _finish(job.device)
        channel.stop()
        channel.answer(_account(loop, steps, *before))


def _account(loop: Any, steps: list[Any], tokens: int, supervised: int) -> Round:
    """What the loop itself has logged of these steps."""
    records = [each for each in loop.run.read_metrics() if each["kind"] == "train"][-len(steps) :]
    counted, loss = supervised, 0.0
    for record in records:
        loss += record["loss"] * (record["supervised_tokens"] - counted)
        counted = record["supervised_tokens"]
    rows = sum(len(step.rows) for step in steps)
    return Round(rows, loop.state.tokens - tokens, loop.state.supervised_tokens - supervised, loss)


def translate(job: Job, channel: Channel) -> None:
    """Rounds of translation by the engine that `auto` takes. The first converts the model."""
    import torch

    from dubash.engine.choose import ChosenEngine
    from dubash.engine.options import GenerateOptions
    from dubash.model.load import load_base
    from dubash.model.options import ModelOptions

    examples, references = read_examples(Path(job.rows))
    prompts = [list(each.prompt) for each in examples]
    loaded = load_base(ModelOptions(name=job.model_name, dtype=job.dtype, device=job.device))
    engine = ChosenEngine(loaded, job.ends, GenerateOptions(max_new_tokens=job.new_tokens))
    channel.ready(
        parameters=loaded.total_parameters, dtype=loaded.compute_dtype,
        threads=torch.get_num_threads(), new_tokens=job.new_tokens,
    )  # fmt: skip
    while channel.wait():
        found = engine.generate(prompts)
        _finish(job.device)
        channel.stop()
        extra = {"engine": engine.label} | quality([each.text for each in found], references)
        channel.answer(Round(len(found), sum(each.tokens for each in found), 0, None, extra))


def quality(texts: list[str], references: list[str]) -> dict[str, Any]:
    """chrF++ where rows have a reference; what each text was, as a hash; how much they vary, as
    the share of a text's words that stand in it for the first time."""
    from dubash.core.files import sha256_text
    from dubash.evaluate.metrics import chrf

    words = [text.split() for text in texts]
    found: dict[str, Any] = {
        "texts": [sha256_text(text)[:8] for text in texts],
        "varied": round(sum(len(set(each)) for each in words) / max(1, sum(map(len, words))), 3),
    }
    if all(references):
        found["chrf"] = round(chrf(texts, references), 2)
    return found


def _finish(device: str) -> None:
    """A GPU works on after Python has gone on."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()

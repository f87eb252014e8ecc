"""The peers that train: the Trainer of transformers, Seq2SeqTrainer, and TRL's SFTTrainer.

Each is set up from its own documentation and runs its own loop. A callback makes an epoch a round:
it waits at the beginning and answers at the end. The order of rows within an epoch is the
trainer's own; all rows come once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks.job import LEARNING_RATE, Channel, Job, Round
from benchmarks.rows import read_examples
from benchmarks.variants import BATCH, TRL
from dubash.prompt.mask import IGNORE, causal_labels

MOST_ROUNDS = 500

RECORDED = (
    "per_device_train_batch_size", "gradient_accumulation_steps", "bf16", "gradient_checkpointing",
    "train_sampling_strategy", "optim", "max_length", "packing", "packing_strategy", "padding_free",
    "completion_only_loss", "use_liger_kernel", "torch_compile",
)  # fmt: skip
"""Settings that a result depends on, read back from what the trainer has made of them."""


class Counts:
    """What the trainer's own batches held since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the round before."""
        self.tokens = self.supervised = self.losses = 0.0

    def add(self, inputs: dict[str, Any], loss: torch.Tensor, divisor: Any) -> None:
        """Count a batch whose loss was divided by `divisor` (None: by its own tokens)."""
        labels = inputs["labels"]
        seq2seq = "decoder_input_ids" in inputs
        supervised = int((labels if seq2seq else labels[:, 1:]).ne(IGNORE).sum())
        mask = inputs.get("attention_mask")
        self.tokens += int(mask.sum()) if mask is not None else inputs["input_ids"].numel()
        self.tokens += supervised if seq2seq else 0
        self.supervised += supervised
        self.losses += float(loss.detach()) * float(supervised if divisor is None else divisor)


def counting(base: type[Any], counts: Counts) -> type[Any]:
    """The trainer's class with its losses added up; that costs it nothing to speak of."""

    class Counting(base):  # type: ignore[misc, valid-type]
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):  # type: ignore[no-untyped-def]
            shown = dict(inputs)
            found = super().compute_loss(
                model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch
            )
            counts.add(shown, found[0] if return_outputs else found, num_items_in_batch)
            return found

    Counting.__name__ = base.__name__
    return Counting


class Paced(TrainerCallback):
    """An epoch is a round."""

    def __init__(self, channel: Channel, counts: Counts, rows: int, device: str) -> None:
        self.channel, self.counts, self.rows, self.device = channel, counts, rows, device
        self.facts: Callable[[], dict[str, Any]] = dict

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.channel.ready(**self.facts())

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.counts.reset()
        if not self.channel.wait():
            raise SystemExit

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()
        self.channel.stop()
        counts = self.counts
        self.channel.answer(
            Round(self.rows, int(counts.tokens), int(counts.supervised), counts.losses)
        )


def trainer(job: Job, channel: Channel) -> None:
    """transformers' Trainer (with peft where the method is LoRA), or Seq2SeqTrainer."""
    examples, counts = read_examples(Path(job.rows))[0], Counts()
    seq2seq = job.kind == "seq2seq"
    auto = AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM
    model = auto.from_pretrained(job.checkpoint, dtype=getattr(torch, base_dtype(job)))
    if job.method == "lora":
        from peft import get_peft_model

        model = get_peft_model(model, lora_config())
    tokenizer = AutoTokenizer.from_pretrained(job.checkpoint)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # as its docs say for such models
    settings = {"bf16": job.dtype == "bf16", **common(job, len(examples))}
    if "grouped" in job.variant:
        settings["train_sampling_strategy"] = "group_by_length"
    if job.variant == "accumulated":  # a step that no single batch could hold, as its docs advise
        settings["per_device_train_batch_size"] = BATCH
        settings["gradient_accumulation_steps"] = -(-len(examples) // BATCH)
    arguments = (Seq2SeqTrainingArguments if seq2seq else TrainingArguments)(**settings)
    paced = Paced(channel, counts, len(examples), job.device)
    made = counting(Seq2SeqTrainer if seq2seq else Trainer, counts)(
        model=model, args=arguments, train_dataset=dataset(job, examples),
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model), processing_class=tokenizer,
        callbacks=[paced],
    )  # fmt: skip
    paced.facts = lambda: facts(made)
    made.train()


def trl(job: Job, channel: Channel) -> None:
    """TRL's SFTTrainer, given the checkpoint's path as its docs do."""
    from trl import SFTConfig, SFTTrainer, pack_dataset

    examples, counts = read_examples(Path(job.rows))[0], Counts()
    settings = {**common(job, len(examples)), **TRL[job.variant]}
    if job.variant != "default":
        settings |= {
            "bf16": job.dtype == "bf16", "gradient_checkpointing": False,
            "model_init_kwargs": {"dtype": base_dtype(job)},
        }  # fmt: skip
    if not job.batch and "per_device_train_batch_size" in settings:  # one step of all rows
        passes = -(-len(examples) // settings["per_device_train_batch_size"])
        settings["gradient_accumulation_steps"] = passes
    if settings.get("packing"):  # as many packs in a step as hold its rows
        length, way = settings["max_length"], settings["packing_strategy"]
        packs = len(pack_dataset(dataset(job, examples), length, way))
        steps = -(-len(examples) // (job.batch or len(examples)))
        each = -(-packs // steps)
        settings |= {"per_device_train_batch_size": 1, "gradient_accumulation_steps": each}
    paced = Paced(channel, counts, len(examples), job.device)
    made = counting(SFTTrainer, counts)(
        model=job.checkpoint, args=SFTConfig(**settings), train_dataset=dataset(job, examples),
        peft_config=lora_config() if job.method == "lora" else None, callbacks=[paced],
    )  # fmt: skip
    paced.facts = lambda: facts(made)
    made.train()


def base_dtype(job: Job) -> str:
    """As ours: a frozen base lies in the precision it computes in, trained weights in fp32."""
    return "bfloat16" if job.method == "lora" and job.dtype == "bf16" else "float32"


def common(job: Job, rows: int) -> dict[str, Any]:
    """What all trainers get: the batch, the rate, and nothing that would write or report."""
    return {
        "output_dir": job.scratch, "num_train_epochs": MOST_ROUNDS,
        "per_device_train_batch_size": job.batch or rows, "learning_rate": LEARNING_RATE,
        "save_strategy": "no", "report_to": "none", "seed": job.seed,
        "use_cpu": job.device == "cpu",
    }  # fmt: skip


def dataset(job: Job, examples: list[Any]) -> Dataset:
    """Tokenized rows with the prompt outside the loss, as each of these trainers takes them."""
    if job.kind == "seq2seq":
        return Dataset.from_list(
            [{"input_ids": list(e.prompt), "labels": list(e.target)} for e in examples]
        )
    return Dataset.from_list(
        [
            {"input_ids": [*e.prompt, *e.target], "labels": causal_labels(e, "target")}
            for e in examples
        ]
    )


def lora_config() -> Any:
    """The same adapters as dubash's defaults: rank 16 on all linear layers but the head."""
    from peft import LoraConfig, TaskType

    return LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear",
        task_type=TaskType.CAUSAL_LM,
    )  # fmt: skip


def facts(made: Any) -> dict[str, Any]:
    """What this trainer really runs with."""
    counted = list(made.model.parameters())
    settings = {name: getattr(made.args, name, None) for name in RECORDED}
    return {
        "trainer": type(made).__name__, "parameters": sum(each.numel() for each in counted),
        "trainable": sum(each.numel() for each in counted if each.requires_grad),
        "weights": str(counted[0].dtype), "attention": made.model.config._attn_implementation,
        "threads": torch.get_num_threads(),
        **{name: str(value) for name, value in settings.items() if value is not None},
    }  # fmt: skip

"""Settings of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from dubash.core.options import Options

Optimizer = Literal[
    "adamw", "adamw-disk", "adamw-8bit", "paged-adamw", "paged-adamw-8bit", "adafactor"
]

BITSANDBYTES: frozenset[Optimizer] = frozenset({"adamw-8bit", "paged-adamw", "paged-adamw-8bit"})
"""The optimizers that come from bitsandbytes."""

PASS_TOKENS = {"cpu": 2048, "cuda": 8192}
"""Tokens in a forward pass unless set: matrix products are at full speed, and memory small."""

FULL_PASS_TOKENS = {"cpu": 512, "cuda": 8192}
"""The same where all weights are trained, for each lane. Gemma-3-270M, steps of 8,192 tokens on 2
cores: a peak of 6.3 GB in 48-51 s, 7.3 GB in 46-47 s at 1,024, 9.0 GB in 48-53 s at 2,048."""

LOOKS = 5
"""Looks at the dev set in a run whose recipe does not say."""


class TrainOptions(Options):
    """How the model is fine-tuned. A step is one optimizer step; a look is one evaluation."""

    epochs: float | None = Field(
        None, gt=0, le=1000, description="Passes over the rows; 1 where no other limit is set."
    )
    max_steps: int | None = Field(
        None, ge=1, le=10_000_000, description="Stop after this many steps."
    )
    max_tokens: int | None = Field(
        None,
        ge=1,
        le=10**12,
        description="Train on no more tokens than this, prompts counted.",
    )
    batch_size: int = Field(
        8, ge=1, le=4096, description="Rows in a step on a device, times accumulation."
    )
    accumulation: int = Field(
        4,
        ge=1,
        le=4096,
        description="As other trainers have it: a step is batch_size × accumulation rows. How many "
        "share a forward pass is up to pass_tokens.",
    )
    pass_tokens: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Most tokens in forward passes at a time on a device. Unless set: 8,192 on a "
        "GPU; on a CPU 2,048, or 512 where all weights are trained. Changes memory and speed, not "
        "what is learnt.",
    )
    processes: int = Field(
        1, ge=1, le=1024, description="Devices asked for; the run is refused if others come."
    )
    optimizer: Optimizer = Field(
        "adamw",
        description="disk: state in a file that each step reads and writes, for a CPU; the same "
        "steps with 8 bytes a trained weight less memory, and as many written to the disk. "
        "8bit: two bytes of state a weight instead of eight; paged: state that moves to the "
        "host's memory where the GPU's is short. The last two need bitsandbytes.",
    )
    learning_rate: float = Field(2e-4, gt=0, le=10)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps with rising rate.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="On matrices only.")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each label spread over the whole vocabulary."
    )
    clip: float = Field(1.0, gt=0, le=1e6, description="Largest gradient norm.")
    evaluate_every: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Steps between looks at the dev set; five looks a run unless set.",
    )
    dev_sample: int = Field(
        32,
        ge=0,
        le=10_000,
        description="Dev rows translated for chrF++ at each look; 0: loss only.",
    )
    keep_best: Literal["loss", "chrf"] = Field("loss", description="What the best checkpoint is.")
    patience: int | None = Field(
        None, ge=1, le=10_000_000, description="Stop after this many looks without a better one."
    )
    save_every: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Steps between checkpoints; at each look unless set.",
    )
    tensorboard: bool = Field(
        False,
        description="Write event files for TensorBoard into the run folder, to watch training in a "
        "browser; needs the library tensorboard.",
    )
    retrieval: bool = Field(
        False, description="Show the model in training what `retrieval` shows it in use, to each "
        "row its neighbours and never itself.",
    )  # fmt: skip
    seed: int = Field(1, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _goes_together(self) -> TrainOptions:
        if self.keep_best == "chrf" and self.dev_sample == 0:
            raise ValueError("train.keep_best: chrf needs train.dev_sample above 0")
        return self


def pass_tokens(options: TrainOptions, device: str, full: bool, lanes: int = 1) -> int:
    """Tokens in a forward pass, its lanes together: what is set, or the default for the device
    (`cpu`, `cuda`)."""
    usual = FULL_PASS_TOKENS[device] * lanes if full else PASS_TOKENS[device]
    return options.pass_tokens or usual

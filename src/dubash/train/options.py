"""Settings of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from dubash.core.options import Options


class TrainOptions(Options):
    """How the model is fine-tuned. A step is one optimizer step."""

    epochs: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="Passes over the rows; 1 unless max_steps or max_tokens is set.",
    )
    max_steps: int | None = Field(None, ge=1, description="Stop after this many steps.")
    max_tokens: int | None = Field(
        None, ge=1, description="Stop once this many tokens were trained on, prompts counted."
    )
    batch_size: int = Field(8, ge=1, le=4096, description="Rows in one forward pass on one device.")
    accumulation: int = Field(4, ge=1, le=4096, description="Forward passes in one step.")
    processes: int = Field(
        1, ge=1, le=1024, description="Devices asked for; refused if others come."
    )
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    learning_rate: float = Field(2e-4, gt=0, le=10)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps with rising rate.")
    weight_decay: float = Field(0.0, ge=0, le=1)
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = Field(1.0, gt=0, description="Largest gradient norm.")
    evaluate_every: int | None = Field(
        None, ge=1, description="Steps between looks at the dev set; 5 looks a run unless set."
    )
    dev_sample: int = Field(
        32,
        ge=0,
        le=10_000,
        description="Dev rows translated for chrF at each look; 0: dev loss only.",
    )
    keep_best: Literal["loss", "chrf"] = Field(
        "loss", description="What makes a checkpoint the best."
    )
    patience: int | None = Field(
        None, ge=1, description="Stop after this many looks without a better one."
    )
    save_every: int | None = Field(
        None, ge=1, description="Steps between checkpoints; at each look unless set."
    )
    seed: int = 1

    @model_validator(mode="after")
    def _goes_together(self) -> TrainOptions:
        if self.keep_best == "chrf" and self.dev_sample == 0:
            raise ValueError("train.keep_best: chrf needs train.dev_sample above 0")
        return self

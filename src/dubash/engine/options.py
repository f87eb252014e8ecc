"""Settings of generation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from dubash.core.options import Options


class GenerateOptions(Options):
    """How hypotheses are generated; S0 and S1 alike."""

    engine: Literal["auto", "transformers", "ctranslate2"] = Field(
        "auto",
        description="auto: ctranslate2 on a CPU where it is installed, its conversion of the model "
        "passes a check of its logits, and the settings mean the same; otherwise transformers.",
    )
    compute_type: Literal["int8", "float32"] = Field(
        "int8", description="What ctranslate2 multiplies in; transformers keeps the model's dtype."
    )
    beams: int = Field(1, ge=1, le=32, description="1 is greedy search.")
    max_new_tokens: int = Field(128, ge=1, le=8192, description="Limit for one hypothesis.")
    sample: bool = Field(False, description="Sample instead of taking the likeliest.")
    temperature: float = Field(1.0, gt=0, le=10)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, le=100_000, description="0: no limit.")
    repetition_penalty: float = Field(1.0, gt=0, le=10, description="1.0: none.")
    length_penalty: float = Field(1.0, ge=-10, le=10, description="Beam search only.")
    stop_strings: list[str] = Field(
        default_factory=list,
        max_length=16,
        description="Texts that end a hypothesis and are cut off it. None by default, so that the "
        "report shows whether the model ends by itself.",
    )
    batch_tokens: int = Field(
        4096, ge=64, le=4_000_000, description="Most tokens in a batch, padding and output counted."
    )
    seed: int = Field(1, ge=0, lt=2**32, description="For sampling.")

    @model_validator(mode="after")
    def _goes_together(self) -> GenerateOptions:
        only_sampling = sorted({"temperature", "top_p", "top_k"} & self.changed())
        if only_sampling and not self.sample:
            raise ValueError(
                f"generate.{only_sampling[0]} has no effect without sampling; "
                "set generate.sample: true or leave it out"
            )
        if self.sample and self.beams > 1:
            raise ValueError("generate.sample and generate.beams > 1 do not go together")
        if "length_penalty" in self.changed() and self.beams == 1:
            raise ValueError("generate.length_penalty has no effect with generate.beams: 1")
        if self.engine == "ctranslate2" and (reason := unlike(self)):
            raise ValueError(f"generate.engine ctranslate2 cannot do this: {reason}")
        if self.engine == "transformers" and "compute_type" in self.changed():
            raise ValueError(
                "generate.compute_type has no effect with generate.engine: transformers"
            )
        if any(not text for text in self.stop_strings):
            raise ValueError("generate.stop_strings holds an empty text")
        return self


def unlike(options: GenerateOptions) -> str:
    """Which setting means something else to CTranslate2 than to transformers; "" for none."""
    if options.sample:
        return "it draws samples by a seed of its own"
    if options.beams == 1:
        return ""
    if options.stop_strings:
        return "it has no stop strings under beam search"
    if options.repetition_penalty != 1.0:
        return "its repetition penalty under beam search leaves out the prompt"
    if options.engine == "auto":
        return "its beam search stops sooner (generate.engine: ctranslate2 accepts that)"
    return ""

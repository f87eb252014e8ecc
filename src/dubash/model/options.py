"""Which model and how it is tuned. The only place where these defaults stand; no torch here."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from dubash.core.options import Options
from dubash.model.scripts import script_word

EMBEDDED = "embedded:smollm2-135m-instruct"
"""The model that comes as a Python package, for machines without a hub."""

SCRATCH = "scratch.json"
"""What tells a model from nothing: its settings, beside its weights."""

Kind = Literal["causal", "seq2seq"]
Precision = Literal["fp32", "bf16", "fp16"]
MethodName = Literal["full", "lora", "qlora", "lora-int8"]


class TrimOptions(Options):
    """`model.trim`: cut the vocabulary to the pair before tuning.

    Kept are the tokens of the training rows, and of the pair's scripts so many of the commonest
    that at least the share `unchanged` of unseen text's tokens is expected to stay as it was;
    0 keeps the tokens of the rows alone, 1 the pair's scripts whole. `scripts` (Deva, Gujr, Latn,
    or DEVANAGARI) are kept whole besides. Bytes and special tokens always stay.
    """

    scripts: tuple[str, ...] = ()
    # 500 sentences of the pair should keep 99.5%; the rest is room for chance
    unchanged: Annotated[float, Field(ge=0, le=1)] = 0.998

    @field_validator("scripts")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(script_word(name) for name in names))


class ScratchOptions(Options):
    """`dubash scratch`: a model of random weights for a pair that no model knows.

    `layers` are those of each side. `dropout` holds in training; attention's is a third of it.
    """

    kind: Kind = "seq2seq"
    vocabulary: Annotated[int, Field(ge=300, le=256_000)] = 4000
    width: Annotated[int, Field(ge=16, le=2048)] = 256
    layers: Annotated[int, Field(ge=1, le=24)] = 4
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3

    @model_validator(mode="after")
    def _heads_part_the_width(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"a width of {self.width} does not part into {self.heads} heads of an even size"
            )
        return self


class ModelOptions(Options):
    """The `model` part of a recipe.

    `name` is a hub id (`owner/name`), a local folder, or `embedded:smollm2-135m-instruct`.
    `dtype: auto` is bf16 where the device computes in it natively, else fp16 on a GPU and fp32 on
    a CPU. `trim` cuts the vocabulary of the model that is tuned; the untuned one (S0) stays whole.
    """

    name: Annotated[str, Field(min_length=1, examples=["google/gemma-3-270m-it"])]
    revision: str | None = None
    kind: Literal["auto"] | Kind = "auto"
    dtype: Literal["auto"] | Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    gradient_checkpointing: bool = False
    trust_remote_code: bool = False
    trim: Annotated[TrimOptions | None, Field(examples=[{}])] = None

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if self.device == "cpu" and self.dtype == "fp16":
            raise ValueError(
                "model.dtype fp16 needs a GPU, but model.device is cpu; take fp32 or auto"
            )
        if not self.name.startswith("embedded:"):
            return self
        if self.name != EMBEDDED:
            raise ValueError(f"model.name: there is one embedded model, '{EMBEDDED}'")
        for field in ("revision", "trust_remote_code"):
            if getattr(self, field):
                raise ValueError(f"model.{field} is for models of a hub; {EMBEDDED} has none")
        if self.kind == "seq2seq":
            raise ValueError(f"model.kind is seq2seq, but {EMBEDDED} is causal")
        return self


class MethodOptions(Options):
    """The `method` part: what is trained.

    `full` trains every weight; `lora` adds low-rank adapters (Hu et al. 2021, arXiv:2106.09685)
    to a frozen base; `qlora` the same over a base in 4-bit NF4 (Dettmers et al. 2023,
    arXiv:2305.14314); `lora-int8` over LLM.int8() (Dettmers et al. 2022, arXiv:2208.07339).
    `target_modules` are names of linear layers as they end (`q_proj`); `auto` is all of them but
    the head.
    """

    name: MethodName = "lora"
    rank: Annotated[int, Field(ge=1, le=1024)] = 16
    alpha: Annotated[float, Field(gt=0, le=10_000)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: Annotated[
        Literal["auto"] | list[str], Field(examples=[["q_proj", "v_proj"]])
    ] = "auto"
    double_quantization: bool = True

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if not self.target_modules:
            raise ValueError("method.target_modules names no layer; leave it out for all of them")
        named = self.changed() - {"name"}
        if self.name == "full" and named:
            fields = ", ".join(f"method.{field}" for field in sorted(named))
            raise ValueError(
                f"method.name full trains every weight and has no adapter: leave out {fields}, "
                "or set method.name to lora"
            )
        if self.name != "qlora" and "double_quantization" in named:
            raise ValueError(
                "method.double_quantization belongs to method.name qlora, "
                f"but method.name is {self.name}"
            )
        return self

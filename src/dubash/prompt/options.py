"""Settings of the prompt."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from dubash.core.options import Options

PLACEHOLDERS = ("source", "source_language", "target_language")

DEFAULT_TEXT = {
    "chat": "Translate from {source_language} to {target_language}: {source}",
    "plain": (
        "Translate the following text from {source_language} to {target_language}:\n"
        "{source_language}: {source}\n{target_language}:"
    ),
    "seq2seq": "translate {source_language} to {target_language}: {source}",
}
"""The text asked where a recipe gives none, by style. It is `{source}` for an instruction, and for
M2M-100, NLLB and mBART-50, whose language tokens say what is asked."""


class PromptOptions(Options):
    """How a source segment is put to the model, in training and in serving alike."""

    style: Literal["auto", "chat", "plain", "seq2seq"] = Field(
        "auto",
        description="chat: the model's own chat template; plain: text that the model continues; "
        "seq2seq: the encoder's input. auto: seq2seq for encoder-decoders, chat where the "
        "tokenizer has a template, else plain.",
    )
    system: str | None = Field(None, description="System message (chat style only).")
    text: str | None = Field(
        None, description="The text around {source}; also {source_language}, {target_language}."
    )
    mask: Literal["target", "full"] = Field(
        "target", description="What the loss sees: the target and its end token, or everything."
    )
    max_tokens: int = Field(
        256,
        ge=8,
        le=131072,
        description="Longest example in tokens, prompt, target and end together (encoder and "
        "decoder each, for seq2seq). Longer rows are set aside, never cut.",
    )

    @field_validator("text", "system")
    @classmethod
    def _placeholders(cls, text: str | None) -> str | None:
        unknown = set(re.findall(r"\{(\w+)\}", text or "")) - set(PLACEHOLDERS)
        if unknown:
            raise ValueError(
                f"unknown placeholder {{{sorted(unknown)[0]}}}; there are "
                + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            )
        return text

    @field_validator("system")
    @classmethod
    def _no_source(cls, system: str | None) -> str | None:
        if system is not None and "{source}" in system:
            raise ValueError("{source} belongs into the text, not into the system message")
        return system

    @field_validator("text")
    @classmethod
    def _has_source(cls, text: str | None) -> str | None:
        if text is not None and text.count("{source}") != 1:
            raise ValueError("the text must hold {source} exactly once")
        return text

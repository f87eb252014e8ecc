"""The table of cases: which work, ours against which peer, and what the project wants of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from benchmarks.variants import CT2_TUNED, GENERATE_BF16, GENERATE_TUNED, TRL_TUNED
from dubash.core.errors import UserError

Kind = Literal["train", "translate", "memory"]


@dataclass(frozen=True, slots=True)
class Case:
    """Ours against one peer.

    `shape` is what ours runs and `peer_shape` what the peer does where that differs: a trimmed
    vocabulary is dubash's own doing, and so is `optimizer`. `variants` are the peer's setups: of
    several the fastest in a round each is taken. `wanted` is the least ratio of speeds (for
    `memory` the most of memory); None where nothing was promised.
    """

    name: str
    work: str
    peer: str
    kind: Kind
    shape: str
    worker: str
    variants: tuple[str, ...]
    wanted: float | None
    peer_shape: str = ""
    method: Literal["full", "lora"] = "full"
    optimizer: Literal["adamw", "adamw-disk"] = "adamw"
    rows: Literal["auto", "phrasebook"] = "auto"
    count: int = 96
    new_tokens: int = 32
    real_ends: bool = False
    cuda_only: bool = False

    @property
    def theirs(self) -> str:
        """The shape that the peer runs."""
        return self.peer_shape or self.shape

    @property
    def same_model(self) -> bool:
        """Whether both run the same weights, so that losses can be compared directly."""
        return self.theirs == self.shape


_GEMMA = "full fine-tuning, Gemma-3-270M shape"
_GEMMA_CUT = "the same, ours trimmed to the pair"
_GEMMA_BOTH = "the same, both on the trimmed shape"
_QWEN = "LoRA, Qwen2.5-0.5B shape"
_SMOL = "LoRA, SmolLM2-135M, the demo's rows"
_MT5 = "full fine-tuning, mT5-small shape, ours trimmed"
_MEMORY = "peak memory, Gemma-3-270M full, steps of 8,192 tokens"
_GREEDY = "translation, greedy, Qwen2.5-0.5B shape"
_TEXT = "translation, greedy, SmolLM2-135M, rows end by themselves"

_CUT = "gemma-270m-trimmed"

CASES = {
    case.name: case
    for case in (
        Case("gemma-trainer", _GEMMA, "HF Trainer default", "train", "gemma-270m",
             "trainer", ("default",), 5.0),
        Case("gemma-trl", _GEMMA, "TRL tuned", "train", "gemma-270m", "trl", TRL_TUNED, 2.0),
        Case("gemma-trimmed-trainer", _GEMMA_CUT, "HF Trainer default, untrimmed", "train", _CUT,
             "trainer", ("default",), 10.0, peer_shape="gemma-270m"),
        Case("gemma-trimmed-trl", _GEMMA_CUT, "TRL tuned, untrimmed", "train", _CUT,
             "trl", TRL_TUNED, 4.0, peer_shape="gemma-270m"),
        Case("qwen-trl", _QWEN, "peft + TRL tuned", "train", "qwen-0.5b",
             "trl", TRL_TUNED, 2.0, method="lora"),
        Case("smollm2-trl", _SMOL, "peft + TRL tuned", "train", "smollm2",
             "trl", TRL_TUNED, 3.5, method="lora", rows="phrasebook"),
        Case("smollm2-trl-default", _SMOL, "peft + TRL default", "train", "smollm2",
             "trl", ("default",), 6.0, method="lora", rows="phrasebook"),
        Case("mt5-trimmed", _MT5, "Seq2SeqTrainer, grouped lengths, untrimmed", "train",
             "mt5-small-trimmed", "trainer", ("grouped",), 2.5, peer_shape="mt5-small"),
        Case("memory-trainer", _MEMORY, "HF Trainer, one batch", "memory", "gemma-270m",
             "trainer", ("default",), 0.4),
        Case("memory-trainer-accumulated", _MEMORY, "HF Trainer, batches of 32 accumulated",
             "memory", "gemma-270m", "trainer", ("accumulated",), 0.4),
        Case("memory-trl", _MEMORY, "TRL tuned (packs of 1,024 accumulated)", "memory",
             "gemma-270m", "trl", ("packed-1024",), 0.7),
        Case("memory-trl-fastest", _MEMORY, "TRL tuned (padding-free, 8 rows at a time)",
             "memory", "gemma-270m", "trl", ("padding-free-8x4",), 0.7),
        Case("memory-disk-trl-fastest", f"{_MEMORY}, ours with adamw-disk",
             "TRL tuned (padding-free, 8 rows at a time)", "memory", "gemma-270m", "trl",
             ("padding-free-8x4",), 0.7, optimizer="adamw-disk"),
        Case("qwen-generate", _GREEDY, "generate, plain", "translate", "qwen-0.5b",
             "generate", ("plain",), 5.0),
        Case("qwen-generate-tuned", _GREEDY, "generate, tuned", "translate", "qwen-0.5b",
             "generate", GENERATE_TUNED, 3.0),
        Case("qwen-ct2", _GREEDY, "CTranslate2 int8 alone", "translate", "qwen-0.5b",
             "ct2", CT2_TUNED, 0.95),
        Case("gemma-trimmed-ct2", "translation, greedy, Gemma-3-270M shape, ours trimmed",
             "CTranslate2 int8 alone, untrimmed", "translate", _CUT, "ct2", CT2_TUNED, 1.5,
             peer_shape="gemma-270m"),
        # nothing was promised of these; they say what the others leave open
        Case("memory-trl-smallest", _MEMORY, "TRL (packs of 256 accumulated)", "memory",
             "gemma-270m", "trl", ("packed-256",), None),
        Case("gemma-both-trimmed-trainer", _GEMMA_BOTH, "HF Trainer default", "train", _CUT,
             "trainer", ("default",), None),
        Case("gemma-both-trimmed-trl", _GEMMA_BOTH, "TRL tuned", "train", _CUT,
             "trl", TRL_TUNED, None),
        Case("mt5-both-trimmed", "full fine-tuning, mT5-small shape, both trimmed",
             "Seq2SeqTrainer, grouped lengths", "train", "mt5-small-trimmed",
             "trainer", ("grouped",), None),
        Case("qwen-generate-tuned-bf16", _GREEDY, "generate, tuned, in bf16", "translate",
             "qwen-0.5b", "generate", GENERATE_BF16, None),
        Case("qwen-trainer", _QWEN, "peft + HF Trainer default", "train", "qwen-0.5b",
             "trainer", ("default",), None, method="lora"),
        Case("smollm2-trainer", _SMOL, "peft + HF Trainer default", "train", "smollm2",
             "trainer", ("default",), None, method="lora", rows="phrasebook"),
        Case("smollm2-generate", _TEXT, "generate, plain", "translate", "smollm2",
             "generate", ("plain",), None, rows="phrasebook", new_tokens=64, real_ends=True),
        Case("smollm2-generate-tuned", _TEXT, "generate, tuned", "translate", "smollm2",
             "generate", GENERATE_TUNED, None, rows="phrasebook", new_tokens=64, real_ends=True),
        Case("smollm2-ct2", _TEXT, "CTranslate2 int8 alone", "translate", "smollm2",
             "ct2", CT2_TUNED, None, rows="phrasebook", new_tokens=64, real_ends=True),
        Case("gemma-liger", _GEMMA, "TRL packed with Liger", "train", "gemma-270m",
             "trl", ("packed-liger",), 1.2, cuda_only=True),
        Case("qwen-liger", _QWEN, "peft + TRL packed with Liger", "train", "qwen-0.5b",
             "trl", ("packed-liger",), 1.2, method="lora", cuda_only=True),
        # for the tests
        Case("tiny-trainer", "full, tiny", "HF Trainer default", "train", "tiny",
             "trainer", ("default",), 0.001, count=12),
        Case("tiny-trl", "LoRA, tiny", "TRL tuned", "train", "tiny", "trl",
             (*TRL_TUNED, "default"), None, method="lora", count=12),
        Case("tiny-trimmed", "full, tiny, trimmed", "HF Trainer default", "train", "tiny-trimmed",
             "trainer", ("default",), None, peer_shape="tiny", count=12),
        Case("tiny-mt5", "full, tiny mT5", "Seq2SeqTrainer, grouped", "train", "tiny-mt5",
             "trainer", ("grouped",), None, count=12),
        Case("tiny-memory", "peak memory, tiny", "HF Trainer", "memory", "tiny",
             "trainer", ("accumulated",), None, count=12),
        Case("tiny-generate", "translation, tiny", "generate", "translate", "tiny",
             "generate", (*GENERATE_TUNED, *GENERATE_BF16, "plain"), None, count=12,
             new_tokens=5),
        Case("tiny-ct2", "translation, tiny", "CTranslate2 int8 alone", "translate", "tiny",
             "ct2", ("one-all", "each-1"), None, count=12, new_tokens=5),
    )
}  # fmt: skip

MEMORY_TOKENS = 8192
"""Tokens of a step in the memory cases, prompts counted."""


def chosen(names: list[str], device: str) -> list[Case]:
    """The cases named, or those of which something was promised. Raises UserError for an unknown
    name."""
    for name in names:
        if name not in CASES:
            near = difflib.get_close_matches(name, CASES, 1, 0.0)
            raise UserError(f"no case '{name}'.", fix=f"Did you mean {near[0]}? See --list.")
    if names:
        return [CASES[name] for name in names]
    promised = [c for c in CASES.values() if c.wanted is not None and "tiny" not in c.name]
    if device == "cuda":
        return [c for c in promised if c.kind == "train" and c.worker == "trl"]
    return [c for c in promised if not c.cuda_only]

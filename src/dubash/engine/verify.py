"""The logit check: a conversion computes what transformers computes, or it does not serve.

Logits are compared, never texts: a model that repeats one token hides every error. They come from
the path that serves (constant prefix, incremental decoding), on prompts of the work itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dubash.engine.ctranslate2 import load, spell

FLOAT32_MEAN, FLOAT32_MOST = 1e-3, 1e-2
"""Relative error of a position's logits at float32: the mean, and that of the worst position. Right
conversions measured 1e-6, and 1e-5 (worst 1e-3) on a random mT5 whose attention is as sharp as to
magnify its own rounding; wrong ones 4e-3 and more."""

INT8_MEAN = 0.25
"""Mean relative error at int8. Measured: 4% on tiny random models, 14-16% on SmolLM2-135M, of
which its weights are a third and its activations, with their outliers, the rest."""

INT8_AGREEMENT = 0.7
"""Share of positions with the same likeliest token at int8. Measured: 86-92%."""

PROMPTS = 8
"""Prompts compared, from the shortest to the longest."""

STEPS = 8
"""Tokens decoded after each prompt, or forced upon a decoder."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found: the relative error of logits (largest and mean over positions),
    the share of positions with the same likeliest token, and what is wrong ("" for nothing)."""

    largest: float
    mean: float
    agreement: float
    positions: int
    wrong: str = ""


def pick(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """A few of the prompts, from the shortest to the longest."""
    ordered = sorted({tuple(prompt) for prompt in prompts}, key=len)
    last = len(ordered) - 1
    places = {round(at * last / (PROMPTS - 1)) for at in range(PROMPTS)}
    return [list(ordered[at]) for at in sorted(places)]


def verify(
    folder: Path,
    compute_type: str,
    model: Any,
    kind: str,
    prompts: Sequence[Sequence[int]],
    decoder_prefix: Sequence[int] = (),
) -> Verdict:
    """Compare the conversion in `folder` with `model`, a transformers model in fp32, on `prompts`
    (ids). At float32 the errors count, at int8 their mean and the agreement."""
    converted = load(folder, kind, compute_type, 1, torch.get_num_threads())
    compare = _causal if kind == "causal" else _seq2seq
    errors, same = [], []
    with torch.inference_mode():
        for prompt in prompts:
            for found, expected in compare(converted, model, list(prompt), list(decoder_prefix)):
                errors.append(relative_error(found, expected))
                same.append(found.argmax(-1) == expected.argmax(-1))
    error, agreement = torch.cat(errors), float(torch.cat(same).float().mean())
    verdict = Verdict(float(error.max()), float(error.mean()), agreement, len(error))
    return Verdict(
        verdict.largest, verdict.mean, agreement, len(error), _wrong(verdict, compute_type)
    )


def relative_error(found: Tensor, expected: Tensor) -> Tensor:
    """‖found - expected‖ / ‖expected‖ of each position's logits `[positions, vocabulary]`, each
    less its mean, since a softmax does not see that."""
    found = found.double() - found.double().mean(-1, keepdim=True)
    expected = expected.double() - expected.double().mean(-1, keepdim=True)
    scale = expected.norm(dim=-1).clamp(min=1e-12)
    error: Tensor = (found - expected).norm(dim=-1) / scale
    return error


def _wrong(found: Verdict, compute_type: str) -> str:
    if not all(math.isfinite(each) for each in (found.largest, found.mean)):
        return "its logits are not finite"
    if compute_type == "float32":
        if found.mean > FLOAT32_MEAN or found.largest > FLOAT32_MOST:
            return f"its logits differ by {found.mean:.2%} at float32, {found.largest:.2%} at worst"
    elif found.mean > INT8_MEAN:
        return f"int8 changes its logits by {found.mean:.0%}"
    elif found.agreement < INT8_AGREEMENT:
        return f"int8 changes the likeliest token at {1 - found.agreement:.0%} of the positions"
    return ""


Compared = list[tuple[Tensor, Tensor]]


def _causal(converted: Any, model: Any, prompt: list[int], _prefix: list[int]) -> Compared:
    """The prompt at once, and what is decoded after it with half of it as static prompt."""
    half = len(prompt) // 2
    at_once = torch.tensor(_array(converted.forward_batch([prompt])))[0]
    result = converted.generate_batch(
        [spell(prompt[half:])],
        static_prompt=spell(prompt[:half]) or None,
        cache_static_prompt=False,
        include_prompt_in_result=False,
        max_length=STEPS,
        end_token=[],
        return_logits_vocab=True,
    )[0]
    ids = list(result.sequences_ids[0])
    steps = torch.stack([torch.tensor(_array(each)) for each in result.logits[0]])
    expected = model(input_ids=torch.tensor([prompt + ids])).logits[0].float()
    return [
        (at_once, expected[: len(prompt)]),
        (steps.reshape(len(ids), -1), expected[len(prompt) - 1 : -1]),
    ]


def _seq2seq(converted: Any, model: Any, prompt: list[int], prefix: list[int]) -> Compared:
    """The decoder forced along the source's own ids: any will do, and they are at hand."""
    forced = prefix + prompt[:STEPS]
    result = converted.translate_batch(
        [spell(prompt)],
        [spell(forced)],
        beam_size=1,
        max_input_length=0,
        min_decoding_length=0,
        max_decoding_length=len(forced) + STEPS,
        end_token=[],
        return_logits_vocab=True,
    )[0]
    ids = [int(token) for token in result.hypotheses[0]]
    steps = torch.stack([torch.tensor(_array(each)) for each in result.logits[0]])
    start = model.config.decoder_start_token_id
    expected = (
        model(
            input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([[start, *ids[:-1]]])
        )
        .logits[0]
        .float()
    )
    return [(steps.reshape(len(ids), -1), expected)]


def _array(storage: Any) -> Any:
    import numpy as np

    return np.array(storage)

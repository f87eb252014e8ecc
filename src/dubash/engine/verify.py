"""The logit check: a conversion computes what transformers computes, or it does not serve.

Logits are compared, never texts: a model that repeats one token hides every error. They come from
the path that serves (constant prefix, incremental decoding), on prompts of the work itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dubash.engine.ctranslate2 import load, spell

FLOAT32_MEAN, FLOAT32_MOST = 1e-3, 1e-2
"""Relative error of a position's logits at float32: the mean, and that of the worst position. Right
conversions measured 1e-6, and 1e-5 (worst 1e-3) on a random mT5 whose attention is as sharp as to
magnify its own rounding; wrong ones 4e-3 and more."""

INT8_MEAN = 0.25
"""Mean relative error at int8. Measured: 4% on tiny random models, 9-10% on SmolLM2-135M, half of
it by its weights (15% before its activations' outliers were smoothed)."""

INT8_AGREEMENT = 0.7
"""Share of positions with the same likeliest token at int8. Measured: 91-93%."""

MOST_LOGITS = 2**30
"""Bytes of logits kept to compare with, in fp32; the longest prompts are left out past them."""

AT_ONCE = 16
"""Positions whose logits are compared at once, in float64."""

PROMPTS = 8
"""Prompts compared, from the shortest to the longest."""

FORCED = 8
"""Tokens of a source that a decoder is forced along."""


class Sample:
    """Prompts, and the logits that a transformers model in fp32 gives along them."""

    def __init__(
        self,
        model: Any,
        kind: str,
        prompts: Sequence[Sequence[int]],
        decoder_prefix: Sequence[int] = (),
    ) -> None:
        """`expected` `[positions, vocabulary]` for each prompt. A decoder is forced along the
        source's own ids: any will do, and they are at hand."""
        self.kind, self.prompts = kind, [list(prompt) for prompt in prompts]
        self.forced = [[*decoder_prefix, *prompt[:FORCED]] for prompt in self.prompts]
        self.expected: list[Tensor] = []
        with torch.inference_mode():
            for prompt, forced in zip(self.prompts, self.forced, strict=True):
                inputs = {"input_ids": torch.tensor([prompt])}
                if kind == "seq2seq":
                    start = model.config.decoder_start_token_id
                    inputs["decoder_input_ids"] = torch.tensor([[start, *forced]])
                self.expected.append(model(**inputs).logits[0].float())


def fitting(prompts: Sequence[Sequence[int]], vocabulary: int) -> list[list[int]]:
    """The prompts whose logits go into `MOST_LOGITS` together, the shortest first; one at least."""
    ordered = sorted((list(prompt) for prompt in prompts), key=len)
    while len(ordered) > 1 and 4 * vocabulary * sum(map(len, ordered)) > MOST_LOGITS:
        ordered.pop()
    return ordered


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found: the relative error of logits (largest and mean over positions),
    the share of positions with the same likeliest token, and what is wrong ("" for nothing)."""

    largest: float
    mean: float
    agreement: float
    positions: int
    wrong: str = ""


def pick(prompts: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """A few of the prompts, from the shortest to the longest, for the check; and as many others for
    whatever is set before it, so that it is not judged on what it was set by. Where there are too
    few for both they are the same."""
    ordered = sorted({tuple(prompt) for prompt in prompts}, key=len)
    last = len(ordered) - 1
    places = {round(at * last / (PROMPTS - 1)) for at in range(PROMPTS)}
    others = {at + 1 for at in places if at < last} - places or places
    checked, set_by = ([list(ordered[at]) for at in sorted(each)] for each in (places, others))
    return checked, set_by


def verify(folder: Path, compute_type: str, sample: Sample) -> Verdict:
    """Compare the conversion in `folder` with what is expected of it. At float32 the errors count,
    at int8 their mean and the agreement."""
    converted = load(folder, sample.kind, compute_type, 1, torch.get_num_threads())
    errors, same = [], []
    compare = _causal if sample.kind == "causal" else _seq2seq
    for found, expected in compare(converted, sample):
        errors.append(relative_error(found, expected))
        same.append(found.argmax(-1) == expected.argmax(-1))
    error, agreement = torch.cat(errors), float(torch.cat(same).float().mean())
    verdict = Verdict(float(error.max()), float(error.mean()), agreement, len(error))
    return replace(verdict, wrong=_wrong(verdict, compute_type))


def relative_error(found: Tensor, expected: Tensor) -> Tensor:
    """‖found - expected‖ / ‖expected‖ of each position's logits `[positions, vocabulary]`, each
    less its mean, since a softmax does not see that."""
    parts = zip(torch.split(found, AT_ONCE), torch.split(expected, AT_ONCE), strict=True)
    return torch.cat([_relative_error(one.double(), other.double()) for one, other in parts])


def _relative_error(found: Tensor, expected: Tensor) -> Tensor:
    found = found - found.mean(-1, keepdim=True)
    expected = expected - expected.mean(-1, keepdim=True)
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


def _causal(converted: Any, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """Each prompt at once; then as they are served, all in a batch: part of them as static prompt,
    part at once, and what is left of the longer ones token by token."""
    prompts = sample.prompts
    for prompt, expected in zip(prompts, sample.expected, strict=True):
        yield _tensor(converted.forward_batch([prompt]))[0], expected
    static = min(len(prompt) for prompt in prompts) // 2
    for part in {tuple(prompt[:static]) for prompt in prompts}:
        chosen = [at for at, each in enumerate(prompts) if tuple(each[:static]) == part]
        results = converted.generate_batch(
            [spell(prompts[at][static:]) for at in chosen],
            static_prompt=spell(part) or None,
            cache_static_prompt=False,
            include_prompt_in_result=False,
            max_length=1,
            end_token=[],
            return_logits_vocab=True,
        )
        for at, result in zip(chosen, results, strict=True):
            steps = torch.stack([_tensor(each).reshape(-1) for each in result.logits[0]])
            yield steps, sample.expected[at][-len(steps) :]


def _seq2seq(converted: Any, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """All in a batch, each decoder forced along."""
    results = converted.translate_batch(
        [spell(prompt) for prompt in sample.prompts],
        [spell(forced) for forced in sample.forced],
        beam_size=1,
        max_input_length=0,
        min_decoding_length=0,
        max_decoding_length=1 + max(len(forced) for forced in sample.forced),
        end_token=[],
        return_logits_vocab=True,
    )
    for result, expected in zip(results, sample.expected, strict=True):
        steps = torch.stack([_tensor(each).reshape(-1) for each in result.logits[0]])
        yield steps[: len(expected)], expected


def _tensor(storage: Any) -> Tensor:
    return torch.from_numpy(np.array(storage))

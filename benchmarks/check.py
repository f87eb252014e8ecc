"""Are the two sides of a case comparable? And the ratio of its pairs, with its spread."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

TOLERANCE = {"fp32": 1e-5, "bf16": 3e-3}
"""Relative difference of the mean losses per supervised token. On tiny shapes sums in another order
differ by 1e-7; in bf16 SmolLM2's by 8e-4."""

ALIKE = 0.8
"""Least share of equal texts of two runs of the same numbers: batches cut otherwise add up in
another order, and what is nearly as likely changes places now and then."""

VARIED = 0.5
"""Least share of new words in random weights' texts: one token again and again hides errors."""


def summary(ratios: list[float]) -> dict[str, float]:
    """Median, least and largest. Raises ValueError for no ratio at all."""
    if not ratios:
        raise ValueError("no pairs")
    return {"median": median(ratios), "low": min(ratios), "high": max(ratios)}


def holds(median_ratio: float, wanted: float | None, kind: str) -> bool | None:
    """Whether what was wanted came: at least that speed, at most that memory; None for no wish."""
    if wanted is None:
        return None
    return median_ratio <= wanted if kind == "memory" else median_ratio >= wanted


def mean_loss(answer: dict[str, Any]) -> float:
    """Nats per supervised token."""
    return float(answer["loss"]) / int(answer["supervised"])


def compare_training(
    ours: dict[str, Any], theirs: dict[str, Any], reference: dict[str, Any], precision: str
) -> dict[str, Any]:
    """Same rows, tokens and supervised tokens, and the same mean loss as `reference`.

    `reference` is `theirs` unless the shapes differ: then it is a trainer on our shape. `invalid`
    says in words what is wrong, "" for nothing.
    """
    loss, expected = mean_loss(ours), mean_loss(reference)
    difference = abs(loss - expected) / abs(expected)
    found = {
        "loss_ours": loss, "loss_reference": expected, "loss_theirs": mean_loss(theirs),
        "difference": difference, "tolerance": TOLERANCE[precision], "invalid": "",
    }  # fmt: skip
    unlike = [key for key in ("rows", "tokens", "supervised") if ours[key] != theirs[key]]
    if unlike:
        key = unlike[0]
        found["invalid"] = f"{key} differ: ours {ours[key]}, theirs {theirs[key]}"
    elif not math.isfinite(difference) or difference > TOLERANCE[precision]:
        found["invalid"] = f"losses differ by {difference:.2g}: ours {loss:.6f}, {expected:.6f}"
    return found


def compare_translation(
    ours: dict[str, Any], theirs: dict[str, Any], real_ends: bool, same_numbers: bool = False
) -> dict[str, Any]:
    """Same rows, and the same tokens where all rows run to the limit.

    With `same_numbers` both compute the same weights in the same precision, and `ALIKE` of their
    texts must be equal too. Where rows end by themselves the tokens may differ a little, as int8's
    texts differ from fp32's; chrF++ says whether they are as good.
    """
    keys = ["rows", *([] if real_ends else ["tokens"])]
    unlike = [key for key in keys if ours[key] != theirs[key]]
    wrong = [f"{key} differ: ours {ours[key]}, theirs {theirs[key]}" for key in unlike]
    if not real_ends and min(ours["varied"], theirs["varied"]) < VARIED:
        wrong.append("texts repeat themselves, and would hide a mistake")
    equal = [a == b for a, b in zip(ours["texts"], theirs["texts"], strict=not wrong)]
    alike = sum(equal) / max(1, len(equal))
    if same_numbers and alike < ALIKE:
        wrong.append(f"only {alike:.0%} of the texts are the same")
    found: dict[str, Any] = {"invalid": "; ".join(wrong), "alike": alike}
    for key in ("tokens", "chrf", "engine"):
        for who, answer in (("ours", ours), ("theirs", theirs)):
            if key in answer:
                found[f"{key}_{who}"] = answer[key]
    return found

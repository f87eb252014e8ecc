"""The one mask: which positions the loss sees."""

from __future__ import annotations

from typing import Literal

from dubash.prompt.template import Example

IGNORE = -100
"""The label of a position outside the loss, as PyTorch and transformers have it."""


def causal_labels(example: Example, mask: Literal["target", "full"]) -> list[int]:
    """Labels of a decoder-only row, `[time]`, aligned with its ids (the loss does the shifting).

    `target`: the target and its end token. `full`: everything that has something before it to be
    predicted from, so all but the first token.
    """
    if mask == "full":
        return [IGNORE, *example.prompt[1:], *example.target]
    return [IGNORE] * len(example.prompt) + list(example.target)

"""Examples to padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from dubash.prompt.mask import IGNORE, causal_labels
from dubash.prompt.template import Example

Batch = dict[str, Tensor]
"""`input_ids`, `attention_mask` and `labels`, each `[batch, time]`, padded on the right."""


class Collator:
    """Turns examples into batches for one kind of model, one mask and one padding token."""

    def __init__(
        self, kind: Literal["causal", "seq2seq"], mask: Literal["target", "full"], pad_id: int
    ) -> None:
        self.kind, self.mask, self.pad_id = kind, mask, pad_id

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Pad examples to the longest; padding is masked by position, never by its id."""
        if self.kind == "seq2seq":
            ids = [list(example.prompt) for example in examples]
            labels = [list(example.target) for example in examples]
        else:
            ids = [[*example.prompt, *example.target] for example in examples]
            labels = [causal_labels(example, self.mask) for example in examples]
        return {
            "input_ids": _pad(ids, self.pad_id),
            "attention_mask": _pad([[1] * len(row) for row in ids], 0),
            "labels": _pad(labels, IGNORE),
        }

    def supervised(self, example: Example) -> int:
        """How many tokens of the example the loss sees."""
        if self.kind == "causal" and self.mask == "full":
            return example.longest - 1
        return len(example.target)


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])

"""What a text costs a model: the loss of each row on its own, in bits, for bits per character."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dubash.core.errors import ModelError
from dubash.core.progress import silent
from dubash.core.types import Advance, Pair
from dubash.prompt.template import Example
from dubash.train.batches import Collator
from dubash.train.loss import Scorer, row_losses


@torch.no_grad()
def row_bits(
    model: Any,
    rows: Sequence[Pair],
    examples: Sequence[Example],
    collator: Collator,
    *,
    batch_size: int,
    batch_tokens: int,
    advance: Advance = silent,
) -> NDArray[np.float64]:
    """`[bits, characters]` of each row, `[row, 2]`, in the order given.

    Bits are the row's summed loss over its supervised tokens (the end token among them) over
    ln 2; characters are the code points of its target. A batch holds at most `batch_size` rows and
    `batch_tokens` positions with padding; a longer row goes alone, and none is cut. The model is
    put into eval mode and back. Raises ModelError where a loss is not finite.
    """
    device = next(model.parameters()).device
    found = np.zeros((len(rows), 2))
    was_training = model.training
    model.eval()
    scorer = Scorer(model)
    try:
        for numbers in batches([each.longest for each in examples], batch_size, batch_tokens):
            batch = collator([examples[number] for number in numbers], share=False)
            losses = row_losses(scorer, batch.to(device), len(numbers))
            for number, loss in zip(numbers, losses.tolist(), strict=True):
                if not math.isfinite(loss):
                    raise ModelError(
                        "the model's loss on this row is not a finite number.",
                        where=rows[number].origin,
                        fix="Try model.dtype: fp32.",
                    )
                found[number] = loss / math.log(2), len(rows[number].target)
            advance(len(numbers))
    finally:
        model.train(was_training)
    return found


def batches(lengths: Sequence[int], size: int, tokens: int) -> Iterator[list[int]]:
    """Row numbers, longest first, batch by batch; each batch as long as its first row."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
        if batch and (len(batch) == size or (len(batch) + 1) * lengths[batch[0]] > tokens):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch

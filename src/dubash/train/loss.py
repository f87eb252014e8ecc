"""Cross entropy over supervised positions, summed: the step divides once by all its tokens."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from dubash.prompt.mask import IGNORE
from dubash.train.batches import Batch


def summed_loss(model: Any, batch: Batch, kind: Literal["causal", "seq2seq"]) -> Tensor:
    """The summed cross entropy of a batch in nats, a scalar in fp32.

    A sum, not a mean, so that the step can divide by the supervised tokens of all its forward
    passes and devices: 1 × 8 rows then give the gradient of 8 × 1. A batch without a supervised
    position gives 0 with a gradient of 0.
    """
    logits, labels = _supervised(model, batch, kind)
    return F.cross_entropy(logits, labels, reduction="sum")


def row_losses(model: Any, batch: Batch) -> Tensor:
    """The summed cross entropy of each row of a decoder-only model's batch in nats, `[batch]`,
    fp64: the same loss as `summed_loss`, not yet added up over rows."""
    logits, labels = _supervised(model, batch, "causal")
    rows = (batch["labels"][:, 1:] != IGNORE).nonzero()[:, 0]
    losses = F.cross_entropy(logits, labels, reduction="none").double()
    sums = torch.zeros(len(batch["labels"]), dtype=torch.float64, device=losses.device)
    return sums.index_add_(0, rows, losses)


def _supervised(
    model: Any, batch: Batch, kind: Literal["causal", "seq2seq"]
) -> tuple[Tensor, Tensor]:
    """Logits in fp32, `[position, vocabulary]`, and labels, `[position]`, of what the loss sees,
    row after row."""
    labels = batch["labels"]
    if kind == "seq2seq":
        out = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            decoder_input_ids=_unwrapped(model).prepare_decoder_input_ids_from_labels(labels),
            use_cache=False,
        )
        logits = out.logits
    else:
        out = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            use_cache=False,
        )
        logits, labels = out.logits[:, :-1], labels[:, 1:]
    supervised = labels != IGNORE
    # in fp32 whatever the model computes in: a sum over a large vocabulary overflows or drowns
    return logits[supervised].float(), labels[supervised]


@torch.no_grad()
def loss_sums(model: Any, batches: list[Batch], kind: Literal["causal", "seq2seq"]) -> Tensor:
    """The sums `[loss, supervised tokens]` over batches, in fp64, for a mean over processes."""
    device = next(model.parameters()).device
    total = torch.zeros(2, dtype=torch.float64, device=device)
    for batch in batches:
        placed = {name: tensor.to(device) for name, tensor in batch.items()}
        total[0] += summed_loss(model, placed, kind).double()
        labels = placed["labels"] if kind == "seq2seq" else placed["labels"][:, 1:]
        total[1] += (labels != IGNORE).sum()
    return total


def _unwrapped(model: Any) -> Any:
    return model.module if hasattr(model, "module") else model

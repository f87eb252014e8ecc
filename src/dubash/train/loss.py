"""Cross entropy over supervised positions, summed: the step divides once by all its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dubash.train.attention import packed_attention
from dubash.train.batches import Batch
from dubash.train.head import HeadForm, head_loss, position_losses


class Scorer(nn.Module):
    """A model with its loss in one module, so that data-parallel wrappers see one forward pass."""

    def __init__(self, model: Any, smoothing: float = 0.0, form: HeadForm | None = None) -> None:
        """`form` says how the model makes logits; read from its configuration unless given."""
        super().__init__()
        self.model, self.smoothing = model, smoothing
        self.direct = False  # see `head_loss`; whoever runs the backward passes may set it
        self.in_caches: bool | None = None  # see `head_loss`
        inner = bare(model)
        self.form = form or HeadForm.of(inner)
        self.asked = torch.empty(0, dtype=torch.long)  # places of the batch that is in work

    def forward(self, batch: Batch, divisor: float = 1.0) -> Tensor:
        """The summed cross entropy of a batch in nats over `divisor`, a scalar in fp32.

        A sum, not a mean, so that the step can divide by the supervised tokens of all its forward
        passes and devices: 1 × 8 rows then give the gradient of 8 × 1.
        """
        hidden = self.hidden(batch)[batch.places]
        head = bare(self.model).get_output_embeddings()
        return head_loss(
            head, self.form, hidden, batch.labels, batch.counts, divisor, self.smoothing,
            self.direct, self.in_caches,
        )  # fmt: skip

    @torch.no_grad()
    def losses(self, batch: Batch) -> Tensor:
        """The cross entropy of each supervised position in nats, `[supervised]`, fp64, without
        smoothing."""
        hidden = self.hidden(batch)[batch.places]
        head = bare(self.model).get_output_embeddings()
        return position_losses(head, self.form, hidden, batch.labels)

    def hidden(self, batch: Batch) -> Tensor:
        """The last hidden states of all positions, row after row, `[positions, width]`."""
        self.asked = batch.asked
        inner, inputs = bare(self.model), batch.inputs
        if "decoder_input_ids" in inputs:
            encoded = inner.get_encoder()(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
            ).last_hidden_state
            # what comes after a row's end only the padding itself can see: causality is its mask
            found = inner.get_decoder()(
                input_ids=inputs["decoder_input_ids"],
                encoder_hidden_states=encoded,
                encoder_attention_mask=inputs["attention_mask"],
                use_cache=False,
            )
        elif batch.layout is not None:
            found = inner.base_model(**inputs, layout=batch.layout, use_cache=False)
        else:
            found = inner.base_model(**inputs, use_cache=False)
        states: Tensor = found.last_hidden_state
        return states.flatten(0, 1)


@torch.no_grad()
def loss_sums(scorer: Scorer, batches: Sequence[Batch]) -> Tensor:
    """The sums `[loss, supervised tokens]` over batches, in fp64, for a mean over processes."""
    device = next(scorer.parameters()).device
    total = torch.zeros(2, dtype=torch.float64, device=device)
    for batch in batches:
        placed = batch.to(device)
        with packed_attention(scorer.model, placed.layout is not None):
            total[0] += (scorer.losses(placed) * placed.counts).sum()
        total[1] += placed.counts.sum()
    return total


@torch.no_grad()
def row_losses(scorer: Scorer, batch: Batch, rows: int) -> Tensor:
    """The summed cross entropy of each row of a batch in nats, `[row]`, fp64. The batch must not
    share tokens between rows, which belong to no row alone."""
    sums = torch.zeros(rows, dtype=torch.float64, device=batch.places.device)
    with packed_attention(scorer.model, batch.layout is not None):
        return sums.index_add_(0, row_of(batch), scorer.losses(batch))


def row_of(batch: Batch) -> Tensor:
    """The number of the row that each supervised place lies in, `[supervised]`."""
    if batch.layout is None:
        aligned = batch.inputs.get("decoder_input_ids", batch.inputs["input_ids"])
        return batch.places // aligned.shape[1]
    if batch.layout.shared:
        raise ValueError("rows that share tokens cannot be told apart")
    ends = torch.tensor(batch.layout.lengths, device=batch.places.device).cumsum(0)
    order = torch.tensor(batch.layout.order, device=batch.places.device)
    return order[torch.searchsorted(ends, batch.places, right=True)]


def bare(model: Any) -> Any:
    """The transformers model itself, without the adapters' wrapper."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model

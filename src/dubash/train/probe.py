"""Before training: does this model keep the rows of a pack apart, and is its loss what it says?

Both are measured on the loaded model, since a model that leaks between rows, or makes its logits in
a way of its own, trains without an error and learns something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import itemgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dubash.core.errors import TrainingError
from dubash.core.progress import say
from dubash.model.load import LoadedModel
from dubash.prompt.template import Example
from dubash.train.attention import packed_attention
from dubash.train.batches import Batch, Collator
from dubash.train.lean import Lean
from dubash.train.loss import Scorer, bare, row_of
from dubash.train.packs import Mask

TOLERANCE = {torch.float64: 1e-4, torch.float32: 1e-3, torch.bfloat16: 0.06, torch.float16: 0.03}
"""Mean difference in nats of a token's loss, relative to the loss, by the precision of the model's
weights: several times what rounding was seen to make."""

IN_8_BITS = 0.25
"""The same where linear layers take their inputs in 8 bits (LLM.int8): what rounding moves across
the border of a step there comes out as up to 8% of the loss (experiments/int8.md)."""


def make_collator(loaded: LoadedModel, mask: Mask, examples: Sequence[Example]) -> Collator:
    """The collator for this model: packs where its rows stay apart in them, else padded rows.

    Runs the two shortest rows and the longest (a sliding window shows in no other) through the
    model a few times. Raises TrainingError where the loss
    is not the one that the model itself would give.
    """
    config = loaded.model.config
    collator = Collator(
        loaded.kind, mask, loaded.tokenizer.pad_token_id,
        getattr(config, "decoder_start_token_id", None),
    )  # fmt: skip
    ordered = sorted(examples, key=lambda example: (example.longest, example.origin))
    probed = [*ordered[:2], *ordered[2:][-1:]]
    scorer, was_training = Scorer(loaded.model), loaded.model.training
    scorer.eval()
    try:
        if collator.packed and not keeps_rows_apart(scorer, collator, probed):
            say("  rows would see each other in a pack of this model; they are padded instead")
            collator.packed = False
        check_loss(scorer, collator, probed)
    finally:
        loaded.model.train(was_training)
    return collator


@torch.no_grad()
def keeps_rows_apart(scorer: Scorer, collator: Collator, examples: Sequence[Example]) -> bool:
    """Whether no token of a row changes what the model makes of another row in the same pack.

    Each row in turn has its last token replaced; the hidden states of all others must stay as they
    are, bit for bit: the same products are taken in both passes. LLM.int8 computes the columns in
    which any token of a batch stands out apart; that is left off here, since padded rows see each
    other through it all the same.
    """
    with _no_outliers(scorer.model):
        return _rows_apart(scorer, collator, examples)


def _rows_apart(scorer: Scorer, collator: Collator, examples: Sequence[Example]) -> bool:
    rows = [*examples] if len(examples) > 1 else [*examples, *examples]
    table = bare(scorer.model).get_input_embeddings()
    before = _row_states(scorer, collator(rows))
    for changed, example in enumerate(rows):
        token = (example.target[-1] + 1) % table.num_embeddings
        other = replace(example, target=(*example.target[:-1], token))
        after = _row_states(scorer, collator([*rows[:changed], other, *rows[changed + 1 :]]))
        same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        if not all(same[:changed] + same[changed + 1 :]):
            return False
    return True


@torch.no_grad()
def check_loss(scorer: Scorer, collator: Collator, examples: Sequence[Example]) -> None:
    """Compare each token's loss with that by the model's own logits, row by row.

    Raises TrainingError where they differ by more than rounding.
    """
    device = next(scorer.parameters()).device
    batch, shared = (collator(examples, share).to(device) for share in (False, True))
    with Lean(scorer).active(batch.layout is not None):
        ours = scorer.losses(batch)
        whole = float((scorer.losses(shared) * shared.counts).sum())
    row = row_of(batch)
    own = [_own_losses(scorer.model, collator, example) for example in examples]
    total = float(sum(each.detach().sum() for each in own))
    away = float(sum((ours[row == at] - each).abs().sum() for at, each in enumerate(own)))
    dtype = bare(scorer.model).get_input_embeddings().weight.dtype
    allowed = IN_8_BITS if _int8_layers(scorer.model) else TOLERANCE[dtype]
    if not max(away, abs(whole - total)) <= allowed * total:
        kind = getattr(scorer.model.config, "model_type", "this model")
        raise TrainingError(
            f"its loss on {len(examples)} rows is {total:.4f} by its own logits; dubash's is "
            f"{whole:.4f}, token by token {away:.4f} away: it does not know how {kind} works.",
            where="model.name",
            fix="Choose another model, and tell us about this one.",
        )


def _int8_layers(model: Any) -> list[Any]:
    """What bitsandbytes keeps of each layer that takes its inputs in 8 bits."""
    states = (getattr(each, "state", None) for each in model.modules())
    return [state for state in states if hasattr(state, "threshold")]


@contextmanager
def _no_outliers(model: Any) -> Iterator[None]:
    """Without the columns that LLM.int8 computes apart."""
    layers = _int8_layers(model)
    before = [layer.threshold for layer in layers]
    try:
        for layer in layers:
            layer.threshold = 0.0
        yield
    finally:
        for layer, threshold in zip(layers, before, strict=True):
            layer.threshold = threshold


def _own_losses(model: Any, collator: Collator, example: Example) -> Tensor:
    """The loss of each token of a row by the model's own forward pass, unpacked and unpadded."""
    plain = Collator(
        collator.kind, collator.mask, collator.pad_id, collator.decoder_start, packed=False
    )
    batch = plain([example]).to(model.device)
    logits: Tensor = model(**batch.inputs, use_cache=False).logits.flatten(0, 1)[batch.places]
    return F.cross_entropy(logits.double(), batch.labels, reduction="none")


def _row_states(scorer: Scorer, batch: Batch) -> list[Tensor]:
    """The hidden states of each row's own tokens, in the order of the examples."""
    placed = batch.to(next(scorer.parameters()).device)
    assert placed.layout is not None
    with packed_attention(scorer.model):
        hidden = scorer.hidden(placed)
    layout = placed.layout
    parts = torch.split(hidden[layout.shared : len(hidden) - layout.filler], list(layout.lengths))
    return [part for _, part in sorted(zip(layout.order, parts, strict=True), key=itemgetter(0))]

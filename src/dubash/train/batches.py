"""Examples to batches: packs for decoder-only models, padded rows for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from dubash.model.products import spare
from dubash.prompt.mask import IGNORE, causal_labels
from dubash.prompt.template import Example
from dubash.train.packs import Layout, Mask, make_pack


@dataclass(frozen=True, slots=True)
class Batch:
    """What one forward pass takes.

    `inputs` are the arguments of the model; `layout` says where the rows of a pack lie and is None
    for padded rows. `places`, `labels` and `counts`, each `[supervised]`: the last hidden state at
    `places` (of all positions, row after row) predicts `labels`, `counts` times. `asked` are the
    places each once (where rows part, what they share predicts the next token of each), in packs
    with some others up to a multiple.
    """

    inputs: dict[str, Tensor]
    layout: Layout | None
    places: Tensor
    labels: Tensor
    counts: Tensor
    asked: Tensor

    def to(self, device: str | torch.device) -> Batch:
        """The same on another device."""
        return Batch(
            {name: each.to(device) for name, each in self.inputs.items()},
            self.layout.to(device) if self.layout else None,
            *(each.to(device) for each in (self.places, self.labels, self.counts, self.asked)),
        )

    def unsupervised(self) -> Batch:
        """The same forward pass with nothing to learn: its loss and all its gradients are 0."""
        return replace(self, counts=torch.zeros_like(self.counts))


class Collator:
    """Turns examples into batches for one kind of model and one mask."""

    def __init__(
        self,
        kind: Literal["causal", "seq2seq"],
        mask: Mask,
        pad_id: int,
        decoder_start: int | None = None,
        packed: bool = True,
    ) -> None:
        """`decoder_start` is the token that a seq2seq model's decoder is given first. `packed` lays
        decoder-only rows into packs, which every model but a recurrent one keeps apart."""
        self.kind, self.mask, self.pad_id = kind, mask, pad_id
        self.decoder_start = pad_id if decoder_start is None else decoder_start
        self.packed = packed and kind == "causal"

    def __call__(self, examples: Sequence[Example], share: bool = True) -> Batch:
        """One batch of all examples. `share` lets rows of a pack share what they begin with."""
        if self.packed:
            pack = make_pack(examples, self.mask, share)
            # a mask of four dimensions is taken as it is: the model makes none of its own
            inputs = {
                "input_ids": pack.ids,
                "position_ids": pack.positions,
                "attention_mask": torch.zeros(1, 1, 1, 1),
            }
            return Batch(
                inputs, pack.layout, pack.places, pack.labels, pack.counts,
                _asked(pack.places, pack.ids.shape[1]),
            )  # fmt: skip
        if self.kind == "causal":
            ids: list[Sequence[int]] = [[*each.prompt, *each.target] for each in examples]
            # the state at a place predicts the token after it
            return self._padded(ids, [causal_labels(each, self.mask)[1:] for each in examples])
        batch = self._padded([each.prompt for each in examples], [each.target for each in examples])
        given = [[self.decoder_start, *each.target[:-1]] for each in examples]
        batch.inputs["decoder_input_ids"] = _pad(given, self.pad_id)
        return batch

    def supervised(self, example: Example) -> int:
        """How many tokens of the example the loss sees."""
        if self.kind == "causal" and self.mask == "full":
            return example.longest - 1
        return len(example.target)

    def _padded(self, ids: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]) -> Batch:
        """Rows padded to the longest; padding is masked by position, never by its id."""
        tokens = _pad(ids, self.pad_id)
        width = max(len(row) for row in labels) if self.kind == "seq2seq" else tokens.shape[1]
        aligned = _pad(labels, IGNORE, width)
        row, time = (aligned != IGNORE).nonzero(as_tuple=True)
        mask = _pad([[1] * len(each) for each in ids], 0)
        inputs = {"input_ids": tokens, "attention_mask": mask}
        places = row * width + time
        return Batch(inputs, None, places, aligned[row, time], torch.ones_like(row), places)


def as_trained(batch: Batch) -> list[tuple[list[int], list[int], list[int]]]:
    """Each row of a batch by itself, in the order of its examples: ids, labels and attention,
    `[time]`, labels aligned with the ids (for seq2seq with the decoder's), as preflight reads them.

    Read off what the model is handed, not off the examples: a pack that mixed its rows up would
    show here.
    """
    if batch.layout is not None:
        return _unpacked(batch, batch.layout)
    seq2seq = "decoder_input_ids" in batch.inputs
    ids = batch.inputs["input_ids"]
    aligned = batch.inputs["decoder_input_ids"] if seq2seq else ids
    labels = torch.full((aligned.numel() + 1,), IGNORE)
    labels[batch.places + (0 if seq2seq else 1)] = batch.labels
    columns = (ids, labels[: aligned.numel()].view(aligned.shape), batch.inputs["attention_mask"])
    return list(zip(*(each.tolist() for each in columns), strict=True))


def _unpacked(batch: Batch, layout: Layout) -> list[tuple[list[int], list[int], list[int]]]:
    flat = batch.inputs["input_ids"][0].tolist()
    seen = list(
        zip(batch.places.tolist(), batch.labels.tolist(), batch.counts.tolist(), strict=True)
    )
    shared, start = layout.shared, layout.shared
    if any(place >= len(flat) - layout.filler for place, _, _ in seen):
        raise ValueError("the loss sees the filler of a pack")
    found: dict[int, tuple[list[int], list[int], list[int]]] = {}
    for row, length in zip(layout.order, layout.lengths, strict=True):
        ids = flat[:shared] + flat[start : start + length]
        labels = [IGNORE] * (len(ids) + 1)
        for place, label, count in seen:
            if place < shared:
                # at the fork each row has its own next token; before it all have the same
                fork = place == shared - 1
                if count and (ids[place + 1] == label or not fork):
                    labels[place + 1] = label
            elif start <= place < start + length:
                labels[shared + place - start + 1] = label
        found[row] = ids, labels[: len(ids)], [1] * len(ids)
        start += length
    return [found[row] for row in range(len(found))]


def _asked(places: Tensor, time: int) -> Tensor:
    """The places each once, filled up with the pack's last ones that are not among them."""
    wanted = torch.zeros(time, dtype=torch.bool)
    wanted[places] = True
    others = (~wanted).nonzero()[:, 0]
    missing = spare(time - len(others))  # there are so many: the time is a multiple
    wanted[others[len(others) - missing :]] = True
    return wanted.nonzero()[:, 0]


def _pad(rows: Sequence[Sequence[int]], value: int, width: int | None = None) -> Tensor:
    longest = width or max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])

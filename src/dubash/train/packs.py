"""Packs: examples laid end to end in one flat row, with what they share at its head only once.

A pack of rows that begin with the same `P` tokens is laid out as

    [ shared tokens | rest of row 0 | rest of row 1 | … | filler ]      flat row, [1, time]

Linear layers see the flat row. Attention runs per row (`train/attention`): a row sees the shared
tokens and itself, never another row. So the shared tokens' hidden states are those of each row by
itself, and so are the loss and every gradient. The filler makes the
length a multiple (`products.MULTIPLE`); it sees itself and is seen by no row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from dubash.model.products import spare
from dubash.prompt.context import shared_length
from dubash.prompt.mask import IGNORE, causal_labels
from dubash.prompt.template import Example

Mask = Literal["target", "full"]

FULLNESS = 0.5
"""The shortest row of an attention block over its longest: below that a block is cut in two. More
blocks pad less, but each is a dozen small products of its own."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of like length that attention takes as one dense block, `[rows, longest]`."""

    rows: int
    longest: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of a pack lie.

    `order` are the numbers of the rows as they lie, and `lengths` how many tokens each has behind
    the `shared` ones; `filler` tokens come after the last. `gather`, `[rows × longest of each
    block]`, are places in the flat row behind the shared tokens; padding points at a token of its
    own row. `scatter`, `[time − shared − filler]`, is the way back: the place in the blocks of each
    token. Both are None where rows lie as in blocks.
    """

    shared: int
    filler: int
    order: tuple[int, ...]
    lengths: tuple[int, ...]
    blocks: tuple[Block, ...]
    gather: Tensor | None
    scatter: Tensor | None

    def to(self, device: str | torch.device) -> Layout:
        """The same on another device."""
        if self.gather is None or self.scatter is None:
            return self
        there = self.gather.to(device), self.scatter.to(device)
        return replace(self, gather=there[0], scatter=there[1])


@dataclass(frozen=True, slots=True)
class Pack:
    """A flat row: ids and positions `[1, time]`, its layout, and what the loss sees.

    `places`, `labels` and `counts`, each `[supervised]`: the hidden state at `places` predicts
    `labels`, `counts` times (what rows share counts once for each of them).
    """

    ids: Tensor
    positions: Tensor
    layout: Layout
    places: Tensor
    labels: Tensor
    counts: Tensor


def make_pack(examples: Sequence[Example], mask: Mask, share: bool = True) -> Pack:
    """Lay examples of a decoder-only model into one pack, longest row first."""
    shared = shared_length([example.prompt for example in examples]) if share else 0
    order = sorted(range(len(examples)), key=lambda row: -examples[row].longest)
    ids: list[int] = list(examples[order[0]].prompt[:shared])
    positions = list(range(shared))
    seen: Counter[tuple[int, int]] = Counter()
    lengths: list[int] = []
    for row in order:
        example = examples[row]
        tokens = [*example.prompt, *example.target]
        start = len(ids) - shared  # where the row would begin if it held the shared tokens itself
        for at, label in enumerate(causal_labels(example, mask)):
            if label != IGNORE:
                before = at - 1
                seen[before if before < shared else start + before, label] += 1
        ids += tokens[shared:]
        positions += range(shared, len(tokens))
        lengths.append(len(tokens) - shared)
    filler = spare(len(ids))
    ids += ids[:1] * filler
    positions += [0] * filler
    entries = sorted(seen)
    return Pack(
        torch.tensor([ids]),
        torch.tensor([positions]),
        lay_out(lengths, shared, order, filler),
        torch.tensor([place for place, _ in entries], dtype=torch.long),
        torch.tensor([label for _, label in entries], dtype=torch.long),
        torch.tensor([seen[entry] for entry in entries], dtype=torch.long),
    )


def lay_out(lengths: Sequence[int], shared: int, order: Sequence[int], filler: int = 0) -> Layout:
    """The layout of rows of these lengths (longest first, without the shared tokens)."""
    blocks: list[Block] = []
    gather: list[int] = []
    scatter: list[int] = []
    start, first = 0, 0
    while first < len(lengths):
        longest = lengths[first]
        last = first
        while last < len(lengths) and lengths[last] >= FULLNESS * longest:
            last += 1
        for length in lengths[first:last]:
            scatter += range(len(gather), len(gather) + length)
            # behind a row's own tokens, so that none of them sees it
            gather += [*range(start, start + length), *[start] * (longest - length)]
            start += length
        blocks.append(Block(last - first, longest))
        first = last
    padded = len(gather) > len(scatter)
    return Layout(
        shared, filler, tuple(order), tuple(lengths), tuple(blocks),
        torch.tensor(gather) if padded else None, torch.tensor(scatter) if padded else None,
    )  # fmt: skip

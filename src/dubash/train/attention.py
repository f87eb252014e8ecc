"""Attention within a pack: each row sees the shared tokens and itself, and nothing else.

Reached through transformers' `AttentionInterface`, so no model's code is forked. The layout comes
as an argument of the model's forward pass; without it this function refuses to run, since any
other mask would let rows see each other without a sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface

from dubash.train.packs import Layout

NAME = "dubash_packed"

DENSE = 2**16
"""Queries × keys of a row up to which plain products are faster on a CPU than its fused kernel,
whose backward pass is slow on short rows (and four times slower in bf16)."""


def attention_configs(model: nn.Module) -> list[Any]:
    """The configurations of a model's parts that name how it attends, each once."""
    configs = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}
    return [each for each in configs.values() if hasattr(each, "_attn_implementation")]


@contextmanager
def packed_attention(model: nn.Module, packed: bool = True) -> Iterator[None]:
    """The model attends by layout for this long, if `packed`; backward passes belong inside, since
    a checkpointed layer runs its forward pass again there."""
    with by_layout(attention_configs(model) if packed else []):
        yield


@contextmanager
def by_layout(configs: Sequence[Any]) -> Iterator[None]:
    """As `packed_attention`, for who has looked up the `attention_configs` already."""
    before = [each._attn_implementation for each in configs]
    for each in configs:
        each._attn_implementation = NAME
    try:
        yield
    finally:
        for each, name in zip(configs, before, strict=True):
            each._attn_implementation = name


def packed_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    layout: Layout | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_others: Any,
) -> tuple[Tensor, None]:
    """Attention over a flat row.

    `query` is `[1, heads, time, head_dim]`, `key` and `value` `[1, key heads, time, head_dim]`;
    returns `[1, time, heads, head_dim]`. The mask that the model made is not looked at. Raises
    ValueError without a layout.
    """
    if layout is None or query.shape[0] != 1:
        raise ValueError(f"{NAME} attention needs a layout and one flat row")
    rows = _Rows(scaling, dropout, sliding_window, softcap)
    shared, filler = layout.shared, layout.filler
    outputs = []
    # split rather than sliced: backward then lays the parts together once, not each by itself
    flat = [each[0].transpose(0, 1) for each in (query, key, value)]  # [time, heads, head_dim]
    cuts = [shared, len(flat[0]) - shared - filler, filler]
    parts = [torch.split(each, cuts) for each in flat]
    head, flat = [each[0].unsqueeze(0) for each in parts], [each[1] for each in parts]
    if shared:
        outputs.append(rows.attend(head[0], head[1], head[2], before=0)[0])
    if layout.gather is not None and layout.scatter is not None:
        flat = [_spread(each, layout.gather, layout.scatter) for each in flat]
    sizes = [block.rows * block.longest for block in layout.blocks]
    found = []
    for block, *cut in zip(
        layout.blocks, *(torch.split(each, sizes) for each in flat), strict=True
    ):
        bq, bk, bv = (each.view(block.rows, block.longest, *each.shape[1:]) for each in cut)
        if shared:
            bk = torch.cat([head[1].expand(block.rows, -1, -1, -1), bk], 1)
            bv = torch.cat([head[2].expand(block.rows, -1, -1, -1), bv], 1)
        found.append(rows.attend(bq, bk, bv, before=shared).flatten(0, 1))
    own = found[0] if len(found) == 1 else torch.cat(found)
    if layout.scatter is not None:
        own = collect(own, layout.scatter)
    outputs.append(own)
    if filler:  # each of it sees itself alone: what its heads take is its value
        tail = parts[2][2]
        outputs.append(tail.repeat_interleave(own.shape[1] // tail.shape[1], 1))
    return torch.cat(outputs).unsqueeze(0), None


AttentionInterface.register(NAME, packed_attention_forward)


class _Rows:
    """Causal attention of a block of rows, each behind the same number of shared tokens."""

    def __init__(
        self,
        scaling: float | None,
        dropout: float,
        window: int | None,
        softcap: float | None,
    ) -> None:
        self.scaling, self.dropout = scaling, dropout
        self.window, self.softcap = window, softcap

    def attend(self, q: Tensor, k: Tensor, v: Tensor, before: int) -> Tensor:
        """`q` is `[rows, time, heads, head_dim]`; `k` and `v` hold `before` tokens more."""
        time = q.shape[1]
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        windowed = self.window is not None and self.window < before + time
        mask = self._mask(time, before, q.device, windowed)
        if self.softcap is not None or (q.device.type == "cpu" and mask.numel() <= DENSE):
            return self._dense(q, k, v, mask).transpose(1, 2)
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=self.dropout, scale=self.scaling,
            enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        return out.transpose(1, 2)

    def _dense(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Attention by plain products, the queries of a key's heads side by side.

        Soft-caps scores if asked to: cap × tanh(score / cap) (Gemma 2, arXiv:2408.00118).
        """
        rows, heads, time, width = q.shape
        groups = heads // k.shape[1]
        scale = width**-0.5 if self.scaling is None else self.scaling
        q = q.reshape(rows * k.shape[1], groups * time, width)
        k, v = k.flatten(0, 1), v.flatten(0, 1)
        hidden = torch.zeros(mask.shape, dtype=q.dtype, device=q.device)
        hidden = hidden.masked_fill_(~mask, float("-inf")).repeat(groups, 1)
        if self.softcap is None:
            scores = torch.baddbmm(hidden, q, k.transpose(1, 2), alpha=scale)
        else:
            scores = torch.bmm(q, k.transpose(1, 2)) * (scale / self.softcap)
            scores = torch.tanh(scores) * self.softcap + hidden
        wide = torch.promote_types(q.dtype, torch.float32)
        shares = F.softmax(scores, -1, dtype=wide).to(v.dtype)
        if self.dropout:
            shares = F.dropout(shares, self.dropout)
        return torch.bmm(shares, v).view(rows, heads, time, v.shape[-1])

    def _mask(self, time: int, before: int, device: torch.device, windowed: bool) -> Tensor:
        """True where a query may look, `[time, before + time]`."""
        at = torch.arange(before, before + time, device=device)[:, None]
        to = torch.arange(before + time, device=device)[None, :]
        mask = to <= at
        if windowed and self.window is not None:
            mask &= at - to < self.window
        return mask


def _spread(flat: Tensor, gather: Tensor, scatter: Tensor) -> Tensor:
    found: Tensor = _Spread.apply(flat, gather, scatter)  # type: ignore[no-untyped-call]
    return found


def collect(blocks: Tensor, scatter: Tensor) -> Tensor:
    """The rows of `blocks` at `scatter`, each place at most once: backward need not add up."""
    found: Tensor = _Collect.apply(blocks, scatter)  # type: ignore[no-untyped-call]
    return found


class _Spread(torch.autograd.Function):
    """Flat rows to blocks; backward takes each token's gradient from its one place.

    Indexing would add up gradients over repeated places, slowly; padding has none to add.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor, gather: Tensor, scatter: Tensor) -> Tensor:
        ctx.save_for_backward(scatter)
        return flat.index_select(0, gather)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (scatter,) = ctx.saved_tensors
        return gradients[0].index_select(0, scatter), None, None


class _Collect(torch.autograd.Function):
    """Blocks to flat rows; backward leaves padding without gradient."""

    @staticmethod
    def forward(ctx: Any, blocks: Tensor, scatter: Tensor) -> Tensor:
        ctx.save_for_backward(scatter)
        ctx.places = len(blocks)
        return blocks.index_select(0, scatter)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (scatter,) = ctx.saved_tensors
        flat = gradients[0]
        blocks = flat.new_zeros(ctx.places, *flat.shape[1:])
        return blocks.index_copy_(0, scatter, flat), None

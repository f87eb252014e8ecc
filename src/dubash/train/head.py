"""The output layer and its loss: on supervised positions only, a chunk of them at a time.

The logits of a 262,144-token vocabulary never stand whole in memory. Each chunk's gradient is taken
while its logits are there, so none is computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubash.model.products import MULTIPLE, linear, spare, widest

CHUNK_BYTES = 128 * 2**20
"""What one chunk's logits may take: small enough for any device, large enough for full speed."""

BLOCK_BYTES = 8 * 2**20
"""What a block of a chunk's logits may take in fp32 on a CPU: its softmax stays in the caches."""

PRODUCT_ROWS = 2048
"""Rows of the head's weight that are multiplied at a time on a CPU, unless in 16 bits."""

PRODUCT_BYTES = 32 * 2**20
"""What a part of the head's gradient may take before it is added in another precision."""


@dataclass(frozen=True, slots=True)
class HeadForm:
    """How a model makes logits of its last hidden state `h`: cap · tanh(scale · (W h + b) / cap).

    `scale` multiplies the logits (T5's tied head, Granite, Cohere); `cap` is Gemma 2's soft-cap or
    None.
    """

    scale: float = 1.0
    cap: float | None = None

    @classmethod
    def of(cls, model: Any) -> HeadForm:
        """Read from a model's configuration."""
        config = model.config.get_text_config(decoder=True)
        scale = 1.0
        if getattr(config, "scale_decoder_outputs", False):
            scale = config.d_model**-0.5
        if getattr(config, "logits_scaling", None):
            scale /= config.logits_scaling
        if getattr(config, "logit_scale", None):
            scale *= config.logit_scale
        return cls(scale, getattr(config, "final_logit_softcapping", None))

    def logits(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """`[position, vocabulary]`, in fp32 or the wider type of `hidden` `[position, width]`."""
        return self.shaped(F.linear(hidden, weight, bias))

    def shaped(self, logits: Tensor) -> Tensor:
        """Of W h + b, the same; in its memory if that is as wide."""
        # in fp32 whatever the model computes in: a sum over a large vocabulary overflows or drowns
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if self.scale != 1.0:
            logits *= self.scale
        if self.cap is not None:
            logits = logits.div_(self.cap).tanh_().mul_(self.cap)
        return logits


def head_loss(
    head: nn.Linear,
    form: HeadForm,
    hidden: Tensor,
    labels: Tensor,
    counts: Tensor,
    divisor: float = 1.0,
    smoothing: float = 0.0,
    direct: bool = False,
    in_caches: bool | None = None,
) -> Tensor:
    """The sum of cross entropies in nats, each `counts` times, over `divisor`: a scalar in fp32
    (fp64 for a model in fp64).

    `hidden` is `[position, width]`; `labels` and `counts`, `[position]`. With `smoothing` ε each
    label is (1 − ε) of itself and ε spread evenly over the vocabulary (Szegedy et al. 2016,
    arXiv:1512.00567). Under autocast the products are in its precision.

    With `direct` the gradient of the head's weight is added to `head.weight.grad` here and now, for
    a gradient of 1 to this loss: a second one as large as the vocabulary is spared. Ask for it only
    where the backward pass follows, on the sum of such losses.

    `in_caches` takes the softmax some positions at a time, so that it stays in a CPU's caches: on a
    CPU, unless given. On a GPU each operation costs.
    """
    device = hidden.device.type
    dtype = hidden.dtype
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    # fp16 cannot hold a probability over the thousands of tokens of a step: divided afterwards
    late = dtype == torch.float16
    weights = counts.double() / (1.0 if late else divisor)
    direct = direct and not late and head.weight.requires_grad and torch.is_grad_enabled()
    weight = head.weight.detach() if direct else head.weight
    if direct and head.weight.grad is None:
        head.weight.grad = torch.zeros_like(head.weight)
    if missing := spare(len(hidden)):  # positions that count for nothing
        hidden = F.pad(hidden, (0, 0, 0, missing))
        labels, weights = F.pad(labels, (0, missing)), F.pad(weights, (0, missing))
    loss: Tensor = _HeadLoss.apply(  # type: ignore[no-untyped-call]
        hidden, weight, head.bias, labels, weights, form, smoothing, dtype,
        head.weight.grad if direct else None,
        hidden.device.type == "cpu" if in_caches is None else in_caches,
    )  # fmt: skip
    return loss / divisor if late else loss


def position_losses(head: nn.Linear, form: HeadForm, hidden: Tensor, labels: Tensor) -> Tensor:
    """The cross entropy of each position in nats, `[position]`, fp64, without gradient."""
    positions, missing = len(hidden), spare(len(hidden))
    hidden, labels = F.pad(hidden, (0, 0, 0, missing)), F.pad(labels, (0, missing))
    found = torch.zeros(len(hidden), dtype=torch.float64, device=hidden.device)
    for part in _chunks(len(hidden), head.weight):
        logits = form.logits(hidden[part], head.weight, head.bias)
        found[part] = F.cross_entropy(logits, labels[part], reduction="none").double()
    return found[:positions]


def _chunks(positions: int, weight: Tensor) -> list[slice]:
    """Chunks of like size, so that the last one is not a crumb, and a multiple where they can."""
    most = max(1, CHUNK_BYTES // (4 * weight.shape[0]))
    most -= most % MULTIPLE if most > MULTIPLE else 0
    count = -(-positions // most)
    size = -(-positions // count) if count else 1
    size = min(most, size + spare(size))
    return [slice(start, min(start + size, positions)) for start in range(0, positions, size)]


class _HeadLoss(torch.autograd.Function):
    """Loss and gradients in one pass; the backward pass only scales what is there."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        weights: Tensor,
        form: HeadForm,
        smoothing: float,
        dtype: torch.dtype,
        into: Tensor | None,
        in_caches: bool,
    ) -> Tensor:
        needs_hidden, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        d_hidden = torch.empty_like(hidden) if needs_hidden else None
        d_weight = torch.zeros_like(weight) if needs_weight else into
        d_bias = torch.zeros_like(bias) if needs_bias and bias is not None else None
        total = torch.zeros((), dtype=torch.float64, device=hidden.device)
        with torch.autocast(hidden.device.type, enabled=False):
            cast = weight.to(dtype)
            for part in _chunks(len(hidden), weight):
                states = hidden[part].to(dtype)
                slope = _product(states, cast, bias)
                for block in _blocks(slope, in_caches):
                    own = (labels[part][block], weights[part][block])
                    total += _turn(slope[block], *own, form, smoothing)
                if d_hidden is not None:
                    d_hidden[part] = linear(slope, cast.t())
                if d_weight is not None:
                    _add_product(d_weight, slope, states)
                if d_bias is not None:
                    d_bias += slope.sum(0)
        ctx.save_for_backward(d_hidden, d_weight if needs_weight else None, d_bias)
        return total.to(torch.promote_types(hidden.dtype, torch.float32))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        found = []
        for each in ctx.saved_tensors:
            # on a CPU, where fp16's loss scaling is not used, a pass over the vocabulary is saved
            as_is = each is None or (each.device.type == "cpu" and float(gradients[0]) == 1.0)
            found.append(each if as_is else each * gradients[0].to(each.dtype))
        return (*found, *[None] * 7)


def _product(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """W h + b, `[position, vocabulary]`."""
    if states.device.type != "cpu" or states.element_size() < 4:
        return F.linear(states, weight, None if bias is None else bias.to(states.dtype))
    # a product as wide as a vocabulary is a fifth slower than in parts (experiments/threads.md)
    logits = states.new_empty(len(states), len(weight))
    wide = widest(states.dtype, "cpu")
    for own, rows in zip(
        torch.split(logits, PRODUCT_ROWS, 1), torch.split(weight, PRODUCT_ROWS), strict=True
    ):
        if wide:
            own.copy_(linear(states, rows))
        else:
            torch.mm(states, rows.t(), out=own)
    return logits if bias is None else logits.add_(bias)


def _add_product(total: Tensor, slope: Tensor, states: Tensor) -> None:
    """Add slopeᵀ · states: at once where that can be done in place, else some rows at a time, so
    that no second gradient of the whole vocabulary stands."""
    wide = widest(slope.dtype, slope.device.type)
    if total.dtype == slope.dtype and not wide:
        total.addmm_(slope.t(), states)
        return
    rows = PRODUCT_ROWS if wide else PRODUCT_BYTES // (total.shape[1] * slope.element_size())
    rows = max(1, rows)
    for own, part in zip(torch.split(total, rows), torch.split(slope, rows, 1), strict=True):
        own += linear(part.t(), states.t())


def _blocks(logits: Tensor, in_caches: bool) -> list[slice]:
    """Some positions at a time, or all of them."""
    rows = len(logits)
    if in_caches:
        rows = max(1, BLOCK_BYTES // (4 * logits.shape[1]))
    return [slice(start, start + rows) for start in range(0, len(logits), rows)]


def _turn(
    logits: Tensor, labels: Tensor, weights: Tensor, form: HeadForm, smoothing: float
) -> Tensor:
    """Turn W h + b, `[position, vocabulary]`, into the loss's gradient by it, where it stands; the
    loss comes back."""
    slope = form.shaped(logits)
    # d(cap · tanh(z / cap)) / dz = 1 − (logit / cap)²
    curve = None if form.cap is None else 1 - (slope / form.cap).square_()
    slope -= slope.amax(-1, keepdim=True)
    own = slope.gather(1, labels[:, None])[:, 0]
    even = slope.mean(-1) if smoothing else None
    total = slope.exp_().sum(-1, keepdim=True)
    log_total = total[:, 0].log()
    loss = (log_total - own) * (1 - smoothing)
    scale = (weights.to(slope.dtype) * form.scale)[:, None]
    slope *= scale / total
    if even is not None:
        loss += (log_total - even) * smoothing
        slope -= scale * (smoothing / slope.shape[-1])
    slope[torch.arange(len(labels), device=labels.device), labels] -= scale[:, 0] * (1 - smoothing)
    if curve is not None:
        slope *= curve
    if slope.dtype != logits.dtype:
        logits.copy_(slope)
    return (loss.double() * weights).sum()

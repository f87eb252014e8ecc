"""Our own decoding loop for transformers' models: one shared prefix, finished rows dropped.

`generate` computes the constant instruction of every prompt anew for each row, and carries rows
that have ended until the last of their batch ends. Here the instruction's keys and values are
computed once and expanded over each batch, and a row leaves with its last token. Masks are made
from positions, so that padding between prefix and row is seen by nobody and Gemma 3's sliding
window counts tokens, not padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    EncoderDecoderCache,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.modeling_outputs import BaseModelOutput

from dubash.engine.options import GenerateOptions

CAUSAL = frozenset({"llama", "qwen2", "qwen3", "gemma3_text"})
"""Decoder-only families that take masks made here; tests hold each to `generate`."""

SEQ2SEQ = frozenset({"t5", "mt5", "m2m_100"})
"""Encoder-decoders whose decoder counts its positions from the cache."""


def can_decode(model: Any, options: GenerateOptions) -> bool:
    """Whether the loop here serves this model and these settings; `generate` does otherwise.

    Beam search stays with transformers, and so do hybrid models, whose recurrent state pads with
    care of their own.
    """
    config = model.config
    return (
        options.beams == 1
        and config.model_type in CAUSAL | SEQ2SEQ
        and config._attn_implementation in ("sdpa", "eager")
    )


class Chooser:
    """The next token of each row, by transformers' own processors in `generate`'s order."""

    def __init__(self, options: GenerateOptions) -> None:
        self.sample, self.penalty = options.sample, options.repetition_penalty != 1.0
        self.processors = LogitsProcessorList()
        if self.penalty:
            self.processors.append(RepetitionPenaltyLogitsProcessor(options.repetition_penalty))
        if options.sample:
            if options.temperature != 1.0:
                self.processors.append(TemperatureLogitsWarper(options.temperature))
            if options.top_k:
                self.processors.append(TopKLogitsWarper(options.top_k))
            if options.top_p < 1.0:
                self.processors.append(TopPLogitsWarper(options.top_p))

    def __call__(self, logits: Tensor, history: Tensor) -> Tensor:
        """Tokens `[rows]` from logits `[rows, vocabulary]`; `history` `[rows, time]` is what a
        repetition penalty counts."""
        scores = self.processors(history, logits.to(torch.float32, copy=True))
        if self.sample:
            return torch.multinomial(scores.softmax(dim=-1), 1).squeeze(1)
        best: Tensor = scores.argmax(dim=-1)
        return best


class Rows(Protocol):
    """A batch of rows on their way."""

    size: int
    history: Tensor

    def step(self, tokens: Tensor | None) -> Tensor:
        """Logits `[rows, vocabulary]` after `tokens` `[rows]`; None the first time."""
        ...

    def keep(self, index: Tensor) -> None:
        """Go on with these rows alone."""
        ...


def decode(
    rows: Rows, choose: Chooser, finished: Callable[[list[int]], bool], limit: int
) -> list[list[int]]:
    """The new ids of each row, its end token included; a row leaves the batch as it ends."""
    output: list[list[int]] = [[] for _ in range(rows.size)]
    alive, tokens = list(range(rows.size)), None
    for step in range(limit):
        tokens = choose(rows.step(tokens), rows.history)
        if choose.penalty:
            rows.history = torch.cat([rows.history, tokens[:, None]], dim=1)
        left = []
        for at, token in enumerate(tokens.tolist()):
            output[alive[at]].append(token)
            if not finished(output[alive[at]]):
                left.append(at)
        if not left or step + 1 == limit:
            break
        if len(left) < len(alive):
            index = torch.tensor(left, device=tokens.device)
            rows.keep(index)
            tokens, alive = tokens[index], [alive[at] for at in left]
    return output


class Prefix:
    """The keys and values of ids that all prompts begin with, computed once."""

    def __init__(self, model: Any, ids: Sequence[int]) -> None:
        self.ids = list(ids)
        rows = CausalRows(model, [self.ids], None)
        rows.step(None)
        self.layers = [(layer.keys, layer.values) for layer in rows.cache.layers]

    def cache(self, rows: int) -> DynamicCache:
        """A cache of so many rows that begins with the prefix."""
        cache = DynamicCache()
        for number, (keys, values) in enumerate(self.layers):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), number)
        return cache


class CausalRows:
    """Rows of a decoder-only model, laid out as prefix, padding, row, output."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], prefix: Prefix | None) -> None:
        """`prompts` are whole; each begins with the prefix's ids and has one of its own."""
        before = len(prefix.ids) if prefix else 0
        own = [list(prompt[before:]) for prompt in prompts]
        self.model, self.device, self.size = model, model.device, len(own)
        width = max(len(row) for row in own)
        # a row's first token pads it: a mask hides it, and a penalty counts it anyway
        filled = [[row[0]] * (width - len(row)) + row for row in own]
        self.ids = torch.tensor(filled, device=self.device)
        lengths = torch.tensor([len(row) for row in own], device=self.device)
        slots = torch.arange(width, device=self.device)
        offset = slots - (width - lengths)[:, None]  # below zero: padding
        self.positions = before + offset.clamp(min=0)
        own_keys = torch.where(offset < 0, -1, self.positions)
        shared = torch.arange(before, device=self.device).expand(self.size, -1)
        self.keys = torch.cat([shared, own_keys], dim=1)
        self.cache = prefix.cache(self.size) if prefix else DynamicCache()
        start = torch.tensor([prefix.ids if prefix else []], device=self.device, dtype=torch.long)
        self.history = torch.cat([start.expand(self.size, -1), self.ids], dim=1)

    def step(self, tokens: Tensor | None) -> Tensor:
        """As `Rows.step`."""
        if tokens is not None:
            self.ids = tokens[:, None]
            self.positions = self.positions[:, -1:] + 1
            self.keys = torch.cat([self.keys, self.positions], dim=1)
        output = self.model(
            input_ids=self.ids,
            position_ids=self.positions,
            attention_mask=self.masks(),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def masks(self) -> Any:
        """The attention mask, or one for each type of layer, from positions alone."""
        config = self.model.config
        queries, keys = self.positions[:, None, :, None], self.keys[:, None, None, :]
        # padding looks at itself, since a row of a softmax needs one key
        itself = torch.zeros_like(keys, dtype=torch.bool).repeat(1, 1, queries.shape[2], 1)
        itself.diagonal(keys.shape[3] - queries.shape[2], dim1=2, dim2=3).fill_(True)
        full = itself | ((keys >= 0) & (keys <= queries))
        types = getattr(config, "layer_types", None)
        if types is None:
            return self._spelled(full)
        masks = {"full_attention": self._spelled(full)}
        if "sliding_attention" in types:
            sliding = itself | (full & (keys > queries - config.sliding_window))
            masks["sliding_attention"] = self._spelled(sliding)
        return masks

    def _spelled(self, mask: Tensor) -> Tensor:
        if self.model.config._attn_implementation == "sdpa":
            return mask
        lowest = torch.finfo(self.model.dtype).min  # eager adds the mask to its scores
        zeros = torch.zeros((), dtype=self.model.dtype, device=self.device)
        return torch.where(mask, zeros, lowest)

    def keep(self, index: Tensor) -> None:
        """As `Rows.keep`."""
        self.cache.batch_select_indices(index)
        self.keys, self.positions = self.keys[index], self.positions[index]
        self.history = self.history[index]


class Seq2SeqRows:
    """Rows of an encoder-decoder: the source encoded once, the decoder's start forced."""

    def __init__(self, model: Any, ids: Tensor, mask: Tensor, start: Sequence[int]) -> None:
        """`ids` and `mask` `[rows, time]`, padded on the right; `start` is what every hypothesis
        begins with and does not count as output."""
        self.model, self.mask, self.size = model, mask, ids.shape[0]
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.encoded = base.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
        self.history = torch.tensor([list(start)], device=ids.device).expand(self.size, -1)
        self.cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def step(self, tokens: Tensor | None) -> Tensor:
        """As `Rows.step`."""
        output = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self.encoded),
            attention_mask=self.mask,
            decoder_input_ids=self.history if tokens is None else tokens[:, None],
            past_key_values=self.cache,
            use_cache=True,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def keep(self, index: Tensor) -> None:
        """As `Rows.keep`."""
        self.cache.batch_select_indices(index)
        self.encoded, self.mask = self.encoded[index], self.mask[index]
        self.history = self.history[index]

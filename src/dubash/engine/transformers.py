"""Generation with transformers: length-sorted batches through our own loop, or `generate`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import GenerationConfig

from dubash.core.types import Advance, Hypothesis
from dubash.engine.base import Reader, batches, shared_prefix
from dubash.engine.decode import (
    CAUSAL,
    CausalRows,
    Chooser,
    Prefix,
    Rows,
    Seq2SeqRows,
    can_decode,
    decode,
)
from dubash.engine.options import GenerateOptions
from dubash.model.device import DTYPES

_PRECISIONS = {dtype: name for name, dtype in DTYPES.items()}


class TransformersEngine:
    """Generates hypotheses for prompts of one loaded model."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        kind: Literal["causal", "seq2seq"],
        end_ids: Sequence[int],
        options: GenerateOptions,
        decoder_prefix: Sequence[int] = (),
    ) -> None:
        """`end_ids` are the tokens that end a hypothesis; the trained end token is one of them.

        `decoder_prefix` is what a decoder begins with after its start token (the target language's
        token); it counts as prompt, not as output.
        """
        self.decoder_prefix = list(decoder_prefix)
        self.model, self.tokenizer, self.kind = model, tokenizer, kind
        self.options, self.reader = options, Reader(tokenizer, end_ids, options.stop_strings)
        self.pad_id: int = tokenizer.pad_token_id
        before = model.generation_config
        # Made afresh: what a checkpoint's own file sets (sampling, penalties) would otherwise
        # apply to the base and be mixed into ours.
        self.config = GenerationConfig(
            max_new_tokens=options.max_new_tokens,
            num_beams=options.beams,
            do_sample=options.sample,
            temperature=options.temperature if options.sample else None,
            top_p=options.top_p if options.sample else None,
            top_k=options.top_k if options.sample else None,
            repetition_penalty=options.repetition_penalty,
            length_penalty=options.length_penalty if options.beams > 1 else None,
            stop_strings=list(options.stop_strings) or None,
            eos_token_id=sorted(self.reader.end_ids),
            pad_token_id=self.pad_id,
            bos_token_id=before.bos_token_id,
            decoder_start_token_id=before.decoder_start_token_id,
            use_cache=True,
        )

    @property
    def label(self) -> str:
        """As `Engine.label`; a quantised base goes by its bits."""
        quantised = getattr(self.model.config, "quantization_config", None)
        if quantised is not None:
            bits = "4-bit" if getattr(quantised, "load_in_4bit", False) else "8-bit"
            return f"transformers {bits}"
        return f"transformers {_PRECISIONS.get(self.model.dtype, self.model.dtype)}"

    def generate(
        self, prompts: Sequence[Sequence[int]], advance: Advance | None = None
    ) -> list[Hypothesis]:
        """One hypothesis for each prompt (ids `[time]`, unpadded), in the order given."""
        found: dict[int, Hypothesis] = {}
        with (
            self._serving(),
            torch.inference_mode(),
            torch.random.fork_rng(enabled=self.options.sample),
        ):
            if self.options.sample:
                torch.manual_seed(self.options.seed)
            start, prefix = time.perf_counter(), self._prefix(prompts)
            for rows in batches(prompts, self.options):
                output = self._run([prompts[row] for row in rows], prefix)
                now = time.perf_counter()
                share, start = (now - start) / len(rows), now
                for row, ids in zip(rows, output, strict=True):
                    found[row] = self.reader.read(ids, share)
                if advance:
                    advance(len(rows))
        return [found[row] for row in range(len(prompts))]

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """The model in eval mode with our configuration in place of its own, for this long.

        Without that its own would fill in what ours leaves open. An adapted model has two of
        them, its own and its base's, and which one counts differs by the kind of model.
        """
        model = self.model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        before = [(each, each.generation_config) for each in (model, base)]
        was_training = model.training
        model.eval()
        for each, _ in before:
            each.generation_config = self.config
        try:
            yield
        finally:
            for each, config in before:
                each.generation_config = config
            model.train(was_training)

    def pad(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids and attention mask, each `[batch, time]`: decoder-only models continue a prompt at
        its end, so they are padded on the left; an encoder's input on the right."""
        longest = max(len(prompt) for prompt in prompts)
        ids, mask = [], []
        for prompt in prompts:
            padding = longest - len(prompt)
            fill, real = [self.pad_id] * padding, list(prompt)
            left = self.kind == "causal"
            ids.append(fill + real if left else real + fill)
            ones, zeros = [1] * len(real), [0] * padding
            mask.append(zeros + ones if left else ones + zeros)
        device = self.model.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)

    def _prefix(self, prompts: Sequence[Sequence[int]]) -> Prefix | None:
        """What all prompts begin with, computed once, where our own loop serves them."""
        if not can_decode(self.model, self.options) or self.model.config.model_type not in CAUSAL:
            return None
        shared = shared_prefix(prompts)
        return Prefix(self.model, shared) if shared else None

    def _run(
        self, prompts: Sequence[Sequence[int]], prefix: Prefix | None = None
    ) -> list[list[int]]:
        """The new ids of one batch; those of `generate` are padded after their end."""
        if not can_decode(self.model, self.options):
            return self._generate(prompts)
        rows: Rows
        if self.kind == "causal":
            rows = CausalRows(self.model, prompts, prefix)
        else:
            start = [self.config.decoder_start_token_id, *self.decoder_prefix]
            rows = Seq2SeqRows(self.model, *self.pad(prompts), start)
        limit = self.options.max_new_tokens
        return decode(rows, Chooser(self.options), self.reader.finished, limit)

    def _generate(self, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        ids, mask = self.pad(prompts)
        begun = {}
        if self.decoder_prefix:
            prefix = [self.decoder_prefix] * len(prompts)
            begun["decoder_input_ids"] = torch.tensor(prefix, device=ids.device)
        output = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            **begun,
            generation_config=self.config,
            tokenizer=self.tokenizer if self.options.stop_strings else None,
        )
        # a decoder-only model gives the prompt back; a decoder its start token and the prefix
        skip = ids.shape[1] if self.kind == "causal" else 1 + len(self.decoder_prefix)
        generated: list[list[int]] = output[:, skip:].tolist()
        return generated

"""Generation with CTranslate2 on a CPU: int8, one constant prefix, several batches at a time.

A batch gives up rows as they end but takes no new ones, so each core runs a batch of its own and
takes the next when that is done; none waits for another's longest row.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import ctranslate2
import torch

from dubash.core.types import Advance, Hypothesis
from dubash.engine.base import MOST_ROWS, Reader, batches, shared_prefix
from dubash.engine.options import GenerateOptions

MOST_WORKERS = 8
"""Batches at a time at most; with more cores each gets several."""

LEAST_ROWS = 8
"""Rows in a batch before another worker is given one."""

ANY_START = 0
"""The id that conversions name as beginning of sequence; prompts are whole, so nothing hangs on it
but whether CTranslate2 repeats a prompt's first id."""


class CTranslate2Engine:
    """Generates hypotheses with a converted model; see `engine.convert`."""

    def __init__(
        self,
        folder: Path,
        tokenizer: Any,
        kind: Literal["causal", "seq2seq"],
        end_ids: Sequence[int],
        options: GenerateOptions,
        decoder_prefix: Sequence[int] = (),
    ) -> None:
        """`folder` holds a conversion whose check passed; the rest is as for transformers."""
        self.kind, self.options, self.end_ids = kind, options, sorted(end_ids)
        self.decoder_prefix = list(decoder_prefix)
        self.reader = Reader(tokenizer, end_ids, options.stop_strings)
        self.folder, self.workers = folder, 0
        self.model: Any = None  # loaded with the first prompts

    @property
    def label(self) -> str:
        """As `Engine.label`."""
        return f"ctranslate2 {self.options.compute_type}"

    def generate(
        self, prompts: Sequence[Sequence[int]], advance: Advance | None = None
    ) -> list[Hypothesis]:
        """As `Engine.generate`. A row's seconds are its share of the time since the batch before
        it was done, so that those of all rows add up to the time the whole set took."""
        found: dict[int, Hypothesis] = {}
        self._load(len(prompts))
        start, prefix = time.perf_counter(), self._prefix(prompts)
        # as few batches as there may be, and as many for each worker: weights are read for each
        rounds = -(-len(prompts) // (self.workers * MOST_ROWS))
        most = max(LEAST_ROWS, -(-len(prompts) // (self.workers * max(1, rounds))))
        queue: deque[tuple[list[int], list[Any]]] = deque()
        waiting = self._alike(prompts, batches(prompts, self.options, most))
        while True:
            # few at a time, so that an interrupt does not wait for all that were queued
            while len(queue) < 2 * self.workers and (rows := next(waiting, None)):
                queue.append((rows, self._submit([prompts[row] for row in rows], prefix)))
            if not queue:
                break
            rows, pending = queue.popleft()
            output = [
                self._ids(each.result(), prompts[row])
                for row, each in zip(rows, pending, strict=True)
            ]
            now = time.perf_counter()
            share, start = (now - start) / len(rows), now
            for row, ids in zip(rows, output, strict=True):
                found[row] = self.reader.read(ids, share)
            if advance:
                advance(len(rows))
        return [found[row] for row in range(len(prompts))]

    def _load(self, rows: int) -> None:
        """The model with as many workers as so many rows keep busy; never with fewer than before,
        as loading takes longer than a few rows."""
        cores = torch.get_num_threads()
        wanted = worker_count(cores, rows)
        if wanted > self.workers:
            self.model = None  # two at a time would be twice the memory
            self.workers = wanted
            kind = self.options.compute_type
            self.model = load(self.folder, self.kind, kind, wanted, cores // wanted)

    def _alike(
        self, prompts: Sequence[Sequence[int]], made: Iterator[list[int]]
    ) -> Iterator[list[int]]:
        """The batches, for beam search over prompts parted by length: of several lengths, what is
        left of the longer ones is forced, and a beam that ends right after that is forbidden."""
        if self.options.beams == 1 or self.kind == "seq2seq":
            return made
        return (
            list(rows) for each in made for _, rows in groupby(each, lambda at: len(prompts[at]))
        )

    @property
    def _penalised(self) -> bool:
        return self.options.repetition_penalty != 1.0

    def _prefix(self, prompts: Sequence[Sequence[int]]) -> list[int]:
        # a penalty counts what was decoded: under one, prompts go through the decoding loop
        return [] if self.kind == "seq2seq" or self._penalised else shared_prefix(prompts)

    def _submit(self, prompts: Sequence[Sequence[int]], prefix: Sequence[int]) -> list[Any]:
        """Queue a batch; one pending result for each row."""
        options = self.options
        settings: dict[str, Any] = {
            "asynchronous": True,
            "beam_size": options.beams,
            "length_penalty": options.length_penalty,
            "repetition_penalty": options.repetition_penalty,
            "end_token": self.end_ids,
            "return_end_token": True,
        }
        if options.stop_strings:
            settings["callback"] = self._stopper([self._forced(prompt) for prompt in prompts])
        if self.kind == "seq2seq":
            pending = self.model.translate_batch(
                [spell(prompt) for prompt in prompts],
                [spell(self.decoder_prefix)] * len(prompts) if self.decoder_prefix else None,
                max_input_length=0,  # the default cuts a source off at 1,024
                min_decoding_length=0,  # the default forbids an end at once
                max_decoding_length=len(self.decoder_prefix) + options.max_new_tokens,
                **settings,
            )
        else:
            longest = max(self._forced(prompt) for prompt in prompts)
            pending = self.model.generate_batch(
                [spell(prompt[len(prefix) :]) for prompt in prompts],
                static_prompt=spell(prefix) or None,
                include_prompt_in_result=self._penalised,
                max_length=longest + options.max_new_tokens,
                **settings,
            )
        return list(pending)

    def _forced(self, prompt: Sequence[int]) -> int:
        """The tokens before a row's own output that CTranslate2 counts as decoded."""
        if self.kind == "seq2seq":
            return len(self.decoder_prefix)
        return len(prompt) - 1 if self._penalised else 0

    def _stopper(self, forced: list[int]) -> Callable[[Any], bool]:
        """Ends a row of a batch as its text holds a stop string."""
        seen: list[list[int]] = [[] for _ in forced]

        def stop(step: Any) -> bool:
            ids = seen[step.batch_id]
            ids.append(step.token_id)
            own = ids[forced[step.batch_id] :]
            return bool(own) and self.reader.finished(own)

        return stop

    def _ids(self, result: Any, prompt: Sequence[int]) -> list[int]:
        """A row's new ids, its end token included."""
        if self.kind == "seq2seq":
            ids = [int(token) for token in result.hypotheses[0]]
            return ids[len(self.decoder_prefix) :]
        ids = list(result.sequences_ids[0])
        if self._penalised:  # the prompt stands before them
            ids = ids[len(prompt) - (prompt[0] == ANY_START) :]
        return ids[: self.options.max_new_tokens]


def worker_count(cores: int, rows: int) -> int:
    """How many batches go side by side, each on as many cores: as many as leave hardly a core
    without work."""
    most = max(1, min(MOST_WORKERS, -(-rows // LEAST_ROWS), cores))
    return max(each for each in range(1, most + 1) if 8 * (cores % each) <= cores)


def load(folder: Path, kind: str, compute_type: str, workers: int, threads: int) -> Any:
    """A converted model: Generator for `causal`, Translator for `seq2seq`."""
    model = ctranslate2.Generator if kind == "causal" else ctranslate2.Translator
    cores = torch.get_num_threads()
    try:
        return model(
            str(folder),
            device="cpu",
            compute_type=compute_type,
            inter_threads=workers,
            intra_threads=threads,
            max_queued_batches=-1,
        )
    finally:
        # it sets the number of threads of whoever loads it, and torch's is the same: what came
        # after, training say, would go on with the threads of one worker
        torch.set_num_threads(cores)


def spell(ids: Sequence[int]) -> list[str]:
    """Ids as the tokens of a conversion, whose vocabulary is the ids' own digits."""
    return [str(each) for each in ids]

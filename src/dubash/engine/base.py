"""What every engine shares: its protocol, batches of like length, reading ids as a hypothesis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from dubash.core.types import Advance, Hypothesis, StopReason
from dubash.engine.options import GenerateOptions
from dubash.prompt.context import shared_length

MOST_ROWS = 128
"""Rows in a batch at most: past that a batch waits longer for its longest row than it gains."""

LEAST_SHARED = 8
"""Tokens that all prompts must begin with before their keys and values are computed apart."""


class Engine(Protocol):
    """Turns prompts of one model into hypotheses."""

    @property
    def label(self) -> str:
        """The engine and the precision it computes in, such as `ctranslate2 int8`."""
        ...

    def generate(
        self, prompts: Sequence[Sequence[int]], advance: Advance | None = None
    ) -> list[Hypothesis]:
        """One hypothesis for each prompt (ids, unpadded), in the order given; calls `advance(n)`
        after each batch of n rows."""
        ...


class Reader:
    """Reads generated ids as a hypothesis: its text, why it stopped, its tokens."""

    def __init__(self, tokenizer: Any, end_ids: Sequence[int], stop_strings: Sequence[str]) -> None:
        self.tokenizer, self.end_ids = tokenizer, frozenset(end_ids)
        self.stop_strings = tuple(stop_strings)

    def text(self, ids: Sequence[int]) -> str:
        """The ids as text, without control tokens."""
        found: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return found

    def finished(self, ids: Sequence[int]) -> bool:
        """Whether a row ends with the last of these ids: an end token, or a whole stop string."""
        if ids[-1] in self.end_ids:
            return True
        if not self.stop_strings:
            return False
        text = self.text(ids)
        return any(each in text for each in self.stop_strings)

    def read(self, ids: Sequence[int], seconds: float) -> Hypothesis:
        """The hypothesis of one row's new ids; what follows an end token is padding."""
        end = next((at for at, token in enumerate(ids) if token in self.end_ids), None)
        kept = list(ids) if end is None else list(ids[:end])
        text = self.text(kept)
        stop: StopReason = "limit" if end is None else "end"
        cuts = [at for each in self.stop_strings if (at := text.find(each)) >= 0]
        if cuts:
            text, stop = text[: min(cuts)], "stop_string"
            while kept and kept[-1] == self.tokenizer.pad_token_id:  # it waited for others
                kept = kept[:-1]
        return Hypothesis(text.strip(), stop, len(kept) + (stop == "end"), seconds)


def batches(
    prompts: Sequence[Sequence[int]], options: GenerateOptions, most: int = MOST_ROWS
) -> Iterator[list[int]]:
    """Rows of like length together, longest first, within `batch_tokens` and `most` rows."""
    order = sorted(range(len(prompts)), key=lambda row: (-len(prompts[row]), row))
    batch: list[int] = []
    for row in order:
        longest = len(prompts[batch[0]]) if batch else len(prompts[row])
        cost = (longest + options.max_new_tokens) * options.beams
        if batch and ((len(batch) + 1) * cost > options.batch_tokens or len(batch) >= most):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def shared_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """The ids that all prompts begin with, each keeping one of its own at least; empty where there
    is one prompt, or too few to pay for."""
    length = shared_length(prompts)
    return list(prompts[0][:length]) if length >= LEAST_SHARED else []

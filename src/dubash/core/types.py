"""The nouns that every room speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

StopReason = Literal["end", "limit", "stop_string"]
"""Why a hypothesis ended: the model's own end token, the token limit, or a stop string."""

SplitName = Literal["train", "dev", "test"]

HeldOut = Literal["dev", "test"]
"""A split that systems may be judged on."""

Advance = Callable[[int], None]
"""Called with the number of rows just finished."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One source segment with its reference translation.

    `document` groups rows that must never part across splits ("" means: on its own).
    `origin` says where the row was read, as `file:line` or `dataset#row`.
    """

    source: str
    target: str
    document: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One translation as it came out of a Translator.

    `tokens` counts generated tokens, the end token included. `seconds` is the row's share of its
    batch's wall time, so that the seconds of all rows add up to the time the whole set took.
    """

    text: str
    stop: StopReason
    tokens: int
    seconds: float


class Translator(Protocol):
    """Anything that turns source segments into hypotheses, in the same order."""

    @property
    def name(self) -> str:
        """A short label for tables, such as `S0` or `S1`."""
        ...

    def translate(self, sources: Sequence[str], advance: Advance | None = None) -> list[Hypothesis]:
        """Translate every source; calls `advance(n)` after each batch of n rows."""
        ...

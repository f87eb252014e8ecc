"""All that stands in for a model's own ways as long as dubash trains it: attention by rows, leaner
layers, a last layer on what the loss asks for. The same numbers, by other means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dubash.train.attention import attention_configs, by_layout
from dubash.train.fuse import Fused
from dubash.train.last import LastLayer
from dubash.train.loss import Scorer


class Lean:
    """What of a scorer's model has a leaner form, found once."""

    def __init__(self, scorer: Scorer) -> None:
        self.configs = attention_configs(scorer.model)
        self.fused = Fused(scorer, scorer.direct)
        self.last = LastLayer(scorer)

    @contextmanager
    def active(self, packed: bool) -> Iterator[None]:
        """The lean forms, and for `packed` batches the attention by layout, for this long;
        backward passes of checkpointed layers belong inside."""
        configs = self.configs if packed else []
        with by_layout(configs), self.fused.active(), self.last.active():
            yield

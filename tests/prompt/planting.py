"""Families, styles and masks that go together, and real batches to plant mistakes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dubash.core.errors import PreflightError
from dubash.core.types import Pair
from dubash.prompt.preflight import Expectation, Row, check_rows
from dubash.prompt.template import Example, Template
from dubash.train.batches import Collator, as_trained
from tiny import SEQ2SEQ

CAUSAL = [
    (family, style, mask)
    for family in ("llama", "qwen2", "qwen3", "qwen3_5", "gemma3")
    for style in ("chat", "plain")
    for mask in ("target", "full")
]
ALL = [*CAUSAL, *((family, "seq2seq", "target") for family in SEQ2SEQ)]
TARGET = [case for case in CAUSAL if case[2] == "target"]
CHAT = [case for case in CAUSAL if case[1] == "chat"]


def expectation(template: Template, mask: str) -> Expectation:
    tokenizer = template.tokenizer
    return Expectation(
        template.kind, mask, template.end_id, frozenset({template.end_id}),
        tokenizer.bos_token_id, tokenizer, template.neutral, template.decoder_prefix,
    )  # fmt: skip


def batch_rows(
    template: Template,
    mask: str,
    pairs: Sequence[Pair],
    change: Callable[[Example], Example] = lambda example: example,
    served_by: Template | None = None,
    pad_id: int | None = None,
) -> list[Row]:
    """Rows of a real batch whose examples are `change`d first."""
    pad = template.tokenizer.pad_token_id if pad_id is None else pad_id
    examples = [change(template.example(pair)) for pair in pairs]
    # padded, so that there is padding to be wrong about; a pack has none
    trained = as_trained(Collator(template.kind, mask, pad, packed=False)(examples))
    served = [(served_by or template).prompt_ids(pair.source) for pair in pairs]
    return [Row(pair, *row, ids) for pair, row, ids in zip(pairs, trained, served, strict=True)]


def refused(rows: list[Row], expected: Expectation) -> str:
    """The message, which names the row it is about."""
    with pytest.raises(PreflightError) as caught:
        check_rows(rows, expected)
    assert caught.value.where in {row.pair.origin for row in rows}
    return str(caught.value)

"""The model's context: how many tokens it can see, and what does not go into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dubash.core.errors import PreflightError
from dubash.prompt.template import Example


def tokens_needed(kind: Literal["causal", "seq2seq"], prompt: int, target: int) -> int:
    """The context that a prompt and a target of so many tokens take: both together, or the longer
    one where encoder and decoder have a context each."""
    return prompt + target if kind == "causal" else max(prompt, target)


def shared_length(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with; 0 for fewer than two.

    Each keeps its last token to itself, so that what follows is predicted from a row's own state.
    """
    if len(prompts) < 2:
        return 0
    rows = [tuple(prompt) for prompt in prompts]
    first, last = min(rows), max(rows)  # what these two share, all share
    most = min(len(row) for row in rows) - 1
    return next((at for at in range(most) if first[at] != last[at]), most)


def check_context(
    kind: Literal["causal", "seq2seq"], examples: Sequence[Example], context: int | None
) -> None:
    """Raise PreflightError for an example longer than the model's context (None: it has none).

    Such a row passed `prompt.max_tokens`, which therefore is too large for this model.
    """
    if context is None:
        return
    lengths = [tokens_needed(kind, len(each.prompt), len(each.target)) for each in examples]
    long = [at for at, length in enumerate(lengths) if length > context]
    if not long:
        return
    more = f" (and {len(long) - 1} more)" if len(long) > 1 else ""
    raise PreflightError(
        f"{examples[long[0]].origin} takes {lengths[long[0]]} tokens{more}, and the model's "
        f"context is {context}.",
        where="prompt.max_tokens",
        fix=f"Set it to {context} or less, and longer rows are set aside.",
    )

"""The check before training: an example as trained beside the same example as served.

It looks at what reaches the model, padding and all, not at the template that made it: any way
of getting there wrong is caught, wherever it was made. Five things are refused, each seen in a
published project: the end token outside the loss (the model never stops), padding inside it, a
mask shifted against its tokens, a training prompt that is not the serving prompt, and a target
that was cut away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dubash.core.errors import PreflightError
from dubash.core.types import Pair
from dubash.prompt.mask import IGNORE
from dubash.prompt.template import Tokenizer


@dataclass(frozen=True, slots=True)
class Row:
    """One row as trained and as served, each list `[time]`.

    `ids`, `labels` and `attention` are a row of a real training batch with its padding; for a
    seq2seq model `ids` and `attention` are the encoder's and `labels` the decoder's. `served` is
    what generation is given, without padding.
    """

    pair: Pair
    ids: Sequence[int]
    labels: Sequence[int]
    attention: Sequence[int]
    served: Sequence[int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a right row looks like for this model and recipe."""

    kind: Literal["causal", "seq2seq"]
    mask: Literal["target", "full"]
    end_id: int
    stop_ids: frozenset[int]
    begin_id: int | None
    tokenizer: Tokenizer


def check_rows(rows: Sequence[Row], expected: Expectation) -> None:
    """Raises PreflightError at the first row that would not teach what is served."""
    if not rows:
        raise PreflightError(
            "no training row is left.", where="data", fix="Raise prompt.max_tokens or add data."
        )
    if expected.end_id not in expected.stop_ids:
        raise _refusal(
            "end token not served",
            f"generation does not stop at the trained end token {_name(expected, expected.end_id)}",
            rows[0],
            "Leave generate.stop_tokens out, or add the end token to it.",
        )
    for row in rows:
        _check_prompt(row, expected)
        _check_padding(row, expected)
        _check_alignment(row, expected)
        _check_target(row, expected)
        _check_end(row, expected)


def _check_prompt(row: Row, expected: Expectation) -> None:
    trained = [i for i, seen in zip(row.ids, row.attention, strict=True) if seen]
    prompt = trained if expected.kind == "seq2seq" else trained[: len(row.served)]
    begin = expected.begin_id
    if begin is not None and list(row.served[:2]) == [begin, begin]:
        raise _refusal(
            "doubled beginning token",
            "the prompt begins with the beginning token twice",
            row,
            "Take the beginning token out of prompt.text or of the chat template.",
        )
    if list(prompt) != list(row.served):
        at = next(
            (i for i, (a, b) in enumerate(zip(prompt, row.served, strict=False)) if a != b),
            min(len(prompt), len(row.served)),
        )
        raise _refusal(
            "training prompt ≠ serving prompt",
            f"at token {at} training has {_some(expected, prompt[at : at + 4])} "
            f"where serving has {_some(expected, row.served[at : at + 4])}",
            row,
            "Render both with the same template.",
        )


def _check_padding(row: Row, expected: Expectation) -> None:
    if expected.kind == "seq2seq":  # the decoder's padding is what comes after its end token
        supervised = [at for at, label in enumerate(row.labels) if label != IGNORE]
        ends = [at for at in supervised if row.labels[at] == expected.end_id]
        padding = [at for at in supervised if ends and at > ends[0] and at not in ends]
    else:
        pairs = enumerate(zip(row.labels, row.attention, strict=True))
        padding = [at for at, (label, seen) in pairs if label != IGNORE and not seen]
    if padding:
        raise _refusal(
            "padding supervised",
            f"position {padding[0]} is padding and stands in the loss",
            row,
            "Label padding with -100 by its attention mask, not by its id.",
        )


def _check_alignment(row: Row, expected: Expectation) -> None:
    if expected.kind == "seq2seq":
        return
    supervised = [at for at, label in enumerate(row.labels) if label != IGNORE]
    real = [at for at, seen in enumerate(row.attention) if seen]
    start = 1 if expected.mask == "full" else len(row.served)
    wrong = next((at for at in supervised if row.labels[at] != row.ids[at]), None)
    first = real.index(supervised[0]) if supervised and supervised[0] in real else None
    if wrong is not None or (first is not None and first != start):
        raise _refusal(
            "mask shifted",
            f"the loss begins at token {first} where the supervised part begins at {start}"
            if wrong is None
            else f"the label at position {wrong} is not the token that stands there",
            row,
            "Count the beginning token once, and take the boundary from the template's spans.",
        )


def _check_target(row: Row, expected: Expectation) -> None:
    tokenizer = expected.tokenizer
    supervised = [label for label in row.labels if label != IGNORE]
    if expected.mask == "full" and expected.kind == "causal":
        supervised = supervised[max(len(row.served) - 1, 0) :]
    whole = tokenizer(row.pair.target, add_special_tokens=False).input_ids
    want = _letters(tokenizer.decode(whole, skip_special_tokens=True))
    have = _letters(tokenizer.decode(supervised, skip_special_tokens=True))
    if not supervised or have != want:
        raise _refusal(
            "target truncated away" if len(have) < len(want) else "target not what is trained",
            f"the loss sees {len(have)} of the target's {len(want)} characters",
            row,
            "Raise prompt.max_tokens, or set longer rows aside.",
        )


def _check_end(row: Row, expected: Expectation) -> None:
    supervised = [label for label in row.labels if label != IGNORE]
    if not supervised or supervised[-1] != expected.end_id:
        last = _some(expected, supervised[-1:])
        raise _refusal(
            "end token unsupervised",
            f"the last token in the loss is {last}, not the end token "
            f"{_name(expected, expected.end_id)}: the model would never learn to stop",
            row,
            "Put the end token after the target and inside the mask.",
        )
    if expected.end_id in supervised[len(supervised) - 2 : -1]:
        raise _refusal(
            "end token doubled",
            "the target ends with the end token twice",
            row,
            "Add the end token once.",
        )


def _letters(text: str) -> str:
    return "".join(text.split())


def _refusal(name: str, what: str, row: Row, fix: str) -> PreflightError:
    return PreflightError(f"{name}: {what}.", where=row.pair.origin or "preflight", fix=fix)


def _name(expected: Expectation, token: int) -> str:
    return repr(expected.tokenizer.convert_ids_to_tokens(int(token)))


def _some(expected: Expectation, ids: Sequence[int]) -> str:
    return repr(expected.tokenizer.decode(list(ids))) if ids else "nothing"

"""The check before training: an example as trained beside the same example as served.

It looks at what reaches the model, padding and all, not at the template that made it: any way
of getting there wrong is caught, wherever it was made. Five things are refused, each seen in a
published project: the end token outside the loss (the model never stops), padding inside it, a
mask shifted against its tokens, a training prompt that is not the serving prompt, and a target
that was cut away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """What a right row looks like for this model and recipe.

    `neutral` is what the template does to a text that spells a control token. `decoder_prefix` is
    what serving makes a decoder begin with.
    """

    kind: Literal["causal", "seq2seq"]
    mask: Literal["target", "full"]
    end_id: int
    stop_ids: frozenset[int]
    begin_id: int | None
    tokenizer: Tokenizer
    neutral: Callable[[str], str]
    decoder_prefix: tuple[int, ...] = ()


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
            "Serve with the end token of the template.",
        )
    for row in rows:
        _check_prompt(row, expected)
        _check_padding(row, expected)
        _check_alignment(row, expected)
        _check_target(row, expected)
        _check_end(row, expected)
        _check_gaps(row, expected)


def _check_prompt(row: Row, expected: Expectation) -> None:
    trained = _seen(row.ids, row)
    prompt = trained if expected.kind == "seq2seq" else trained[: len(row.served)]
    begin = expected.begin_id
    if begin is not None and list(row.served[:2]) == [begin, begin]:
        raise _refusal(
            "doubled beginning token",
            "the prompt begins with the beginning token twice",
            row,
            "Take the beginning token out of prompt.text or of the chat template.",
        )
    if expected.kind == "causal" and _begins(row.served, trained):
        raise _cut("all of the target is cut away", row)
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
    wrong = next(
        (at for at, label in enumerate(row.labels) if label not in (IGNORE, row.ids[at])), None
    )
    if wrong is not None:
        raise _shifted(f"the label at position {wrong} is not the token that stands there", row)
    seen = _seen(row.labels, row)
    first = next((at for at, label in enumerate(seen) if label != IGNORE), None)
    if expected.mask == "target" and first not in (None, len(row.served)):
        raise _shifted(f"the loss begins at token {first}, the target at {len(row.served)}", row)


def _check_target(row: Row, expected: Expectation) -> None:
    tokenizer = expected.tokenizer
    prefix, labels = list(expected.decoder_prefix), _answer(row, expected)
    answer = labels[len(prefix) :]
    if labels[: len(prefix)] != prefix:
        raise _refusal(
            "training prompt ≠ serving prompt",
            f"the decoder is trained to begin with {_some(expected, labels[: len(prefix)])} "
            f"and served {_some(expected, prefix)}",
            row,
            "Begin the target with the target language's token.",
        )
    while answer and answer[-1] == expected.end_id:
        answer.pop()
    # What the tokenizer itself gives back: it may normalise, or not know a letter.
    whole = tokenizer(expected.neutral(row.pair.target), add_special_tokens=False).input_ids
    want, have = _letters(tokenizer.decode(whole)), _letters(tokenizer.decode(answer))
    if have == want:
        return
    have = have.rstrip("�")  # the cut may go through a letter
    if len(have) < len(want) and want.startswith(have):
        raise _cut(f"the loss sees {len(have)} of the target's {len(want)} characters", row)
    at = next((i for i, (a, b) in enumerate(zip(have, want, strict=False)) if a != b), len(want))
    raise _refusal(
        "target not what is trained",
        f"from character {at} on, blanks not counted, the loss sees {have[at : at + 12]!r} where "
        f"the target has {want[at : at + 12]!r}",
        row,
        "Label the target's own tokens, all of them and nothing else.",
    )


def _check_end(row: Row, expected: Expectation) -> None:
    answer = _answer(row, expected)
    if answer[-1:] != [expected.end_id]:
        raise _refusal(
            "end token unsupervised",
            f"the last token in the loss is {_some(expected, answer[-1:])}, not the end token "
            f"{_name(expected, expected.end_id)}: the model would never learn to stop",
            row,
            "Put the end token after the target and inside the mask.",
        )
    if answer[-2:-1] == [expected.end_id]:
        raise _refusal(
            "end token doubled",
            "the target ends with the end token twice",
            row,
            "Add the end token once.",
        )


def _check_gaps(row: Row, expected: Expectation) -> None:
    """Full mask only: a gap in the target shows in its text, one in the prompt does not.

    Whether the very first token has a label makes no difference: nothing stands before it to
    predict it from.
    """
    if expected.kind == "causal" and expected.mask == "full":
        gap = next(
            (at for at, label in enumerate(_seen(row.labels, row)) if at and label < 0), None
        )
        if gap is not None:
            token = _some(expected, _seen(row.ids, row)[gap : gap + 1])
            raise _shifted(f"token {gap} ({token}) stands outside the loss over everything", row)


def _seen(values: Sequence[int], row: Row) -> list[int]:
    return [value for value, seen in zip(values, row.attention, strict=True) if seen]


def _answer(row: Row, expected: Expectation) -> list[int]:
    """The labels in the loss from the target on, `[time]`."""
    causal = expected.kind == "causal"
    labels = _seen(row.labels, row)[len(row.served) :] if causal else row.labels
    return [label for label in labels if label != IGNORE]


def _begins(whole: Sequence[int], part: Sequence[int]) -> bool:
    return len(part) <= len(whole) and list(whole[: len(part)]) == list(part)


def _letters(text: str) -> str:
    return "".join(text.split())


def _cut(what: str, row: Row) -> PreflightError:
    fix = "Raise prompt.max_tokens, or set longer rows aside."
    return _refusal("target truncated away", what, row, fix)


def _shifted(what: str, row: Row) -> PreflightError:
    fix = "Count the beginning token once, and take the boundary from the template's spans."
    return _refusal("mask shifted", what, row, fix)


def _refusal(name: str, what: str, row: Row, fix: str) -> PreflightError:
    return PreflightError(f"{name}: {what}.", where=row.pair.origin or "preflight", fix=fix)


def _name(expected: Expectation, token: int) -> str:
    return repr(expected.tokenizer.convert_ids_to_tokens(int(token)))


def _some(expected: Expectation, ids: Sequence[int]) -> str:
    return repr(expected.tokenizer.decode(list(ids))) if ids else "nothing"

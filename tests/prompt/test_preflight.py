"""Right batches pass; a loss that lacks the end token or holds padding is refused by name.

Each mistake is made the way it really happens, in a real batch.
"""

from dataclasses import replace

import pytest
from planting import ALL, CAUSAL, TARGET, batch_rows, expectation, refused

from dubash.core.errors import PreflightError
from dubash.core.types import Pair
from dubash.prompt.mask import IGNORE
from dubash.prompt.preflight import Row, check_rows
from dubash.prompt.template import Example

# -- right batches -----------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
def test_right_batches_pass(make, pairs, family, style, mask):
    template = make(family, style=style)
    rows = batch_rows(template, mask, pairs)
    assert any(0 in row.attention for row in rows)  # padding is part of what is checked
    check_rows(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
def test_real_rows_pass(make, shared_data, family, style, mask):
    lines = (shared_data / "en-hi.storyweaver.tsv").read_text(encoding="utf-8").splitlines()
    real = [Pair(*line.split("\t"), origin=f"story:{at}") for at, line in enumerate(lines[:500:20])]
    assert len(real) == 25
    template = make(family, style=style)
    check_rows(batch_rows(template, mask, real), expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
def test_padding_with_the_end_token_passes_where_the_mask_goes_by_position(
    make, pairs, family, style, mask
):
    template = make(family, style=style)
    rows = batch_rows(template, mask, pairs, pad_id=template.end_id)
    check_rows(rows, expectation(template, mask))


def test_batches_padded_on_the_left_pass(make, pairs):
    template = make("gemma3", style="chat")
    rows = batch_rows(template, "target", pairs)
    left = []
    for row in rows:
        room = row.attention.count(0)
        columns = [[*each[len(each) - room :], *each[: len(each) - room]] for each in
                   (row.ids, row.labels, row.attention)]  # fmt: skip
        left.append(Row(row.pair, *columns, row.served))
    check_rows(left, expectation(template, "target"))


def test_no_rows_at_all_is_refused(make):
    with pytest.raises(PreflightError, match=r"no training row is left.*max_tokens"):
        check_rows([], expectation(make("llama"), "target"))


# -- the end token outside the loss ------------------------------------------------------------


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
def test_masking_padding_by_id_where_it_is_the_end_token(make, pairs, family, style, mask):
    """`labels[labels == pad_token_id] = -100` after `pad_token = eos_token`."""
    template = make(family, style=style)
    pad = template.end_id
    rows = [
        replace(row, labels=[IGNORE if label == pad else label for label in row.labels])
        for row in batch_rows(template, mask, pairs, pad_id=pad)
    ]
    message = refused(rows, expectation(template, mask))
    assert "end token unsupervised" in message
    assert "talk.tsv:1" in message
    assert repr(template.tokenizer.convert_ids_to_tokens(pad)) in message


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
def test_a_target_without_end_token(make, pairs, family, style, mask):
    template = make(family, style=style)

    def drop(example: Example) -> Example:
        return replace(example, target=example.target[:-1])

    rows = batch_rows(template, mask, pairs, drop)
    assert "end token unsupervised" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), ALL)
def test_an_end_token_that_stands_twice(make, pairs, family, style, mask):
    template = make(family, style=style)

    def twice(example: Example) -> Example:
        return replace(example, target=(*example.target, example.target[-1]))

    rows = batch_rows(template, mask, pairs, twice)
    assert "end token doubled" in refused(rows, expectation(template, mask))


def test_an_end_token_that_serving_does_not_stop_at(make, pairs):
    """Trained on `<end_of_turn>`, served until `<eos>`."""
    template = make("gemma3", style="chat")
    served = frozenset({template.tokenizer.eos_token_id})
    expected = replace(expectation(template, "target"), stop_ids=served)
    message = refused(batch_rows(template, "target", pairs), expected)
    assert "end token not served" in message
    assert "'<end_of_turn>'" in message


# -- padding in the loss -----------------------------------------------------------------------


@pytest.mark.parametrize(("family", "style", "mask"), CAUSAL)
@pytest.mark.parametrize("pad", ["its own", "the end token"])
def test_labels_that_are_a_copy_of_the_ids(make, pairs, family, style, mask, pad):
    """`labels = input_ids.clone()`."""
    template = make(family, style=style)
    pad_id = template.end_id if pad == "the end token" else None
    rows = [
        replace(row, labels=list(row.ids))
        for row in batch_rows(template, mask, pairs, pad_id=pad_id)
    ]
    assert "padding supervised" in refused(rows, expectation(template, mask))


@pytest.mark.parametrize(("family", "style", "mask"), TARGET)
def test_a_mask_that_covers_the_prompt_but_not_the_padding(make, pairs, family, style, mask):
    template = make(family, style=style)
    rows = [
        replace(row, labels=[IGNORE] * len(row.served) + list(row.ids[len(row.served) :]))
        for row in batch_rows(template, mask, pairs)
    ]
    assert "padding supervised" in refused(rows, expectation(template, mask))


def test_a_decoder_whose_labels_are_padded_with_the_padding_token(make, pairs):
    template = make("mt5")
    pad = template.tokenizer.pad_token_id
    rows = [
        replace(row, labels=[pad if label == IGNORE else label for label in row.labels])
        for row in batch_rows(template, "target", pairs)
    ]
    assert "padding supervised" in refused(rows, expectation(template, "target"))

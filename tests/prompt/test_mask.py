"""The mask says what the loss sees, and nothing but what stands there."""

from hypothesis import given
from hypothesis import strategies as st

from dubash.prompt.mask import IGNORE, causal_labels
from dubash.prompt.template import Example
from dubash.train.batches import Collator, as_trained

TOKENS = st.lists(st.integers(0, 250_000), min_size=1, max_size=40).map(tuple)
EXAMPLES = st.builds(Example, TOKENS, TOKENS, st.just("row"))


def test_the_target_mask_shows_the_target_and_its_end_token():
    example = Example((5, 6, 7), (8, 9, 2), "row")
    assert causal_labels(example, "target") == [IGNORE, IGNORE, IGNORE, 8, 9, 2]


def test_the_full_mask_shows_all_but_the_first_token():
    example = Example((5, 6, 7), (8, 9, 2), "row")
    assert causal_labels(example, "full") == [IGNORE, 6, 7, 8, 9, 2]


def test_the_padding_token_in_the_target_stays_in_the_loss():
    """Where the end token pads as well (many recipes do so), masking by id would lose it."""
    batch = Collator("causal", "target", pad_id=2, packed=False)(
        [Example((5, 6), (7, 2), "short"), Example((5, 6), (7, 8, 9, 2), "long")]
    )
    (_, short, seen), (_, long, all_seen) = as_trained(batch)
    assert (short, long) == ([IGNORE, IGNORE, 7, 2, IGNORE, IGNORE], [IGNORE, IGNORE, 7, 8, 9, 2])
    assert (seen, all_seen) == ([1, 1, 1, 1, 0, 0], [1] * 6)


@given(EXAMPLES, st.sampled_from(["target", "full"]))
def test_labels_are_the_tokens_themselves_or_ignored(example, mask):
    ids, labels = [*example.prompt, *example.target], causal_labels(example, mask)
    assert len(labels) == len(ids)
    assert all(label in (IGNORE, token) for label, token in zip(labels, ids, strict=True))
    seen = [at for at, label in enumerate(labels) if label != IGNORE]
    first = 1 if mask == "full" else len(example.prompt)
    assert seen == list(range(first, len(ids)))  # in one piece, up to the end token


@given(
    st.lists(EXAMPLES, min_size=1, max_size=5),
    st.sampled_from([("causal", "target"), ("causal", "full"), ("seq2seq", "target")]),
    st.integers(0, 250_000),
    st.booleans(),
)
def test_a_batch_supervises_as_many_tokens_as_are_counted(examples, kind_and_mask, pad_id, packed):
    collator = Collator(*kind_and_mask, pad_id, packed=packed)
    batch = collator(examples)
    assert int(batch.counts.sum()) == sum(collator.supervised(example) for example in examples)
    labels = [labels for _, labels, _ in as_trained(batch)]
    assert [sum(label != IGNORE for label in row) for row in labels] == [
        collator.supervised(example) for example in examples
    ]
    assert all(example.target[-1] in row for example, row in zip(examples, labels, strict=True))

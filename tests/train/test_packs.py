"""Packs: every row is in there whole, once, and what rows share stands once."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from dubash.model.products import MULTIPLE
from dubash.prompt.mask import causal_labels
from dubash.prompt.template import Example
from dubash.train.batches import Collator, as_trained
from dubash.train.loss import row_of
from dubash.train.packs import FULLNESS, lay_out, make_pack

TOKENS = st.lists(st.integers(1, 5), min_size=1, max_size=12).map(tuple)
MASKS = st.sampled_from(["target", "full"])
EXAMPLES = st.lists(st.builds(Example, TOKENS, TOKENS, st.just("row")), min_size=1, max_size=9)


def behind(prefix, examples):
    """The same examples, each with the prefix before its prompt."""
    return [Example((*prefix, *each.prompt), each.target, each.origin) for each in examples]


def test_what_all_prompts_begin_with_stands_once():
    rows = [Example((7, 8, 1), (2, 3), "a"), Example((7, 8, 4, 5), (6, 3), "b")]
    pack = make_pack(rows, "target")
    assert pack.layout.shared == 2
    assert pack.ids[0, :9].tolist() == [7, 8, 4, 5, 6, 3, 1, 2, 3]
    assert pack.positions[0, :9].tolist() == [0, 1, 2, 3, 4, 5, 2, 3, 4]
    seen = zip(pack.places.tolist(), pack.labels.tolist(), pack.counts.tolist(), strict=True)
    assert list(seen) == [(3, 6, 1), (4, 3, 1), (6, 2, 1), (7, 3, 1)]


def test_the_full_loss_counts_shared_tokens_once_for_each_row():
    rows = [
        Example((7, 8, 1), (2,), "a"),
        Example((7, 8, 4), (6,), "b"),
        Example((7, 8, 1), (5,), "c"),
    ]
    pack = make_pack(rows, "full")
    seen = list(zip(pack.places.tolist(), pack.labels.tolist(), pack.counts.tolist(), strict=True))
    assert seen[:3] == [(0, 8, 3), (1, 1, 2), (1, 4, 1)]  # 7→8 in all; at the fork 8→1 twice, 8→4


def test_a_row_alone_shares_nothing():
    assert make_pack([Example((1, 2), (3,), "a")], "target").layout.shared == 0


@given(TOKENS, EXAMPLES, MASKS, st.booleans())
def test_each_row_comes_out_of_a_pack_as_it_would_stand_alone(prefix, examples, mask, share):
    rows = behind(prefix, examples)
    batch = Collator("causal", mask, 0)(rows, share)
    assert as_trained(batch) == [
        ([*row.prompt, *row.target], causal_labels(row, mask), [1] * row.longest) for row in rows
    ]


@given(TOKENS, EXAMPLES, MASKS)
def test_positions_are_those_of_each_row_by_itself(prefix, examples, mask):
    pack = make_pack(behind(prefix, examples), mask)
    shared, lengths = pack.layout.shared, pack.layout.lengths
    assert pack.positions[0, :shared].tolist() == list(range(shared))
    own = pack.positions[0, shared : pack.ids.shape[1] - pack.layout.filler]
    for part, length in zip(own.split(list(lengths)), lengths, strict=True):
        assert part.tolist() == list(range(shared, shared + length))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30).map(lambda x: sorted(x, reverse=True)))
def test_tokens_come_back_from_the_blocks_to_where_they_were(lengths):
    layout = lay_out(lengths, 0, range(len(lengths)))
    assert sum(block.rows for block in layout.blocks) == len(lengths)
    assert [block.longest for block in layout.blocks] == sorted(
        (block.longest for block in layout.blocks), reverse=True
    )
    flat = torch.arange(sum(lengths))
    if layout.gather is None:
        assert sum(block.rows * block.longest for block in layout.blocks) == len(flat)
        return
    assert torch.equal(flat[layout.gather][layout.scatter], flat)
    assert len(layout.gather) <= len(flat) / FULLNESS + len(lengths)


@given(EXAMPLES, MASKS, st.booleans())
def test_each_supervised_place_knows_its_row(examples, mask, packed):
    batch = Collator("causal", mask, 0, packed=packed)(examples, share=False)
    counts = torch.bincount(row_of(batch), minlength=len(examples)).tolist()
    collator = Collator("causal", mask, 0)
    assert counts == [collator.supervised(example) for example in examples]


@given(TOKENS, EXAMPLES, MASKS)
def test_a_pack_is_filled_up_to_a_multiple_with_tokens_that_no_loss_sees(prefix, examples, mask):
    batch = Collator("causal", mask, 0)(behind(prefix, examples))
    time = batch.inputs["input_ids"].shape[1]
    own = batch.layout.shared + sum(batch.layout.lengths)
    assert time % MULTIPLE == 0
    assert time - own == batch.layout.filler < MULTIPLE
    assert batch.places.max() < own


@given(TOKENS, EXAMPLES, MASKS)
def test_places_that_are_asked_for_are_each_there_once_and_a_multiple(prefix, examples, mask):
    batch = Collator("causal", mask, 0)(behind(prefix, examples))
    asked = batch.asked.tolist()
    assert asked == sorted(set(asked))
    assert len(asked) % MULTIPLE == 0
    assert set(batch.places.tolist()) <= set(asked)
    assert len(asked) < len(set(batch.places.tolist())) + MULTIPLE

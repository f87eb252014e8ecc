"""Which rows make which step."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import TrainingError
from dubash.train.options import TrainOptions
from dubash.train.order import cut_passes, plan_steps

lengths = st.lists(st.integers(1, 200), min_size=1, max_size=60)


@given(lengths, st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_an_epoch_holds_every_row_once(rows, batch, accumulation, world, epochs):
    options = TrainOptions(epochs=epochs, batch_size=batch, accumulation=accumulation)
    steps = plan_steps(rows, options, world)
    for epoch in range(epochs):
        seen = Counter(row for step in steps if step.epoch == epoch for row in step.rows)
        assert seen == Counter(range(len(rows)))


@given(lengths, st.integers(1, 900), st.booleans(), st.integers(1, 3))
def test_forward_passes_hold_every_row_once_and_no_more_tokens_than_asked(
    costs, room, packed, world
):
    passes = cut_passes(range(len(costs)), dict(enumerate(costs)), room, packed=packed, world=world)
    assert all(len(ranks) == world for ranks in passes)
    parts = [part for ranks in passes for part in ranks]
    assert sorted(row for part in parts for row in part) == list(range(len(costs)))
    for part in parts:
        tokens = [costs[row] for row in part]
        size = sum(tokens) if packed else len(tokens) * max(tokens, default=0)
        assert size <= room or len(part) == 1


def test_packs_are_of_like_size():
    (a,), (b,), (c,) = cut_passes(range(30), dict.fromkeys(range(30), 10), 120, packed=True)
    assert len(a) == len(b) == len(c) == 10


@given(lengths, st.integers(1, 4), st.integers(1, 3))
def test_batch_and_accumulation_trade_places_without_moving_rows_between_steps(rows, one, other):
    a = plan_steps(rows, TrainOptions(batch_size=one, accumulation=other))
    b = plan_steps(rows, TrainOptions(batch_size=one * other, accumulation=1))
    assert [sorted(step.rows) for step in a] == [sorted(step.rows) for step in b]


@given(lengths, st.integers(1, 4000))
def test_max_tokens_is_never_passed(rows, most):
    options = TrainOptions(max_tokens=most, batch_size=2, accumulation=1)
    try:
        steps = plan_steps(rows, options)
    except TrainingError:
        first = plan_steps(rows, TrainOptions(batch_size=2, accumulation=1))[0]
        assert sum(rows[row] for row in first.rows) > most
    else:
        assert sum(rows[row] for step in steps for row in step.rows) <= most


def test_the_order_depends_on_the_seed_and_on_the_epoch_only():
    rows = list(range(1, 41))
    options = TrainOptions(epochs=2, batch_size=4, accumulation=1)
    steps = plan_steps(rows, options)
    assert steps == plan_steps(rows, options)
    assert [s.rows for s in steps[:10]] != [s.rows for s in steps[10:]]
    assert steps != plan_steps(rows, options.model_copy(update={"seed": 2}))


def test_half_an_epoch_takes_half_the_rows():
    steps = plan_steps([5] * 40, TrainOptions(epochs=0.5, batch_size=4, accumulation=1))
    assert sum(len(step.rows) for step in steps) == 20


def test_max_steps_ends_the_run():
    options = TrainOptions(max_steps=7, batch_size=4, accumulation=1)
    assert len(plan_steps([5] * 10, options)) == 7


def test_rows_of_like_length_share_a_forward_pass():
    rows = [10, 90, 11, 91, 12, 92, 13, 93]
    passes = cut_passes(range(8), dict(enumerate(rows)), 400, packed=False)
    assert [sorted(rows[row] for row in part) for (part,) in passes] == [
        [90, 91, 92, 93],
        [10, 11, 12, 13],
    ]


@pytest.mark.parametrize("limits", [{"epochs": 1000}, {"max_steps": 10**7}, {"max_tokens": 10**12}])
def test_a_run_that_reads_rows_without_end_is_refused_before_its_order_fills_the_memory(
    monkeypatch, limits
):
    monkeypatch.setattr("dubash.train.order.MOST_READ", 500)
    with pytest.raises(TrainingError, match=r"reads over 500 rows\. Lower epochs"):
        plan_steps([9] * 30, TrainOptions(**limits))
    assert len(plan_steps([9] * 30, TrainOptions(epochs=16))) == 16


def test_too_few_tokens_for_one_step_is_said():
    with pytest.raises(TrainingError, match="no training step fits"):
        plan_steps([50, 50], TrainOptions(max_tokens=10, batch_size=2, accumulation=1))

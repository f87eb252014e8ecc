"""Ship, don't ship, or undecided: by a stated rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.evaluate.options import VerdictOptions
from dubash.evaluate.verdict import Evidence, judge, weigh, yardstick

RULES = VerdictOptions()


def run(gain, half=1.0, rows=500, ended=1.0, faults=None, **more):
    faults = {"empty": (0.0, 0.0)} if faults is None else faults
    return Evidence(rows, gain, gain - half, gain + half, 0.95, ended, faults, **more)


def test_a_clear_gain_ships():
    found = judge([run(5.0)], RULES)
    assert found.decision == "ship"
    assert found.reasons == ("better than the best form of the base: +5.0 chrF++ [+4.0, +6.0]",)
    assert "one training seed only" in found.cautions[0]


def test_a_clear_loss_does_not():
    assert judge([run(-5.0)], RULES).decision == "don't ship"


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (run(9.0, ended=0.8), "ends only 80.0%"),
        (run(9.0, faults={"wrong_script": (0.2, 0.1)}), "wrong script on 20.0% of the rows"),
    ],
)
def test_a_fault_weighs_more_than_the_score(evidence, said):
    found = judge([evidence], RULES)
    assert found.decision == "don't ship"
    assert said in found.reasons[0]


def test_a_fault_that_the_base_has_more_of_is_no_reason():
    assert judge([run(9.0, faults={"empty": (0.2, 0.4)})], RULES).decision == "ship"


def test_one_seed_has_to_be_clear_by_more_than_a_seed_may_move():
    found = judge([run(1.5)], RULES)
    assert found.decision == "undecided"
    assert "other seeds" in found.needed[0]
    assert judge([run(1.5), run(1.6), run(1.4)], RULES).decision == "ship"


@pytest.mark.parametrize("evidence", [run(9.0, rows=40), run(9.0, rows=40, ended=0.5)])
def test_few_rows_never_decide(evidence):
    found = judge([evidence], RULES)
    assert (found.decision, found.needed) == ("undecided", ("at least 100 test rows",))


def test_a_share_of_faults_that_chance_explains_is_no_reason():
    assert judge([run(9.0, faults={"empty": (0.06, 0.052)})], RULES).decision == "ship"


@pytest.mark.parametrize(
    ("ours", "theirs", "weight"),
    [
        (0.2, 0.1, "fault"),
        (0.2, 0.4, "caution"),  # much, but the base has as much
        (0.04, 0.0, "caution"),  # clearly more, but little
        (0.04, 0.03, None),
        (0.06, None, "fault"),
        (0.04, None, None),
    ],
)
def test_a_fault_is_much_and_clearly_more_than_the_base_has(ours, theirs, weight):
    assert weigh(ours, theirs, 500, RULES) == weight


def test_the_source_itself_is_no_yardstick_of_faults():
    values = {"S0": 3.0, "S0-cut": 4.0, "copy": 20.0, "S1": 30.0}
    systems = [{"name": n, "scores": {"chrf++": {"value": v}}} for n, v in values.items()]
    assert yardstick({"systems": systems, "baseline": "copy"})["name"] == "S0-cut"
    assert yardstick({"systems": systems, "baseline": "S0"})["name"] == "S0"
    assert yardstick({"systems": systems[3:], "baseline": None}) is None


def test_the_reason_names_the_source_itself_where_the_gain_is_over_it():
    for gain, said in ((5.0, "better than"), (-5.0, "worse than"), (0.5, "difference from")):
        reason = judge([run(gain, against="copy")], RULES).reasons[0]
        assert f"{said} the best baseline (copy): " in reason
        assert f"{said} the best form of the base: " in judge([run(gain)], RULES).reasons[0]


def test_seeds_that_agree_on_next_to_nothing_do_not_ship():
    found = judge([run(0.1, half=0.05)] * 3, RULES)
    assert found.decision == "undecided"
    assert "less than 0.3" in found.reasons[0]


def test_near_duplicates_and_many_looks_are_said():
    found = judge([run(9.0, near_duplicates=50, looks=7)], RULES)
    assert any("50 of 500 test rows have a near-duplicate" in each for each in found.cautions)
    assert any("looked at 7 times" in each for each in found.cautions)


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=6),
    st.floats(0.1, 5),
    st.floats(0.1, 3),
)
def test_a_better_model_is_never_judged_worse(gains, half, more):
    order = ["don't ship", "undecided", "ship"]
    before = judge([run(gain, half) for gain in gains], RULES)
    after = judge([run(gain + more, half) for gain in gains], RULES)
    assert order.index(after.decision) >= order.index(before.decision)

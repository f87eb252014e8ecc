"""What an audit says of behaviour: a fault is what the verdict calls one."""

import pytest

from dubash.evaluate.options import EvaluateOptions
from dubash.stages.audit.findings import about_behaviour


@pytest.mark.parametrize(
    ("tuned", "base", "told"),
    [
        (60, 10, ("fault", "empty on 30.0% of the rows, S0 on 5.0%")),
        (60, 80, ("caution", "empty on 30.0% of the rows, S0 on 40.0%")),
        (60, None, ("fault", "empty on 30.0% of the rows")),
        (4, 3, None),
    ],
)
def test_behaviour_is_a_fault_where_the_verdict_calls_it_one(tuned, base, told):
    counts = {"S1": tuned} if base is None else {"S0": base, "S1": tuned}
    scores = {
        "rows": 200, "baseline": None if base is None else "S0",
        "systems": [{"name": name, "stops": {}, "behaviour": {"empty": count}}
                    for name, count in counts.items()],
    }  # fmt: skip
    found = [(each.severity, each.text) for each in about_behaviour(scores, EvaluateOptions())]
    assert found == ([told] if told else [])

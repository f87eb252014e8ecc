"""`dubash verdict` on real run folders, and the count of looks."""

import re
import shutil

import pytest

from dubash.core.errors import ComparisonError, UserError
from dubash.core.files import read_json, write_json, write_text
from dubash.core.run import RunFolder
from dubash.report.facts import read_facts
from dubash.report.worries import worries
from dubash.stages.compare import compare_runs
from dubash.stages.evaluate import evaluate_run
from dubash.stages.looks import looks
from dubash.stages.verdict import DO_NOT, SHIP, UNDECIDED, evidence, verdict


def scored(run, gain, rows=500):
    """The run as if its gain on so many rows had been this one."""
    scores = read_json(run.scores)
    change = scores["differences"]["S1"]["chrf++"]
    change |= {"value": gain, "low": gain - 1, "high": gain + 1}
    scores["rows"] = rows
    for system in scores["systems"]:
        system["stops"] = {"end": rows, "limit": 0, "stop_string": 0}
        system["behaviour"] = dict.fromkeys(system["behaviour"], 0)
    write_json(run.scores, scores)


def test_a_few_rows_of_a_tiny_model_decide_nothing(own_run, capsys):
    status = verdict([own_run])
    out = capsys.readouterr().out
    assert status in (DO_NOT, UNDECIDED)
    assert "because" in out


@pytest.mark.parametrize(("gain", "status"), [(5, SHIP), (-5, DO_NOT), (1.5, UNDECIDED)])
def test_the_exit_status_says_it_and_shipping_what_it_does_not_say(own_run, gain, status, capsys):
    scored(RunFolder(own_run), gain)
    assert verdict([own_run]) == status
    said = " ".join(capsys.readouterr().out.split())
    assert ("whether it is good enough for its readers no score says" in said) == (status == SHIP)


def test_a_model_that_copies_is_not_excused_by_the_source_itself(own_run, capsys):
    run = RunFolder(own_run)
    scored(run, 5)
    scores = read_json(run.scores)
    tuned, untuned = scores["systems"][-1], scores["systems"][0]
    copy = {**untuned, "name": "copy", "behaviour": {**untuned["behaviour"], "copied_source": 500}}
    tuned["behaviour"]["copied_source"] = 400
    scores["systems"].insert(-1, copy)
    scores["baseline"] = scores["differences"]["S1"]["chrf++"]["against"] = "copy"
    write_json(run.scores, scores)
    assert verdict([own_run]) == DO_NOT
    said = "copied source on 80.0% of the rows, where the base has 0.0%"
    assert said in " ".join(capsys.readouterr().out.split())
    run.rows.unlink()  # they are of the real scores
    found = next(each for each in worries(read_facts(run)) if each.name == "copied_source")
    assert found.severity == "fault"
    assert re.search(r", S0(-cut)? on 0\.$", found.text)


def test_near_duplicates_are_those_of_the_scored_rows(own_run):
    run = RunFolder(own_run)
    account = read_json(run.data / "account.json")
    account["leaks"]["matrix"]["train-test"]["near_rows"] = [0, 2, 3]
    write_json(run.data / "account.json", account)
    assert evidence(run).near_duplicates == 3
    account["leaks"]["exact"] = {"train-test": {"rows": [2, 5]}}  # as an audit keeps them
    write_json(run.data / "account.json", account)
    assert evidence(run).near_duplicates == 2


def test_seeds_are_judged_together_and_nothing_else_may_differ(own_run, capsys):
    second = own_run.with_name("second")
    shutil.copytree(own_run, second)
    other = RunFolder(second)
    with pytest.raises(ComparisonError, match=r"have the same train\.seed"):
        verdict([own_run, second])
    text = other.recipe.read_text(encoding="utf-8")
    write_text(other.recipe, text.replace("\n  seed: 1\n", "\n  seed: 1\n"))
    train = text.index("\ntrain:")
    write_text(other.recipe, text[:train] + text[train:].replace("  seed: 1", "  seed: 2", 1))
    scored(RunFolder(own_run), 1.5)
    scored(other, 1.6)
    assert verdict([own_run, second]) == SHIP
    assert "2 seeds; one seed's result" in capsys.readouterr().out
    write_text(other.recipe, other.recipe.read_text(encoding="utf-8").replace("rank: 4", "rank: 8"))
    with pytest.raises(ComparisonError, match=r"differs from .* in method\.rank"):
        verdict([own_run, second])


def test_a_run_without_scores_is_no_evidence(own_run):
    RunFolder(own_run).scores.unlink()
    with pytest.raises(UserError, match="was not scored yet"):
        verdict([own_run])


def test_another_model_on_the_same_rows_is_another_look(own_run, capsys):
    evaluate_run(own_run)
    run = RunFolder(own_run)
    rows = read_json(run.scores)["rows_fingerprint"]
    assert looks([run], rows) == 1
    evaluate_run(own_run)
    assert looks([run], rows) == 1
    second = own_run.with_name("second")
    shutil.copytree(own_run, second)
    text = RunFolder(second).hypotheses("S1").read_text(encoding="utf-8")
    RunFolder(second).hypotheses("S1").write_text(text.replace('"tokens": ', '"tokens":  '))
    evaluate_run(second)
    assert looks([run], rows) == 2
    apart = RunFolder(own_run.parent.with_name("other runs") / "third")
    shutil.copytree(second, apart.path)
    text = apart.hypotheses("S1").read_text(encoding="utf-8")
    apart.hypotheses("S1").write_text(text.replace('"tokens": ', '"tokens":   '))
    evaluate_run(apart.path)
    assert looks([apart], rows) == 1
    assert looks([run, RunFolder(second), apart], rows) == 3
    assert (evidence(run).looks, evidence(run, [apart]).looks) == (2, 3)
    out = apart.path.with_name("compared")
    compare_runs([own_run, apart.path], [], out, None)
    assert read_json(out / "compare.json")["looks"] == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "3 tuned models were scored on these test rows" in said
    facts = read_facts(RunFolder(second))
    assert any("2 tuned models were scored" in each.text for each in worries(facts))

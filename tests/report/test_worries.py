"""What is found that speaks against a result, how it is ordered, and where it is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dubash.core.files import read_json, write_json
from dubash.data.leaks import near_test_count, near_test_rows
from dubash.report import leaks
from dubash.report.facts import Facts, read_facts
from dubash.report.html import render
from dubash.report.markdown import as_markdown
from dubash.report.worries import NEAR, summary, worries
from dubash.report.worry import Worry


@pytest.fixture
def facts(build_run: Any) -> Facts:
    """A run of 200 test rows that nothing speaks against but what speaks against every run."""
    found = read_facts(build_run(count=200))
    for system in found.scores["systems"]:
        system["stops"] = {"end": 200, "limit": 0, "stop_string": 0}
        system["behaviour"] = dict.fromkeys(system["behaviour"], 0)
    found.account["leaks"]["matrix"]["train-test"]["near_rows"] = []
    found.manifest["training"] |= {"skipped_steps": 0, "best_step": 50}
    return found


def named(facts: Facts) -> dict[str, Worry]:
    return {each.name: each for each in worries(facts)}


def systems(facts: Facts) -> tuple[dict[str, Any], dict[str, Any]]:
    """S1 and the base that it is held against."""
    return facts.system("S1"), facts.system("S0-cut")


def test_a_sound_run_has_one_seed_and_nothing_else(facts):
    assert list(named(facts)) == ["one seed"]
    assert summary(facts, worries(facts)) == "No fault was found; 1 thing to keep in mind."
    assert summary(facts, []) == "Nothing to worry about was found."
    assert summary(replace(facts, scores=None), []).startswith("Nothing is scored yet.")


def test_faults_come_first_and_each_is_said_once(build_run):
    facts = read_facts(build_run())
    found = worries(facts)
    severities = [each.severity for each in found]
    assert severities == sorted(severities, key=["fault", "caution"].index)
    assert len({each.text for each in found}) == len(found) > 3
    page, short = render(facts), as_markdown(facts)
    for each in found:
        assert page.count(each.text.replace("'", "&#39;")) == 1
        assert short.replace("\\", "").count(each.text) == 1
    assert summary(facts, found) in page
    assert summary(facts, found) in short


def test_few_rows_and_an_interval_around_0(facts, build_run):
    assert "few rows" in named(read_facts(build_run(count=20)))
    facts.scores["differences"]["S1"]["chrf++"] |= {"value": 0.5, "low": -2.5, "high": 3.5}
    assert "less than about 3.0 chrF++" in named(facts)["wide interval"].text
    facts.scores["differences"]["S1"]["chrf++"] |= {"value": 0.2, "low": 0.1, "high": 0.3}
    assert "wide interval" not in named(facts)
    assert "too small to matter" in named(facts)["small gain"].text
    assert "by up to 1.0 chrF++" in named(facts)["one seed"].text


def test_a_model_that_is_clearly_worse_is_a_fault(facts):
    change = facts.scores["differences"]["S1"]["chrf++"]
    change |= {"value": -4.0, "low": -8.0, "high": 0.5}
    assert "worse" not in named(facts)
    change |= {"value": -4.0, "low": -5.0, "high": -3.0}
    worse = named(facts)["worse"]
    assert (worse.severity, worse.section) == ("fault", "result")
    assert worse.text == "S1 is worse than the better untuned baseline by 4.0 chrF++ [3.0, 5.0]."
    assert summary(facts, worries(facts)) == "1 fault, and 1 thing to keep in mind."


@pytest.mark.parametrize(
    ("ended", "severity", "says"),
    [
        (0, "fault", "never ends"),
        (180, "fault", "ends only 90.0%"),
        (198, "caution", "2 of 200 rows (1.0%)"),
    ],
)
def test_translations_that_do_not_end(facts, ended, severity, says):
    systems(facts)[0]["stops"] = {"end": ended, "limit": 200 - ended, "stop_string": 0}
    found = named(facts)["endings"]
    assert (found.severity, found.show) == (severity, "S1 stop limit")
    assert says in found.text


def test_behaviour_is_a_fault_where_it_is_much_and_clearly_more_than_the_base_has(facts):
    tuned, base = systems(facts)
    tuned["behaviour"] |= {"repetition_loop": 11, "too_short": 9, "empty": 3, "mimicry": 1}
    base["behaviour"] |= {"repetition_loop": 30, "too_short": 0, "empty": 3, "mimicry": 0}
    tuned["behaviour"] |= {"over_long": 40}
    base["behaviour"] |= {"over_long": 10}
    found = named(facts)
    assert found["over_long"].severity == "fault"
    assert found["repetition_loop"].severity == "caution"  # more than 5% of the rows, as the base
    assert found["too_short"].severity == "caution"  # clearly more than the base, but few
    assert "empty" not in found  # few, and as many as the base
    assert found["mimicry"].severity == "caution"  # one row is a caution
    assert (
        "repetition loop, on 11 of 200 rows (5.5%), S0-cut on 30" in found["repetition_loop"].text
    )
    assert found["too_short"].show == "S1 flag too_short"
    tuned["behaviour"] |= {"number_changed": 100}
    assert named(facts)["number_changed"].severity == "caution"  # may be right


def flag_rows(facts: Facts, system: str, **flags: list[int]) -> None:
    """Give these rows these flags, and no others any, in rows and counts."""
    entry = facts.system(system)
    entry["behaviour"] = dict.fromkeys(entry["behaviour"], 0)
    for row in facts.rows:
        row["systems"][system]["flags"] = [name for name, at in flags.items() if row["row"] in at]
    entry["behaviour"] |= {name: len(at) for name, at in flags.items()}


def test_a_fault_on_few_rows_is_a_caution_that_names_them(facts):
    flag_rows(facts, "S0-cut", empty=[7], wrong_script=[1, 2])
    loops = [0, 10, 20, 30, 40, 50, 60]
    flag_rows(facts, "S1", empty=[2, 150], repetition_loop=loops, wrong_script=[3, 4],
              number_changed=[9])  # fmt: skip
    found = named(facts)
    assert found["empty"] == Worry(
        "caution", "empty", "S1: empty, on 2 of 200 rows (1.0%), S0-cut on 1: rows 3, 151.",
        "behaviour", "S1 flag empty",
    )  # fmt: skip
    assert found["repetition_loop"].text.endswith("on 0: rows 1, 11, 21, 31, 41 and 2 more.")
    assert "wrong_script" not in found  # the base has as many
    assert "number_changed" not in found  # a warning, which may be right
    assert found["any fault"].text == (
        "S1 has a fault of some kind on 11 of 200 rows (5.5%), S0-cut on 3."
    )


def test_rows_are_summed_up_only_where_the_sum_says_more(facts):
    flag_rows(facts, "S0-cut")
    flag_rows(facts, "S1", empty=[2, 3], too_short=[2])  # too short: among the empty ones
    assert set(named(facts)) == {"empty", "too_short", "one seed"}
    flag_rows(facts, "S1", empty=[2, 3], too_short=[4])
    assert "on 3 of 200 rows" in named(facts)["any fault"].text
    flag_rows(facts, "S0-cut", copied_source=[5, 6, 7])
    assert "any fault" not in named(facts)


def test_rows_that_do_not_end_are_named(facts):
    systems(facts)[0]["stops"] = {"end": 199, "limit": 1, "stop_string": 0}
    for row in facts.rows:
        row["systems"]["S1"]["stop"] = "limit" if row["row"] == 11 else "end"
    assert named(facts)["endings"].text.endswith("on 1 of 200 rows (0.5%): row 12.")


def test_a_system_without_a_base_is_looked_at_too(facts):
    tuned = systems(facts)[0]
    tuned["behaviour"] |= {"copied_source": 60}
    alone = replace(facts, scores=facts.scores | {"systems": [tuned], "differences": {},
                                                  "baseline": None})  # fmt: skip
    found = named(alone)["copied_source"]
    assert found.text == "S1: copied the source, on 60 of 200 rows (30.0%)."
    assert found.severity == "fault"


def test_sides_that_look_to_be_in_another_language(facts):
    text = "rows.tsv: the target side looks pt, not es: 80% of the 60 pieces that could be told"
    facts.account["doubts"] = [text]
    found = named(facts)["languages"]
    assert (found.severity, found.text) == ("caution", f"{text}.")
    facts.account.pop("doubts")  # as in a run that an earlier version prepared
    assert "languages" not in named(facts)


def test_near_duplicates_and_looks(facts):
    near = facts.account["leaks"]["matrix"]["train-test"]
    near["near_rows"] = [0, 4, 5, 7]
    assert named(facts)["near-duplicates"].severity == "caution"
    near["near_rows"] = [0, 4, 5, 7, 9]
    found = named(facts)["near-duplicates"]
    assert (found.severity, found.show) == ("fault", NEAR)
    assert "5 of 200 test rows (2.5%) have" in found.text
    facts.account["leaks"]["exact"] = {"train-test": {"summary": "", "rows": [4, *range(100, 199)]}}
    assert "4 of 100 test rows (4.0%) have" in named(facts)["near-duplicates"].text
    del facts.account["leaks"]["matrix"], facts.account["leaks"]["exact"]  # an earlier version's
    assert "4 of 200 test rows (2.0%) have" in named(facts)["near-duplicates"].text
    facts.manifest["looks"] = 7
    assert "7 tuned models were scored" in named(facts)["looks"].text


def test_training_that_went_wrong(facts):
    training = facts.manifest["training"]
    training |= {"best_step": 60, "skipped_steps": 3}
    assert "best at the last step" in named(facts)["best step"].text
    assert "3 of 60 training steps (5.0%)" in named(facts)["skipped steps"].text
    training |= {"best_step": 10}
    assert "the first, at step 10, was the best" in named(facts)["best step"].text
    training |= {"best_step": 50, "stopped_early": True, "epochs": 0.4}
    assert "after 40%" in named(facts)["stopped early"].text
    assert "no dev set" in named(replace(facts, metrics=[]))


def test_quality_that_falls_while_the_loss_falls(facts):
    assert "curves" not in named(facts)
    looks = facts.of_kind("dev")
    looks[1]["chrf"] = looks[4]["chrf"] + 5
    assert "fell by 5.0 from step 20 to the weights kept" in named(facts)["curves"].text
    looks[1]["chrf"] = looks[4]["chrf"] + 0.9
    assert "curves" not in named(facts)


def test_rows_that_are_too_long(facts):
    facts.manifest["too_long"] = {"max_tokens": 256, "train": 20, "dev": 1}
    texts = [each.text for each in worries(facts) if each.name == "too long"]
    assert texts == [
        "20 of 1,000 training rows (2.0%) are too long and left out.",
        "1 of 98 dev rows (1.0%) is too long and left out.",
    ]


def test_terms_that_are_wrong(facts):
    counted = {"value": 60.0, "occurrences": 10, "right": 6, "forbidden": 0, "low": 50, "high": 70}
    tuned = systems(facts)[0]
    tuned["terminology"] = counted
    facts.scores["terminology"] = {"reference": counted, "terms": []}
    assert "terms" not in named(facts)
    facts.scores["terminology"]["reference"] = counted | {"value": 90.0}
    found = named(facts)["terms"]
    assert (found.severity, found.show) == ("caution", "S1 flag term_missed")
    worse = {"against": "S0", "value": -9.0, "low": -12.0, "high": -2.0, "p": 0.01}
    facts.scores["differences"]["S1"]["terminology"] = worse
    assert named(facts)["terms"].severity == "fault"
    tuned["terminology"] = counted | {"forbidden": 2}
    assert named(facts)["forbidden terms"].text == "S1 uses 2 forbidden terms."


def test_the_matrix_tells_0_from_what_was_not_counted(build_run):
    run = build_run()
    facts = read_facts(run)
    first, _, last = leaks.matrix(facts)
    assert (first.between, first.rows) == ("train and test", "20")
    assert first.cells == ["1 (5.0%)", "3 (15.0%)", "0", "3 (15.0%)", "2 (10.0%)"]
    assert last.cells == ["1 (5.0%)", "0", "0", "0", "0"]
    assert "train and test: 1 (5.0%) same source, 3 (15.0%) same target" in leaks.in_words(facts)
    del facts.account["leaks"]["matrix"]
    assert set(leaks.matrix(facts)[0].cells) == {"–"}
    assert "train and test: not counted by kind" in leaks.in_words(facts)
    render(facts)


def test_glossary_examples_have_a_line_of_their_own(build_run):
    run = build_run()
    shown = {
        "given": 9, "rows": 20, "exact": {"pair": 0, "source": 2, "target": 0, "crossed": 0},
        "near": {"source": 0, "target": 0, "either": 0}, "near_rows": [],
    }  # fmt: skip
    write_json(run.scores, read_json(run.scores) | {"glossary_examples": shown})
    facts = read_facts(run)
    assert leaks.matrix(facts)[-1].between == "glossary examples and test"
    assert "At least 2 of 20 test rows (10.0%)" in named(facts)["glossary examples"].text


def test_the_rows_of_a_worry_can_be_asked_for(build_run):
    run = build_run()
    page = render(read_facts(run))
    assert f'data-show="{NEAR}"' in page
    start = page.index('id="row-data">') + len('id="row-data">')
    content = json.loads(page[start : page.index("</script>", start)])
    assert content["chosen"] == {NEAR: [0, 4, 5, 7]}


def test_a_run_not_scored_yet_worries_about_what_is_known(build_run):
    facts = read_facts(build_run("trained"))
    assert set(named(facts)) == {"near-duplicates", "skipped steps"}
    assert summary(facts, worries(facts)).startswith("Nothing is scored yet. ")
    assert worries(read_facts(build_run("prepared")))[0].name == "near-duplicates"


def test_an_audit_s_findings_stand_in_the_list_and_leaked_rows_are_no_rows(build_run):
    run = build_run()
    told = {"severity": "fault", "about": "leaks", "text": "2 test rows stand in train"}
    other = {"severity": "fault", "about": "behaviour", "text": "it ends only 3% by itself"}
    write_json(run.path / "audit.json", {"findings": [told, other]})
    account = read_json(run.data / "account.json")
    summary = "2 test rows stand in train (2 with the same pair)"
    account["leaks"]["exact"] = {"train-test": {"summary": summary, "rows": [1, 4]}}
    write_json(run.data / "account.json", account)
    facts = read_facts(run)
    assert named(facts)["leaks"].text == "2 test rows stand in train."
    assert "behaviour" not in named(facts)
    assert near_test_rows(facts.account["leaks"]) == [0, 3, 5]  # of all 0, 5, 7: 1, 4 not scored
    assert near_test_count(facts.account["leaks"]) == 3
    assert "3 of 18 test rows" in named(facts)["near-duplicates"].text
    page = " ".join(render(facts).split())
    assert f"{summary}; test rows that stand in train are not scored." in page
    assert "stops a run" not in page

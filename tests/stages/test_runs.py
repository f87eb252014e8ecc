"""`dubash runs`: the list, tags, removal."""

import json
import os

import pytest

from dubash.core.errors import UserError
from dubash.stages.common import alone_in
from dubash.stages.runs import find, list_runs, remove_runs, tag_run


def test_a_run_is_listed_with_its_state_score_and_gain(own_run, capsys):
    list_runs(own_run.parent, None, False)
    line = capsys.readouterr().out
    for part in (str(own_run), "evaluated", "en→es", "(lora)", "chrf++ ", "gain ", " MB"):
        assert part in line


def test_how_far_a_run_came_is_said(own_run, capsys):
    for path, state in (("scores.json", "trained"), ("model", "stopped at step 4 of 4")):
        (own_run / path).rename(own_run.parent / path)
        list_runs(own_run.parent, None, True)
        assert json.loads(capsys.readouterr().out)[0]["state"] == state
    with alone_in(own_run):
        list_runs(own_run.parent, None, True)
    assert json.loads(capsys.readouterr().out)[0]["state"] == "running at step 4 of 4"


def test_a_tag_does_not_make_a_run_younger(own_run, capsys):
    for path in (own_run / "recipe.yaml", own_run / "metrics.jsonl", own_run / "model"):
        os.utime(path, (1e9, 1e9))
    tag_run(own_run, ["old"], remove=False)
    capsys.readouterr()
    list_runs(own_run.parent, None, True)
    assert json.loads(capsys.readouterr().out)[0]["changed"] == "2001-09-09 01:46"


def test_tags_are_put_on_taken_off_and_searched(own_run, capsys):
    tag_run(own_run, ["paper", "best"], remove=False)
    tag_run(own_run, ["best"], remove=True)
    list_runs(own_run.parent, "paper", True)
    assert json.loads(capsys.readouterr().out.split("\n", 2)[2])[0]["tags"] == ["paper"]
    list_runs(own_run.parent, "best", False)
    assert "no runs in" in capsys.readouterr().out
    with pytest.raises(UserError, match="has no tag best"):
        tag_run(own_run, ["best"], remove=True)
    with pytest.raises(UserError, match="is no tag"):
        tag_run(own_run, ["two words"], remove=False)


def test_a_broken_run_does_not_hide_the_others(own_run, capsys):
    broken = own_run.with_name("broken")
    broken.mkdir()
    (broken / "recipe.yaml").write_text("languages: 7\n")
    (broken / "manifest.json").write_text("{}")
    list_runs(own_run.parent, None, True)
    states = {each["folder"]: each["state"] for each in json.loads(capsys.readouterr().out)}
    assert states[str(own_run)] == "evaluated"
    assert states[str(broken)].startswith("broken: ")


def test_only_runs_are_removed_and_only_when_sure(own_run, capsys):
    with pytest.raises(UserError, match="not a run folder"):
        remove_runs([own_run.parent], sure=True)
    with pytest.raises(UserError, match="nobody is there to be asked"):
        remove_runs([own_run], sure=False)
    with alone_in(own_run), pytest.raises(UserError, match="another dubash is working"):
        remove_runs([own_run], sure=True)
    link = own_run.with_name("link")
    link.symlink_to(own_run)
    with pytest.raises(UserError, match="this is a link"):
        remove_runs([link], sure=True)
    assert own_run.exists()
    remove_runs([own_run], sure=True)
    assert find(own_run.parent) == []
    assert "removed" in capsys.readouterr().out

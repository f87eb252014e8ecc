"""`dubash chat`: lines in, answers out."""

import io

import pytest

from dubash.core.errors import UserError
from dubash.core.run import RunFolder
from dubash.stages.chat import chat


def talk(monkeypatch, capsys, run, lines, *overrides, untuned=False):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    chat(run, overrides, untuned=untuned)
    said = capsys.readouterr()
    return said.out.splitlines(), said.err


def test_a_translator_is_asked_anew_with_each_line(monkeypatch, capsys, finished_run):
    one, _ = talk(monkeypatch, capsys, finished_run, ["Good morning!"])
    lines = ["Good morning!", "", "Where is the station?", "Good morning!"]
    out, err = talk(monkeypatch, capsys, finished_run, lines)
    assert out[: len(one)] == out[-len(one) :] == one != []
    assert err.count("tokens/s") == 3
    short, err = talk(monkeypatch, capsys, finished_run, lines[:1], "generate.max_new_tokens=2")
    assert "  2 tokens" in err
    assert "\n".join(one).startswith("\n".join(short))


def test_commands_are_no_questions(monkeypatch, capsys, finished_run):
    lines = ["/new", "/dance", "/help", "/quit", "Good morning!"]
    out, err = talk(monkeypatch, capsys, finished_run, lines, untuned=True)
    assert out == []
    assert err.count("no such command") == 1
    assert err.count("/system TEXT sets a system message") == 3
    assert "untuned" in err


def test_only_generation_can_be_set(monkeypatch, capsys, finished_run):
    with pytest.raises(UserError, match=r"'method\.rank=3' cannot be set here"):
        talk(monkeypatch, capsys, finished_run, ["x"], "method.rank=3")


def test_a_question_that_does_not_fit_is_not_asked(monkeypatch, capsys, finished_run):
    out, err = talk(monkeypatch, capsys, finished_run, ["word " * 3000])
    assert out == []
    assert "do not go into the model's context" in err


def test_a_run_without_a_tuned_model_says_so(monkeypatch, capsys, own_run):
    RunFolder(own_run).model.rename(own_run / "elsewhere")
    with pytest.raises(UserError, match="has no tuned model"):
        talk(monkeypatch, capsys, own_run, ["x"])

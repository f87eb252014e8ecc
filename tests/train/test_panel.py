"""The panel: what it shows, on terminals of any size, and what a terminal is left like."""

import io
import json
import signal
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from toy import stop_after, toy_loop

from dubash.core.errors import Interrupted
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.train.order import Step
from dubash.train.panel import DRAW_SECONDS, Panel
from dubash.train.panel_lines import curve
from dubash.train.sample import Sample
from dubash.train.state import State
from dubash.train.watch import watching
from screen import Screen, run_on_terminal

STEPS = [Step(epoch, (0, 1)) for epoch in range(3) for _ in range(20)]
SAMPLE = Sample(
    "Where is the well?\nAnd how does one get there?", "कुआँ \x1b[31mकहाँ\x07 है?", "कुआँ कहाँ है?"
)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_panel(width=80, height=24, gpu=None, **environment) -> Panel:
    """A panel that draws into a string: `panel.console.file.getvalue()`."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height,
        _environ={"TERM": "xterm-256color", **environment},
    )  # fmt: skip
    return Panel(6000, 0, STEPS, gpu, console, Clock())


def trained(panel: Panel) -> Panel:
    """The same after 30 of 60 steps and two looks."""
    panel.record({"step": 0, "kind": "dev", "loss": 3.0, "chrf": 12.0})
    for step in range(1, 31):
        loss, rate = 3.0 - step / 20, 2e-4
        panel.record({"step": step, "kind": "train", "loss": loss, "learning_rate": rate})
        panel.clock.now += 1
        panel(100)
    panel.record({"step": 30, "kind": "dev", "loss": 3.25, "chrf": 31.25})
    panel.sample = SAMPLE
    return panel


@pytest.fixture(autouse=True)
def steady_memory(monkeypatch):
    """What is free changes from one drawing to the next; here it stands still."""
    monkeypatch.setattr("dubash.train.panel.free_memory", lambda: 20 * 2**30)
    monkeypatch.setattr("dubash.train.panel.resident", lambda: 2**30)
    monkeypatch.setattr("dubash.train.panel.peak", lambda: 3 * 2**29)


def text(panel: Panel, width=80, height=24) -> list[str]:
    return [line.plain for line in panel.lines(width, height, panel.clock())]


def test_it_shows_how_training_stands():
    lines = text(trained(make_panel(gpu=lambda: (2**30, 3 * 2**30, 80 * 2**30))))
    assert lines[0].startswith("── train · step 30/60 · epoch 2/3 ────")
    assert lines[1] == "  " + "━" * 16 + "─" * 16 + " 50% · 100.0 tokens/s · 30s left"
    assert lines[2].startswith("  loss        1.500 ███")
    assert lines[2].endswith("▁ · learning rate 0.0002")
    assert lines[3] == "  dev loss    3.250 ▁█ · lowest 3.000 at step 0"
    assert lines[4] == "  dev chrF++  31.2 ▁█ · highest 31.2 at step 30"
    assert lines[5] == "  memory      1.0 GiB now · 1.5 GiB at most · 20.0 GiB free"
    assert lines[6] == "  GPU memory  1.0 GiB now · 3.0 GiB at most · of 80.0 GiB"
    assert lines[7:] == [
        "  source      Where is the well? And how does one get there?",
        "  hypothesis  कुआँ [31mकहाँ है?",
        "  reference   कुआँ कहाँ है?",
    ]


def test_before_the_first_step_it_shows_what_there_is():
    lines = text(make_panel())
    assert lines[0].startswith("── train · step 0/60 · epoch 1/3 ──")
    assert "0% · 0.00 tokens/s" in lines[1]
    assert [line.split()[0] for line in lines[2:]] == ["memory"]


def test_a_guarded_step_counts_as_a_step():
    panel = trained(make_panel())
    panel.record({"step": 31, "kind": "guard", "reason": "non-finite loss", "rows": ["a:1"]})
    assert "step 31/60" in text(panel)[0]


@pytest.mark.parametrize("width", [80, 60, 40, 30, 20])
@pytest.mark.parametrize("height", [24, 8, 3, 1])
def test_it_fits_any_terminal(width, height):
    lines = text(trained(make_panel()), width, height)
    assert len(lines) == min(9, max(1, height - 1))
    assert all(cell_len(line) < width for line in lines)
    assert lines[0].startswith("── train")


def test_in_forty_columns_what_matters_most_is_there():
    lines = text(trained(make_panel()), width=40)
    assert lines[1] == "  50% · 100.0 tokens/s · 30s left"
    assert lines[2].startswith("  loss        1.500 █")
    assert lines[3] == "  dev loss    3.250 ▁█"


def test_it_is_drawn_over_itself_and_what_is_said_stands_above(monkeypatch):
    panel = make_panel()
    monkeypatch.setattr("sys.stderr", panel.console.file)
    with panel:
        trained(panel)
        say("  step 30/60 · dev loss 3.250")
        panel.looking()
        assert "looking at the dev rows" in str(Screen().feed(panel.console.file.getvalue()))
        panel.looked()
    screen = Screen().feed(panel.console.file.getvalue())
    assert str(screen).splitlines() == ["  step 30/60 · dev loss 3.250", *text(panel)]
    assert screen.cursor_visible


def test_the_cursor_stays_visible_while_it_is_up():
    panel = make_panel()
    with panel:
        assert Screen().feed(panel.console.file.getvalue()).cursor_visible


def test_an_error_leaves_it_standing_and_the_terminal_as_it_was():
    panel = make_panel()
    before = sys.stderr, sys.stdout
    with pytest.raises(ValueError, match="no"), panel:
        raise ValueError("no")
    assert (sys.stderr, sys.stdout) == before
    screen = Screen().feed(panel.console.file.getvalue())
    assert str(screen).splitlines() == text(panel)
    assert screen.cursor_visible


@pytest.mark.parametrize("after", [0.0002, 0.0005, 0.001, 0.002])
def test_what_a_signal_says_while_it_is_drawn_waits_until_it_has_been(monkeypatch, after):
    panel = make_panel()
    monkeypatch.setattr("sys.stderr", panel.console.file)
    heard = []

    def handler(_number, _frame):
        heard.append(True)
        say("stopping after this step")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with panel:
            trained(panel)
            for turn in range(20):
                signal.setitimer(signal.ITIMER_REAL, after)
                while len(heard) <= turn:
                    panel.show(panel.clock())
    finally:
        signal.signal(signal.SIGALRM, before)
    lines = str(Screen().feed(panel.console.file.getvalue())).splitlines()
    assert lines == ["stopping after this step"] * 20 + text(panel)


def test_a_line_that_is_not_ended_is_no_markup(monkeypatch):
    panel = make_panel()
    monkeypatch.setattr("sys.stderr", panel.console.file)
    with panel:
        print("half of [/it]", end="", file=sys.stderr, flush=True)
    lines = str(Screen().feed(panel.console.file.getvalue())).splitlines()
    assert lines == ["half of [/it]", *text(panel)]


def test_it_is_drawn_no_more_often_than_it_says():
    panel = make_panel()
    with panel:
        before = len(panel.console.file.getvalue())
        for _ in range(9):
            panel.clock.now += DRAW_SECONDS / 10
            panel(1)
        assert len(panel.console.file.getvalue()) == before
        panel.clock.now += DRAW_SECONDS / 5
        panel(1)
        assert len(panel.console.file.getvalue()) > before


def test_without_colours_no_colour_is_used():
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        panel = trained(make_panel(**environment))
        with panel:
            panel.show(panel.clock())
        assert ("\x1b[32m" in panel.console.file.getvalue()) == coloured


# -- a real terminal -----------------------------------------------------------------------------

TOY = Path(__file__).parent / "toy.py"


def test_a_training_stopped_by_ctrl_c_leaves_a_sane_terminal(tiny_llama, tmp_path):
    sent = []

    def stop(so_far, process):
        if "step 0/300 · dev loss" in so_far and not sent:
            sent.append(True)
            process.send_signal(signal.SIGINT)

    options = {"max_steps": 300, "evaluate_every": 100, "save_every": 100}
    command = [sys.executable, str(TOY), str(tiny_llama), str(tmp_path), json.dumps(options)]
    code, written = run_on_terminal(command, seen=stop)
    assert code != 0
    screen = Screen().feed(written)
    assert screen.cursor_visible
    lines = str(screen).splitlines()
    assert "stopping after this step; once more to stop at once" in lines
    (first,) = [at for at, line in enumerate(lines) if line.startswith("── train · step")]
    # the toy lets the error through; it stands below the panel's four or five lines
    assert any(line.startswith("Traceback") for line in lines[first + 4 : first + 6])


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_resumed_training_shows_what_was_before(tiny_llama, tmp_path, monkeypatch, term, drawn):
    first = toy_loop(tiny_llama, tmp_path)
    stop_after(first, 9)
    with pytest.raises(Interrupted):
        first.train()
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stderr", Terminal())
    toy_loop(tiny_llama, tmp_path).train()
    written = sys.stderr.getvalue()
    lines = str(Screen().feed(written)).splitlines()
    assert lines[0] == "  resuming after step 9/12"
    if not drawn:
        assert "\x1b" not in written
        assert lines[-1].startswith("  train ")
        return
    (at,) = [at for at, line in enumerate(lines) if line.startswith("── train · step 12/12 ")]
    values = [record["loss"] for record in first.run.read_metrics() if record["kind"] == "train"]
    assert "100%" in lines[at + 1]
    assert curve(values, 32) in lines[at + 2]
    assert lines[at + 3].endswith(" at step 12")


def test_of_several_processes_only_the_first_draws(tiny_llama, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    run = RunFolder(tmp_path)
    for rank, drawn in (("0", True), ("1", False)):
        monkeypatch.setenv("RANK", rank)
        with watching(run, State("toy"), STEPS, 600) as watch:
            watch(10)
            assert (watch.panel is not None) == drawn
    assert str(Screen().feed(sys.stderr.getvalue())).count("── train") == 1

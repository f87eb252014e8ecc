"""Progress says how far, how fast, and how long still."""

import pytest

from dubash.core.progress import PLAIN_SECONDS, BarTicker, Ticker, draws, progress, say, spell


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize(
    ("seconds", "spelled"),
    [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (200, "3m20s"), (3600, "1h00m"), (7500, "2h05m")],
)
def test_seconds_as_a_person_reads_them(seconds, spelled):
    assert spell(seconds) == spelled


def test_a_line_has_count_rate_and_time_left(clock):
    ticker = Ticker("translate", 150, "rows", clock=clock)
    clock.now += 10
    ticker(40)
    assert ticker.describe(clock.now) == "translate 40/150 rows · 4.0 rows/s · 27s left"
    ticker.note = "loss 2.1"
    assert ticker.describe(clock.now).endswith("27s left · loss 2.1")


def test_slow_work_has_a_rate_too(clock):
    ticker = Ticker("translate", 10, "rows", clock=clock)
    clock.now += 60
    ticker(3)
    assert ticker.describe(clock.now) == "translate 3/10 rows · 0.05 rows/s · 2m20s left"


def test_before_anything_is_done_nothing_is_promised(clock):
    ticker = Ticker("translate", 10, "rows", clock=clock)
    clock.now += 5
    assert "left" not in ticker.describe(clock.now)


def test_what_was_done_before_makes_it_no_faster(clock):
    ticker = Ticker("train", 1000, "tokens", done=900, clock=clock)
    clock.now += 10
    ticker(50)
    assert ticker.describe(clock.now) == "train 950/1000 tokens · 5.0 tokens/s · 10s left"


@pytest.mark.parametrize("kind", [Ticker, BarTicker])
def test_where_it_is_not_known_how_much_there_is_only_what_is_done_is_said(clock, capsys, kind):
    ticker = kind("looking", 0, "setups", clock=clock)
    clock.now += 12
    ticker(6)
    assert ticker.describe(clock.now) == "looking 6 setups · 0.50 setups/s · in 12s"
    ticker.finish()
    assert "━" not in capsys.readouterr().err


def test_plain_lines_come_at_most_every_few_seconds(clock, capsys):
    ticker = Ticker("reading", 1000, "rows", clock=clock)
    for _ in range(100):
        clock.now += PLAIN_SECONDS / 20
        ticker(10)
    ticker.finish()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[0] == "  reading 200/1000 rows · 20.0 rows/s · 40s left"
    assert lines[-1] == "  reading 1000/1000 rows · 20.0 rows/s · in 50s"


def test_work_that_breaks_off_says_where(capsys):
    def read():
        with progress("reading", 10) as advance:
            advance(4)
            raise ValueError("line 5")

    with pytest.raises(ValueError, match="line 5"):
        read()
    out = capsys.readouterr()
    assert out.err.startswith("  reading 4/10 rows")
    assert out.out == ""


def test_no_rows_are_no_trouble(capsys):
    with progress("reading", 0):
        pass
    assert capsys.readouterr().err.startswith("  reading 0/0 rows")


def test_a_bar_is_drawn_over_itself_and_ends_its_line(clock, capsys):
    bar = BarTicker("reading", 4, "rows", clock=clock)
    for _ in range(4):
        clock.now += 1
        bar(1)
    bar.finish()
    drawn = capsys.readouterr().err
    assert drawn.count("\r\x1b[2K") == 5
    assert drawn.count("\n") == 1
    assert drawn.endswith("━" * 24 + " reading 4/4 rows · 1.0 rows/s · in 4s\n")


@pytest.mark.parametrize(
    ("terminal", "term", "drawn"),
    [(True, "xterm-256color", True), (True, "dumb", False), (False, "xterm-256color", False)],
)
def test_lines_are_drawn_over_on_a_terminal_that_can(monkeypatch, capsys, terminal, term, drawn):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert draws() == drawn
    say("hello")
    with progress("reading", 3) as advance:
        advance(3)
    assert ("\x1b" in capsys.readouterr().err) == drawn


def test_of_several_processes_only_the_first_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    say("hello")
    with progress("reading", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""

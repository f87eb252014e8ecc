"""Programs within limits: they get and give files, and none outlives the call."""

import sys
import time
from pathlib import Path

import pytest

from dubash.core.process import PastLimitError, Streams, run, tail


@pytest.fixture
def streams(tmp_path):
    files = Streams(*(tmp_path / name for name in ("in", "out", "err")))
    files.stdin.write_bytes(b"")
    return files


def python(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


def gone(pid: int) -> bool:
    """Whether no such process runs; one that its parent has not asked after counts as gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_what_it_reads_and_writes_are_files(streams):
    streams.stdin.write_text("añil\n", encoding="utf-8")
    program = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('done')"
    status = run(python(program), streams, seconds=60, most_bytes=100, environment={"LC_ALL": "C"})
    assert status == 0
    assert streams.stdout.read_text(encoding="utf-8") == "AÑIL\n"
    assert streams.last_words() == "done"


def test_its_status_is_given_back_and_a_signal_is_negative(streams):
    assert run(python("raise SystemExit(7)"), streams, seconds=60, most_bytes=100) == 7
    program = "import os; os.kill(os.getpid(), 9)"
    assert run(python(program), streams, seconds=60, most_bytes=100) == -9


def test_no_shell_reads_the_words(streams, tmp_path):
    words = ["echo", f"$(touch {tmp_path}/made)", "; true", "*"]
    assert run(words, streams, seconds=60, most_bytes=1000) == 0
    assert streams.stdout.read_text() == f"$(touch {tmp_path}/made) ; true *\n"
    assert not (tmp_path / "made").exists()


def test_a_program_that_is_not_there_is_an_error_of_the_system(streams):
    with pytest.raises(FileNotFoundError):
        run(["no-such-program-anywhere"], streams, seconds=1, most_bytes=1)


def test_too_long_ends_it(streams):
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(PastLimitError, match="more than 1 seconds"):
        run(python(program), streams, seconds=1, most_bytes=1000)
    assert gone(int(streams.stdout.read_text()))


@pytest.mark.parametrize(("where", "name"), [("stdout", "output"), ("stderr", "error")])
@pytest.mark.parametrize("then", ["time.sleep(600)", "pass"])
def test_too_much_ends_it_also_where_it_ends_by_itself(streams, where, name, then):
    program = f"import sys, time; sys.{where}.write('x' * 5000); sys.{where}.flush(); {then}"
    with pytest.raises(PastLimitError, match=f"more than 4,999 bytes to standard {name}"):
        run(python(program), streams, seconds=60, most_bytes=4999)
    if then == "pass":
        assert run(python(program), streams, seconds=60, most_bytes=5000) == 0


def test_what_it_started_ends_with_it(streams):
    program = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with pytest.raises(PastLimitError):
        run(python(program), streams, seconds=1, most_bytes=1000)
    child = int(streams.stdout.read_text())
    until = time.monotonic() + 10
    while not gone(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert gone(child)


def test_one_that_ignores_being_asked_is_ended_all_the_same(streams):
    program = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    with pytest.raises(PastLimitError):
        run(python(program), streams, seconds=1, most_bytes=1000)
    assert gone(int(streams.stdout.read_text()))


def test_whatever_interrupts_the_call_ends_the_program(streams):
    class Enough(BaseException):
        pass

    def watch() -> None:
        if streams.stdout.stat().st_size:
            raise Enough

    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(Enough):
        run(python(program), streams, seconds=60, most_bytes=1000, watch=watch)
    assert gone(int(streams.stdout.read_text()))


def test_the_last_look_comes_after_the_end(streams):
    seen = []
    program = "print('all')"
    run(
        python(program), streams, seconds=60, most_bytes=1000,
        watch=lambda: seen.append(streams.stdout.read_text()),
    )  # fmt: skip
    assert seen[-1] == "all\n"


def test_a_tail_is_one_line_and_short(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"\xff first\n" + b"word " * 5000 + b"\n\n the\tend \n")
    assert tail(path).endswith("word word the end")
    assert tail(path).startswith("…")
    assert len(tail(path)) <= 601
    path.write_bytes(b"")
    assert tail(path) == ""

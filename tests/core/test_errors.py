"""Which failure of a library is a lack of memory, and how the command line says so."""

import pytest
import torch

from dubash.cli import command as cli
from dubash.core.errors import out_of_memory

ON_A_CPU = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError(ON_A_CPU), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError(ON_A_CPU), False),
    ],
)
def test_a_lack_of_memory_is_told_apart(error, lack):
    assert out_of_memory(error) == lack


@pytest.fixture
def failing(monkeypatch):
    """`failing(error)` runs the command line over a command that fails so."""
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS"):  # which it sets where they are not
        monkeypatch.setenv(name, "1")

    def run(error):
        def fail():
            raise error

        monkeypatch.setattr(cli, "app", fail)
        cli.main()

    return run


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(ON_A_CPU)])
def test_the_command_line_says_it_in_one_line(failing, capsys, error):
    with pytest.raises(SystemExit) as left:
        failing(error)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("error: out of memory. Lower train.pass_tokens")


def test_another_error_of_a_library_stays_what_it_is(failing):
    with pytest.raises(RuntimeError, match="shapes do not match"):
        failing(RuntimeError("shapes do not match"))

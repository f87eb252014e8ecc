"""Environments of their own: made once, whole or not there. Real venvs, and pip without network."""

import subprocess
import threading
import zipfile

import pytest

from dubash.core.environment import Environment
from dubash.core.errors import UserError


@pytest.fixture
def wheel(tmp_path):
    """A package of one module, as pip installs it from a file."""
    path = tmp_path / "tiny_metric-1.2-py3-none-any.whl"
    about = "tiny_metric-1.2.dist-info"
    files = {
        "tiny_metric.py": "SCORE = 42\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny-metric\nVersion: 1.2\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    pins = tmp_path / "pins.txt"
    pins.write_text("tiny-metric==1.2\n")
    return Environment("tiny", pins)


def look(environment):
    """What the environment's own Python says of the package."""
    program = "import tiny_metric, sys; print(tiny_metric.SCORE, sys.prefix)"
    done = subprocess.run(
        [environment.python, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    score, prefix = done.stdout.split()
    assert prefix == str(environment.folder)
    return {"tiny-metric": score}


def never():
    raise AssertionError("it was there already")


def test_it_is_made_anew_until_it_is_whole_and_then_never_again(environment, wheel, tmp_path):
    environment.python.parent.mkdir(parents=True)  # as a kill leaves it
    environment.python.write_text("#!/bin/sh\nexit 1\n")
    environment.python.chmod(0o755)
    (environment.folder / "old").write_text("")
    assert environment.versions() is None

    found = environment.make([[str(wheel)]], lambda: look(environment))
    assert found == environment.versions() == {"tiny-metric": "42"}
    assert not (environment.folder / "old").exists()
    assert environment.make([["no-such-package"]], never) == found

    other = tmp_path / "other.txt"
    other.write_text("tiny-metric==1.3\n")
    assert Environment("tiny", other).versions() is None
    assert Environment("tiny", environment.pins).versions() == found

    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3")
    assert environment.versions() is None, "its Python has gone"


def test_a_step_that_fails_leaves_none_and_says_what_pip_said(environment, wheel):
    with pytest.raises(UserError, match=r"tiny: no-such-package could not be installed: .*No matc"):
        environment.make([["no-such-package"]], never)
    assert environment.versions() is None
    environment.pins.write_text("tiny-metric==1.3\n")  # the pins hold
    with pytest.raises(UserError, match="could not be installed"):
        Environment("tiny", environment.pins).make([[str(wheel)]], never)


def test_one_that_does_not_work_is_not_there_and_two_at_once_make_it_once(environment, wheel):
    def broken():
        raise UserError("it cannot be loaded.")

    with pytest.raises(UserError, match="cannot be loaded"):
        environment.make([[str(wheel)]], broken)
    assert environment.versions() is None
    made, found = [], []

    def check():
        made.append(1)
        return look(environment)

    def make():
        found.append(environment.make([[str(wheel)]], check))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 1
    assert found == [{"tiny-metric": "42"}] * 2

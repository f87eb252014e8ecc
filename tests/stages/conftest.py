"""One small run, made once for the room's tests in this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dubash.core.run import RunFolder
from dubash.recipe.load import load_recipe
from dubash.stages.run import run
from stages.small import make_job, make_model


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny-llama")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, small_model) -> Path:
    """The folder of a finished run. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    recipe = make_job(folder, small_model)
    return run(load_recipe(str(recipe), [f"run.folder={folder / 'runs'}"])).path


@pytest.fixture
def own_run(tmp_path, finished_run) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "runs" / "first"))


@pytest.fixture
def job(tmp_path, small_model, monkeypatch) -> Path:
    """A folder with rows.csv and recipe.yaml, where one is."""
    make_job(tmp_path, small_model)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rows(finished_run) -> RunFolder:
    """The run's files as anybody's."""
    return RunFolder(finished_run)

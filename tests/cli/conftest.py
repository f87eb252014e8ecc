"""A small job where commands are given, and one that was run to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.process import Done, dubash
from stages.small import make_job, make_model


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny-llama")


@pytest.fixture
def job(tmp_path, model) -> Path:
    """A folder with rows.csv and recipe.yaml, where commands are given."""
    make_job(tmp_path, model)
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory, model) -> tuple[Path, Done]:
    """The same folder after `dubash run`, and what that said. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    make_job(folder, model)
    return folder, dubash("run", "recipe.yaml", at=folder)

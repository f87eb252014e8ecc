"""Recipe files for the tests; `small` beside this file is imported by its name."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a recipe file into a folder of its own and give its path."""

    def to_file(text: str | bytes, name: str = "recipe.yaml") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return to_file

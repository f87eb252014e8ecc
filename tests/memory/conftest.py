"""What the tests of the glossary share: a file written and read for a pair of languages."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from dubash.memory.glossary import Glossary, read_glossary
from memory.written import pair

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")

Read = Callable[..., Glossary]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(content, name)` reads a file of that content and name, for English and Spanish."""

    def read(content: str | bytes, name: str = "terms.csv", codes: str = "en-es") -> Glossary:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_glossary(path, name, pair(codes))

    return read

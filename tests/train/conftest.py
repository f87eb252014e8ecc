"""A tiny Llama for the training tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory) -> Path:
    from toy import PAIRS

    from tiny import make_tiny

    texts = [text for pair in PAIRS for text in (pair.source, pair.target)]
    return make_tiny("llama", tmp_path_factory.mktemp("tiny") / "llama", texts, vocabulary=400)


@pytest.fixture(scope="session")
def trainable(tmp_path_factory):
    from exact import loader

    return loader(tmp_path_factory.mktemp("exact"))

"""Tiny checkpoints for this room's tests, made once a session."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import make_tiny

# Two threads that share two busy cores with other processes wait for each other most of the time:
# the same test took ten times as long.
torch.set_num_threads(1)

TEXTS = [
    "Where is the nearest clinic?",
    "¿Dónde está la clínica más cercana?",
    "The train leaves at half past seven.",
    "El tren sale a las siete y media.",
    "Could you repair this pump before the rain comes?",
    "¿Podría reparar esta bomba antes de que llegue la lluvia?",
    "यह किताब बहुत अच्छी है।",
    "આ પુસ્તક ખૂબ સારું છે.",
]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`tiny("llama")`: the folder of a tiny checkpoint of that family."""
    root = tmp_path_factory.mktemp("tiny")

    def make(family: str) -> Path:
        folder = root / family
        return folder if folder.exists() else make_tiny(family, folder, TEXTS * 4, vocabulary=400)

    return make

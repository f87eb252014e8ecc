"""Tiny models whose greedy text varies, loaded as the real ones are."""

import os

import pytest
import torch

from dubash.core.languages import LanguagePair, language
from dubash.data.phrasebook import phrasebook
from dubash.model.load import load_base
from dubash.model.options import ModelOptions
from engine.converting import with_adapters
from tiny import make_tiny

# Two threads on two busy cores wait for each other most of the time.
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

PAIR = LanguagePair(language("en"), language("es"))


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """English segments of the phrasebook, of very different lengths."""
    path, _ = phrasebook("en-es", PAIR)
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return sorted((row[1] for row in rows), key=len)


@pytest.fixture(scope="session")
def load(tmp_path_factory, sentences):
    """`load("llama")`: a fresh model of the family. Its weights are eight times what a new model's
    are: greedy text then varies, and no two tokens are as good as equally likely."""
    made = {}

    def load(family: str):
        if family not in made:
            folder = tmp_path_factory.mktemp("tiny") / family
            made[family] = make_tiny(family, folder, sentences)
        loaded = load_base(ModelOptions(name=str(made[family]), device="cpu", dtype="fp32"))
        with torch.no_grad():
            for name, parameter in loaded.model.named_parameters():
                if parameter.ndim >= 2 and "embed" not in name and "shared" not in name:
                    parameter.mul_(8)
        return loaded

    return load


@pytest.fixture(scope="session")
def llama(load):
    return load("llama")


@pytest.fixture
def adapted(load):
    """A llama whose adapters change what it says."""
    return with_adapters(load("llama"), "fp32")


@pytest.fixture(scope="session")
def prompts(llama, sentences):
    """Prompts of 8 to 40 tokens, long and short by turns."""
    picked = sentences[::110]
    mixed = [*picked[::2], *picked[1::2][::-1]]
    return [llama.tokenizer(text).input_ids for text in mixed]

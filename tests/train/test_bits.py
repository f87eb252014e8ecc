"""Bits of each row through the real model, against the loss of that row on its own."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import ModelError
from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.model.load import load_base
from dubash.model.options import ModelOptions
from dubash.prompt.options import PromptOptions
from dubash.prompt.text import TextTemplate
from dubash.train.batches import Collator
from dubash.train.bits import batches, row_bits
from dubash.train.loss import Scorer

TEXTS = ["Hola.", "El tren sale del andén cuatro.", "Sí", "Buenos días, ¿cómo está usted hoy?"]


@pytest.fixture
def reading(tiny_llama):
    """The model, rows, examples and collator that `row_bits` takes."""
    loaded = load_base(ModelOptions(name=str(tiny_llama), dtype="fp32"))
    pair = LanguagePair(language("en"), language("es"))
    template = TextTemplate(PromptOptions(), loaded.tokenizer, "causal", pair)
    rows = [Pair("", text, "", f"libro.txt:{at}") for at, text in enumerate(TEXTS, start=1)]
    examples = [template.example(row) for row in rows]
    return loaded.model, rows, examples, Collator("causal", "target", 0)


def test_each_row_costs_what_its_own_loss_says_whatever_the_batches(reading):
    model, rows, examples, _ = reading
    with torch.no_grad():
        scorer, plain = Scorer(model), Collator("causal", "target", 0, packed=False)
        alone = [float(scorer(plain([example]))) for example in examples]
    expected = [
        [loss / math.log(2), len(row.target)] for loss, row in zip(alone, rows, strict=True)
    ]
    for size, tokens in ((1, 1), (2, 1000), (8, 1000), (8, 40)):
        done = []
        found = row_bits(*reading, batch_size=size, batch_tokens=tokens, advance=done.append)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert sum(done) == len(rows)


def test_an_untrained_model_needs_about_the_bits_of_a_blind_guess(reading):
    model, _, examples, _ = reading
    found = row_bits(*reading, batch_size=4, batch_tokens=1000)
    blind = math.log2(model.config.vocab_size) * sum(len(e.target) for e in examples)
    assert found[:, 0].sum() == pytest.approx(blind, rel=0.05)


def test_the_mode_of_the_model_stays_and_dropout_plays_no_part(reading):
    reading[0].train()
    first, second = (row_bits(*reading, batch_size=4, batch_tokens=999) for _ in range(2))
    assert np.array_equal(first, second)
    assert reading[0].training


def test_a_loss_that_is_not_finite_is_refused_with_the_row(reading):
    model = reading[0]
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match=r"libro\.txt:\d: .*not a finite number"):
        row_bits(*reading, batch_size=4, batch_tokens=1000)


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 6), st.integers(1, 120))
def test_batches_hold_every_row_once_within_both_limits(lengths, size, tokens):
    made = list(batches(lengths, size, tokens))
    assert sorted(row for batch in made for row in batch) == list(range(len(lengths)))
    for batch in made:
        longest = max(lengths[row] for row in batch)
        assert len(batch) <= size
        assert len(batch) == 1 or len(batch) * longest <= tokens

"""Models of random weights with a tokenizer of their own."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.model.load import load_base, load_trainable
from dubash.model.options import MethodOptions, ModelOptions, ScratchOptions
from dubash.model.scratch import make, train_tokenizer
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template
from stages.small import pairs

TEXTS = [text for pair in pairs()[:300] for text in pair]
TOKENIZER = train_tokenizer(TEXTS, 600, ends=True)
SMALL = {"vocabulary": 600, "width": 32, "layers": 2, "heads": 2}


@settings(deadline=None)
@given(st.text(max_size=40))
@example(" ")
@example("  two blanks")
def test_no_text_is_unknown_and_each_comes_back(text):
    ids = TOKENIZER(text).input_ids
    assert ids[-1] == TOKENIZER.eos_token_id
    assert TOKENIZER.unk_token_id not in ids
    written = TOKENIZER.backend_tokenizer.normalizer.normalize_str(text).replace("▁", " ")
    if not any(special in text for special in TOKENIZER.all_special_tokens):
        # but for one blank before it, and no segment begins with one
        assert TOKENIZER.decode(ids, skip_special_tokens=True) == written.removeprefix(" ")


def test_a_text_that_spells_a_byte_is_not_that_byte():
    assert TOKENIZER.decode(TOKENIZER("<0x41>").input_ids, skip_special_tokens=True) == "<0x41>"


def test_known_words_are_few_tokens():
    assert len(TOKENIZER("Good morning").input_ids) < len("Good morning")
    assert len(TOKENIZER) <= 600


@pytest.mark.parametrize("kind", ["seq2seq", "causal"])
def test_it_is_an_ordinary_checkpoint_that_can_be_tuned(tmp_path, kind):
    found = make(ScratchOptions(kind=kind, **SMALL), TEXTS, 1, tmp_path / "made")
    options = ModelOptions(name=str(tmp_path / "made"), device="cpu", dtype="fp32")
    loaded = load_trainable(options, MethodOptions(name="full"))
    assert loaded.kind == kind
    assert loaded.total_parameters == loaded.trainable_parameters == found["parameters"]
    template = Template(
        PromptOptions(text="{source}"), loaded.tokenizer, kind,
        LanguagePair(language("en"), language("es")), "translation",
    )  # fmt: skip
    example = template.example(Pair("Good morning!", "¡Buenos días!"))
    assert example.target[-1] == loaded.tokenizer.eos_token_id


def test_the_seed_draws_the_weights(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make(ScratchOptions(**SMALL), TEXTS, seed, tmp_path / name)
    first, same, other = (
        load_base(ModelOptions(name=str(tmp_path / name), device="cpu")).model.state_dict()
        for name in "abc"
    )
    assert all(first[key].equal(same[key]) for key in first)
    assert not all(first[key].equal(other[key]) for key in first)


def test_heads_must_part_the_width():
    with pytest.raises(ValidationError, match="does not part into 3 heads"):
        ScratchOptions(width=32, heads=3)

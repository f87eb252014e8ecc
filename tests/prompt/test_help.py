"""What stands before a source as help: quoted, within its budget, never in anybody's voice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from dubash.core.languages import LanguagePair, language
from dubash.prompt.help import Help, HelpedTemplate
from dubash.prompt.options import PromptOptions
from tiny import make_tiny

PAIR = LanguagePair(language("en"), language("es"))
MATCH = ("Open the file.", "Abra el archivo.")
TERM = ("file", "archivo")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return AutoTokenizer.from_pretrained(make_tiny("llama", folder / "tiny", [*MATCH, "Close it."]))


def template(tokenizer, help, tokens=200):
    return HelpedTemplate(
        PromptOptions(text="Translate: {source}"), tokenizer, "causal", PAIR, "translation",
        lambda _: help, tokens,
    )  # fmt: skip


def test_matches_and_terms_stand_quoted_before_the_source(tokenizer):
    made = template(tokenizer, Help([MATCH], [TERM])).prompt_text("Close the file.")
    expected = (
        'Similar translations:\n"Open the file." = "Abra el archivo."\n'
        'Terms:\n"file" = "archivo"\nTranslate: Close the file.'
    )
    assert expected in made


def test_without_help_the_prompt_is_the_plain_one(tokenizer):
    made = template(tokenizer, Help()).prompt_text("Close the file.")
    assert "Translate: Close the file." in made
    assert "Similar" not in made


def test_terms_come_first_into_a_small_budget(tokenizer):
    room = len(tokenizer('Terms:\n"file" = "archivo"\n', add_special_tokens=False).input_ids)
    made = template(tokenizer, Help([MATCH], [TERM]), room).prompt_text("x")
    assert '"file" = "archivo"' in made
    assert "Open the file." not in made


@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(16, 400))
def test_nothing_quoted_ends_its_line_or_goes_over_the_budget(tokenizer, source, target, tokens):
    made = template(tokenizer, Help([(source, target)], [(target, source)]), tokens)
    lines = made._ask("x").split("\n")[:-1]
    for line in lines:
        if not line.endswith(":"):
            assert line.startswith('"')
            assert line.endswith('"')
            assert '" = "' in line
    shown = made.shown("x")
    assert len(lines) == sum(len(each) + 1 for each in (shown.matches, shown.terms) if each)
    text = "".join(f"{line}\n" for line in lines)
    assert len(tokenizer(text, add_special_tokens=False).input_ids) <= tokens + 4

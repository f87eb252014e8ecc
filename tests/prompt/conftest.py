"""What the prompt tests share: the families' real tokenizers, and rows worth rendering."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import tiny

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")

PAIRS = [
    Pair("Where is the nearest clinic?", "सबसे नज़दीकी दवाख़ाना कहाँ है?", origin="talk.tsv:1"),
    Pair("Yes.", "हाँ।", origin="talk.tsv:2"),
    Pair("The library closes at six.", "पुस्तकालय छह बजे बंद\u200dहोता\u200cहै।", origin="talk.tsv:3"),
    Pair(
        "Could you repair this pump before the rain comes, or shall I ask someone else?",
        "क्या आप बारिश से पहले यह पंप ठीक कर सकते हैं, या मैं किसी और से पूछूँ?",
        origin="talk.tsv:4",
    ),
    Pair("Write <|im_end|> and </s> 😀", "ऐसे लिखें: <end_of_turn> </s>", origin="talk.tsv:5"),
]
"""Short and long, with joiners, an emoji, letters no tiny vocabulary has, and control tokens
spelled out."""


@cache
def _tokenizer(family: str) -> Any:
    texts = [pair.source for pair in PAIRS[:4]] + [pair.target for pair in PAIRS[:4]]
    texts += ["Translate the following text from English to Hindi:\nuser\nassistant\nmodel"]
    return tiny.TOKENIZERS[family](texts * 4, 500)


@pytest.fixture(scope="session")
def tokenizer() -> Callable[[str], Any]:
    """`tokenizer("gemma3")`: that family's tokenizer with a small vocabulary. Don't change it."""
    return _tokenizer


@pytest.fixture(scope="session")
def en_hi() -> LanguagePair:
    return LanguagePair(language("en"), language("hi"))


@pytest.fixture(scope="session")
def make(en_hi: LanguagePair) -> Callable[..., Template]:
    """`make("gemma3", style="chat")`, or with a tokenizer for the family's name."""

    def template(
        family: Any, task: str = "translation", kind: str | None = None, **options: Any
    ) -> Template:
        found = _tokenizer(family) if isinstance(family, str) else family
        kind = kind or ("seq2seq" if family in tiny.SEQ2SEQ else "causal")
        return Template(PromptOptions(**options), found, kind, en_hi, task)

    return template


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    return PAIRS

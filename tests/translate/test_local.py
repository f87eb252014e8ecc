"""A model on this machine as a Translator."""

import pytest

from dubash.core.languages import LanguagePair, language
from dubash.engine.options import GenerateOptions
from dubash.engine.transformers import TransformersEngine
from dubash.model.load import load_base
from dubash.model.options import ModelOptions
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template
from dubash.translate.local import LocalTranslator
from tiny import make_tiny

TEXTS = ["Good morning!", "Where is the station?", "Thank you.", "¡Buenos días!"]
PAIR = LanguagePair(language("en"), language("es"))


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    folder = make_tiny(
        "llama", tmp_path_factory.mktemp("tiny") / "llama", TEXTS * 5, vocabulary=300
    )
    loaded = load_base(ModelOptions(name=str(folder), device="cpu", dtype="fp32"))
    template = Template(PromptOptions(), loaded.tokenizer, loaded.kind, PAIR, "translation")
    engine = TransformersEngine(
        loaded.model, loaded.tokenizer, loaded.kind, [template.end_id],
        GenerateOptions(max_new_tokens=6),
    )  # fmt: skip
    return LocalTranslator("S0", template, engine)


def test_it_says_its_name(translator):
    assert translator.name == "S0"


def test_each_source_is_asked_as_the_template_asks_it(translator):
    seen = []
    generate = translator.engine.generate
    translator.engine.generate = lambda prompts, advance: (
        seen.extend(prompts) or generate(prompts, advance)
    )
    done = []
    found = translator.translate(TEXTS, done.append)
    translator.engine.generate = generate
    assert seen == [translator.template.prompt_ids(text) for text in TEXTS]
    assert len(found) == len(TEXTS)
    assert sum(done) == len(TEXTS)


def test_rows_keep_their_order(translator):
    forth, back = translator.translate(TEXTS), translator.translate(TEXTS[::-1])
    assert [each.text for each in forth] == [each.text for each in back[::-1]]


def test_no_sources_no_hypotheses(translator):
    assert translator.translate([]) == []

"""Unknown keys, wrong values, and settings that do not go together, in plain words."""

import string
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from rapidfuzz.distance import OSA
from small import SMALL, mistake

from dubash.core.options import _models_in, merge
from dubash.recipe.load import load_recipe
from dubash.recipe.options import Recipe


def test_an_unknown_key_is_told_with_file_line_and_the_nearest_right_one(write):
    text = SMALL + "train:\n  epochs: 1\n  learnin_rate: 1e-4\n"
    assert mistake(write(text)) == (
        "recipe.yaml:7: train.learnin_rate: unknown key 'learnin_rate'. "
        "Did you mean 'learning_rate'?"
    )


def test_a_misspelt_key_is_told_before_the_required_one_it_left_out(write):
    told = mistake(write(SMALL.replace("model:", "modle:")))
    assert told == "recipe.yaml:3: modle: unknown key 'modle'. Did you mean 'model'?"


def test_one_slip_counts_for_more_than_letters_in_common(write):
    told = mistake(write(SMALL.replace("run:", "rin:")))
    assert told.endswith("Did you mean 'run'?")  # and not 'train'


def test_a_key_unlike_any_gets_them_all(write):
    told = mistake(write(SMALL + "zzzzzz: 1\n"))
    assert "Known here: data, evaluate, generate, languages, method" in told


def keys_of(kind: type[BaseModel], above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each key of the recipe; in a list, that of its first member."""
    for name, field in kind.model_fields.items():
        path = (*above, name)
        yield path
        below = path if "tuple[" not in str(field.annotation) else (*path, 0)
        for inner in _models_in(field.annotation):
            yield from keys_of(inner, below)


KEYS = list(keys_of(Recipe))


def nested(path: tuple[Any, ...], value: Any) -> Any:
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def siblings(path: tuple[Any, ...]) -> set[str]:
    return {each[-1] for each in KEYS if each[:-1] == path[:-1]}


@st.composite
def one_edit(draw: st.DrawFn, word: str) -> str:
    """The word with a letter left out, put in, changed, or two swapped."""
    at = draw(st.integers(0, len(word) - 1))
    letter = draw(st.sampled_from(string.ascii_lowercase + "_"))
    ways = [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter]
    ways[2] += word[at + 1 :]
    ways.append(word[:at] + word[at : at + 2][::-1] + word[at + 2 :])
    return draw(st.sampled_from(ways))


@settings(deadline=None)
@given(st.data())
def test_any_key_with_one_slip_is_answered_with_that_key(data):
    path = data.draw(st.sampled_from(KEYS))
    wrong = data.draw(one_edit(path[-1]))
    assume(wrong and wrong not in siblings(path))
    assume(not [each for each in siblings(path) - {path[-1]} if OSA.distance(wrong, each) == 1])
    content = merge(yaml.safe_load(SMALL), nested((*path[:-1], wrong), 1))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.yaml"
        file.write_text(yaml.safe_dump(content))
        line = next(at for at, text in enumerate(file.read_text().split("\n"), 1) if wrong in text)
        told = mistake(str(file))
    assert told.endswith(f"unknown key '{wrong}'. Did you mean '{path[-1]}'?")
    assert told.startswith("recipe.yaml:")
    assert int(told.split(":")[1]) >= line
    assert f" {'.'.join(map(str, path[:-1]))}{'.' if path[:-1] else ''}{wrong}: " in told


@pytest.mark.parametrize(
    "unused", ["patience: 2", "keep_best: chrf", "evaluate_every: 5"], ids=lambda each: each[:8]
)
def test_what_needs_dev_rows_is_refused_without_them(write, unused):
    key, train = unused.split(":")[0], f"train: {{{unused}}}\n"
    text = SMALL.replace("[rows.csv]", "[rows.csv], dev_rows: 0") + train
    assert f"train.{key} does nothing without dev rows (data.dev_rows: 0)" in mistake(write(text))
    load_recipe(write(text), ["data.dev=[dev.csv]"])
    load_recipe(write(SMALL + train))


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({"languages": {"source": "zz"}}, "languages.source: unknown language code 'zz'. Give a"),
        ({"languages": {"source": 2}}, "languages.source: Input should be a valid string or sett"),
        ({"languages": {"source": {"code": "xx"}}}, "languages.source.name: Field required."),
        ({"languages": {"source": {"code": "X!"}}}, "languages.source.code: String should match"),
        ({"model": {"dtype": "int4"}}, "should be 'auto' or 'fp32', 'bf16' or 'fp16'."),
        ({"method": {"target_modules": "q"}}, "should be 'auto' or a list, as in target_modules"),
        ({"train": {"max_steps": "1e3"}}, "train.max_steps: Input should be a valid integer"),
        ({"train": {"learning_rate": float("inf")}}, "train.learning_rate: "),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate: "),
        ({"run": {"name": "../up"}}, "recipe.yaml:10: run.name is made of letters, digits"),
        ({"run": {"name": ".hidden"}}, "recipe.yaml:10: run.name is made of letters, digits"),
        ({"task": "story"}, "task: Input should be 'translation', 'instruction' or 'text'."),
    ],
)
def test_a_wrong_value_is_told_with_its_key(write, over, told):
    content = merge(yaml.safe_load(SMALL), over)
    assert told in mistake(write(yaml.safe_dump(content)))


def test_a_language_without_a_code_is_described(write):
    described = "{code: kfr, name: Kutchi, script: gujarati}"
    recipe = load_recipe(write(SMALL.replace("target: es", f"target: {described}"))).recipe
    target = recipe.languages.pair().target
    assert (target.name, target.scripts, target.bleu) == ("Kutchi", ("GUJARATI",), "13a")


@pytest.mark.parametrize("key", [each for each in KEYS if len(each) == 1 and each != ("task",)])
def test_a_section_that_is_none_or_left_out_is_answered_with_an_example_that_loads(write, key):
    (name,) = key
    told = mistake(write(yaml.safe_dump(yaml.safe_load(SMALL) | {name: 1})))
    said, _, example = told.rstrip(".").partition(", as in ")
    assert said.endswith(f"{name}: Input should be settings, each as key: value")
    whole = yaml.safe_load(SMALL)
    load_recipe(write(yaml.safe_dump(whole | yaml.safe_load(example))))
    if whole.pop(name, None):
        told = mistake(write(yaml.safe_dump(whole)))
        assert told == f"recipe.yaml: {name}: Field required, as in {example}."


@pytest.mark.parametrize("target", ["es", "ES", {"code": "es", "name": "Castilian"}])
def test_there_is_no_translation_from_a_language_into_itself(write, target):
    content = yaml.safe_load(SMALL) | {"languages": {"source": "es", "target": target}}
    told = mistake(write(yaml.safe_dump(content)))
    assert "languages.source and languages.target are both 'es'" in told
    for task in ("instruction", "text"):  # where both sides, or the only one, are of one language
        load_recipe(write(yaml.safe_dump(content | {"task": task})))


@pytest.mark.parametrize("target", ["es-MX", {"code": "es-x-coast", "name": "Coastal Spanish"}])
def test_a_dialect_is_another_language(write, target):
    content = yaml.safe_load(SMALL) | {"languages": {"source": "es", "target": target}}
    assert load_recipe(write(yaml.safe_dump(content)))


SEQ2SEQ = {"model": {"kind": "seq2seq"}}
EMBEDDED = "embedded:smollm2-135m-instruct"


@pytest.mark.parametrize(
    ("over", "named"),
    [
        # recipe
        (SEQ2SEQ | {"prompt": {"mask": "full"}}, ["prompt.mask: full", "model.kind: seq2seq"]),
        (SEQ2SEQ | {"prompt": {"style": "chat"}}, ["prompt.style: chat", "model.kind: seq2seq"]),
        (SEQ2SEQ | {"prompt": {"style": "plain"}}, ["prompt.style: plain", "model.kind: seq2seq"]),
        (
            {"model": {"kind": "causal"}, "prompt": {"style": "seq2seq"}},
            ["prompt.style: seq2seq", "model.kind: causal"],
        ),
        (
            {"task": "instruction", "train": {"keep_best": "chrf"}},
            ["train.keep_best: chrf", "task: instruction"],
        ),
        ({"task": "text", "train": {"keep_best": "chrf"}}, ["train.keep_best", "task: text"]),
        ({"task": "text"} | SEQ2SEQ, ["model.kind: seq2seq", "task: text"]),
        ({"task": "text", "prompt": {"system": "Hi"}}, ["prompt.system", "task: text"]),
        ({"task": "text", "prompt": {"text": "{source}"}}, ["prompt.text", "task: text"]),
        ({"task": "text", "prompt": {"style": "plain"}}, ["prompt.style", "task: text"]),
        ({"task": "text", "generate": {"beams": 2}}, ["generate.beams", "task: text"]),
        (
            {"task": "text", "evaluate": {"behaviour": {"over_long": 3.0}}},
            ["evaluate.behaviour", "task: text"],
        ),
        ({"task": "text", "evaluate": {"glossary": "a.csv"}}, ["evaluate.glossary", "task: text"]),
        ({"evaluate": {"glossary": ""}}, ["evaluate.glossary", "the path", "is empty"]),
        (
            {"task": "text", "data": {"train": [{"phrasebook": "en-es"}]}},
            ["data.train (phrasebook/en-es)", "task: text"],
        ),
        (
            {"data": {"train": [{"path": "a.csv", "columns": {"target": "b"}}]}},
            ["data.train (a.csv)", "columns.source is missing", "task: translation"],
        ),
        # train
        (
            {"train": {"keep_best": "chrf", "dev_sample": 0}},
            ["train.keep_best: chrf", "train.dev_sample"],
        ),
        # generate
        ({"generate": {"temperature": 0.5}}, ["generate.temperature", "generate.sample: true"]),
        ({"generate": {"top_p": 0.5}}, ["generate.top_p", "generate.sample: true"]),
        ({"generate": {"top_k": 5}}, ["generate.top_k", "generate.sample: true"]),
        ({"generate": {"sample": True, "beams": 4}}, ["generate.sample", "generate.beams"]),
        ({"generate": {"length_penalty": 0.5}}, ["generate.length_penalty", "generate.beams: 1"]),
        ({"generate": {"stop_strings": ["\n", ""]}}, ["generate.stop_strings"]),
        # model
        ({"model": {"device": "cpu", "dtype": "fp16"}}, ["model.dtype fp16", "model.device"]),
        ({"model": {"name": "embedded:gpt"}}, ["model.name", EMBEDDED]),
        ({"model": {"name": EMBEDDED, "revision": "main"}}, ["model.revision"]),
        ({"model": {"name": EMBEDDED, "trust_remote_code": True}}, ["model.trust_remote_code"]),
        ({"model": {"name": EMBEDDED, "kind": "seq2seq"}}, ["model.kind"]),
        # method
        ({"method": {"name": "full", "rank": 8}}, ["method.name full", "method.rank"]),
        (
            {"method": {"name": "full", "alpha": 8, "dropout": 0.1}},
            ["method.alpha, method.dropout"],
        ),
        ({"method": {"target_modules": []}}, ["method.target_modules"]),
        (
            {"method": {"name": "lora", "double_quantization": False}},
            ["method.double_quantization", "method.name qlora", "method.name is lora"],
        ),
        # data
        ({"data": {"train": []}}, ["data.train"]),
        ({"data": {"train": [{}]}}, ["path", "source_path", "hub", "phrasebook", "here: none"]),
        ({"data": {"train": [{"path": "a", "hub": "a/b"}]}}, ["here: path and hub"]),
        ({"data": {"train": [{"source_path": "a"}]}}, ["source_path and target_path"]),
        ({"data": {"train": [{"hub": "a/b", "format": "csv"}]}}, ["format goes with path"]),
        ({"data": {"train": [{"path": "a", "config": "b"}]}}, ["config, split and revision"]),
        (
            {"data": {"train": [{"phrasebook": "en-es", "columns": {"source": 0, "target": 1}}]}},
            ["columns go with path or hub"],
        ),
        (
            {"data": {"train": [{"path": "a", "columns": {"source": 0, "target": "b"}}]}},
            ["columns are all names", "or all numbers"],
        ),
        (
            {"data": {"train": [{"path": "a", "columns": {"source": -1, "target": 0}}]}},
            ["numbered from 0"],
        ),
        # prompt
        ({"prompt": {"text": "Translate."}}, ["prompt.text", "{source}"]),
        ({"prompt": {"text": "{source} {source}"}}, ["prompt.text", "{source}"]),
        ({"prompt": {"text": "{source} {langauge}"}}, ["prompt.text", "{langauge}"]),
        ({"prompt": {"system": "To {targetlanguage}"}}, ["prompt.system", "{targetlanguage}"]),
    ],
)
def test_settings_that_do_not_go_together_are_told_by_name(write, over, named):
    content = merge(yaml.safe_load(SMALL), over)
    told = mistake(write(yaml.safe_dump(content)))
    assert [each for each in named if each not in told] == []
    assert told.startswith("recipe.yaml")
    assert "Value error" not in told

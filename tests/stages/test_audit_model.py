"""`dubash audit`: another tool's rows as trained, and its model's files."""

import json
import shutil

import pytest

from dubash.core.errors import DataError, ModelError
from dubash.core.files import write_jsonl
from dubash.data import prepare as data
from dubash.model.load import load_tokenizer
from dubash.model.options import ModelOptions
from dubash.prompt.mask import IGNORE
from dubash.recipe.load import read_resolved
from dubash.stages.audit import audit
from dubash.stages.common import make_template
from stages.audits import QUICK, asked, findings

# -- rows as trained -----------------------------------------------------------------------------


@pytest.fixture
def trained(rows, small_model):
    """Training rows as our own template makes them, for another tool's mistakes to be put into."""
    recipe = read_resolved(rows.recipe)
    tokenizer = load_tokenizer(ModelOptions(name=str(small_model)))
    template = make_template(recipe, tokenizer, "causal")
    found = []
    for pair in data.load(rows.data).train[:8]:
        example = template.example(pair)
        prompt, target = list(example.prompt), list(example.target)
        found.append(
            {
                "source": pair.source,
                "target": pair.target,
                "input_ids": prompt + target,
                "labels": [IGNORE] * len(prompt) + target,
            }
        )
    return found


def about_tokens(rows, small_model, tmp_path, content) -> list[str]:
    write_jsonl(tmp_path / "tokens.jsonl", content)
    given = asked(
        rows, tmp_path / "out", base=str(small_model), tokens=tmp_path / "tokens.jsonl",
    )  # fmt: skip
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    return findings(tmp_path / "out", "rows as trained")


def test_rows_that_teach_what_is_served_pass(rows, small_model, tmp_path, trained):
    assert about_tokens(rows, small_model, tmp_path, trained) == []


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (lambda row: {**row, "labels": [*row["labels"][:-1], IGNORE]}, "end token unsupervised"),
        (lambda row: {**row, "labels": [IGNORE, *row["labels"][:-1]]}, "mask shifted"),
        (
            lambda row: {
                **row, "input_ids": [*row["input_ids"], 0], "labels": [*row["labels"], 0],
                "attention_mask": [1] * len(row["input_ids"]) + [0],
            },
            "padding supervised",
        ),
        (
            lambda row: {**row, "input_ids": row["input_ids"][1:], "labels": row["labels"][1:]},
            "training prompt ≠ serving prompt",
        ),
        (
            lambda row: {**row, "input_ids": row["input_ids"][:-3], "labels": row["labels"][:-3]},
            "target truncated away",
        ),
    ],
)  # fmt: skip
def test_the_five_mistakes_are_found_in_another_tools_rows(
    rows, small_model, tmp_path, trained, mistake, named
):
    content = [mistake(row) for row in trained[:3]] + trained[3:]
    told = about_tokens(rows, small_model, tmp_path, content)
    assert told == [f"{named[:1].upper()}{named[1:]} in 3 of 8 rows."]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [1]}, "differ in length"),
        ({"input_ids": "12"}, "input_ids is no list of numbers"),
        ({"input_ids": [10**9], "labels": [1]}, "no token of the tokenizer's"),
        ({"target": None}, "source and target are texts"),
    ],
)
def test_what_are_no_rows_as_trained_is_said(rows, small_model, tmp_path, trained, change, message):
    with pytest.raises(DataError, match=message) as caught:
        about_tokens(rows, small_model, tmp_path, [trained[0], {**trained[1], **change}])
    assert caught.value.where.endswith("tokens.jsonl:2")


# -- the model's files ---------------------------------------------------------------------------


def test_a_model_that_others_would_not_stop_is_a_fault(rows, small_model, tmp_path):
    model = shutil.copytree(small_model, tmp_path / "theirs")
    file = model / "generation_config.json"
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**content, "eos_token_id": 0}))
    audit(asked(rows, tmp_path / "out", model=str(model)), QUICK)
    assert any("does not stop at" in each for each in findings(tmp_path / "out", "model"))


def test_the_models_own_end_counts_where_no_generation_config_is(rows, small_model, tmp_path):
    model = shutil.copytree(small_model, tmp_path / "theirs")
    (model / "generation_config.json").unlink(missing_ok=True)
    content = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**content, "eos_token_id": 0}))
    audit(asked(rows, tmp_path / "out", model=str(model)), QUICK)
    assert any("does not stop at" in each for each in findings(tmp_path / "out", "model"))
    (model / "generation_config.json").write_text("{")
    with pytest.raises(ModelError):
        audit(asked(rows, tmp_path / "other", model=str(model)), QUICK)


def test_padding_that_is_the_end_token_is_a_caution(rows, small_model, tmp_path):
    model = shutil.copytree(small_model, tmp_path / "theirs")
    file = model / "tokenizer_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "pad_token": content["eos_token"]}))
    audit(asked(rows, tmp_path / "out", model=str(model)), QUICK)
    told = findings(tmp_path / "out", "model")
    assert any(each.startswith("Padding and end are the same token") for each in told)


def test_a_model_is_held_against_its_own_template(rows, small_model, tmp_path, trained):
    tuned = shutil.copytree(small_model, tmp_path / "theirs")
    chat = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + eos_token }}{% endfor %}"
    tokenizer = load_tokenizer(ModelOptions(name=str(tuned)))
    tokenizer.chat_template = chat + "{% if add_generation_prompt %}assistant: {% endif %}"
    tokenizer.save_pretrained(str(tuned))
    write_jsonl(tmp_path / "tokens.jsonl", trained)  # made by the base's template
    given = asked(
        rows, tmp_path / "out", base=str(small_model), model=str(tuned),
        tokens=tmp_path / "tokens.jsonl",
    )  # fmt: skip
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    told = findings(tmp_path / "out")
    assert "Training prompt ≠ serving prompt in 8 of 8 rows." in told
    assert "Its chat template is not the base's; each is asked by its own." in told


def test_an_adapter_with_tokens_that_nothing_embeds(rows, small_model, tmp_path):
    adapter = shutil.copytree(rows.model, tmp_path / "adapter")
    tokenizer = load_tokenizer(ModelOptions(name=str(small_model)))
    tokenizer.add_tokens(["<new>", "<newer>"])
    tokenizer.save_pretrained(str(adapter))
    given = asked(rows, tmp_path / "out", base=str(small_model), adapter=adapter)
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    told = findings(tmp_path / "out", "model")
    assert any("2 tokens more than the base's" in each for each in told)


def test_an_adapter_says_whose_it_is(rows, small_model, tmp_path):
    adapter = shutil.copytree(rows.model, tmp_path / "adapter")
    file = adapter / "adapter_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "base_model_name_or_path": "someone/other-base"}))
    given = asked(rows, tmp_path / "out", base=str(small_model), adapter=adapter)
    audit(given, [*QUICK, "evaluate.few_shot=0"])
    assert any("trained on someone/other-base" in each for each in findings(tmp_path / "out"))

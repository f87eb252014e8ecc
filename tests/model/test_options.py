import subprocess
import sys

import pytest

from dubash.core.errors import RecipeError
from dubash.core.options import validate
from dubash.model.options import EMBEDDED, MethodOptions, ModelOptions


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"name": "full", "rank": 8}, "method.rank"),
        ({"name": "full", "alpha": 8, "dropout": 0.1}, "method.alpha, method.dropout"),
        ({"name": "lora", "double_quantization": False}, "method.name is lora"),
        ({"name": "lora", "target_modules": []}, "names no layer"),
        ({"name": "lora", "rank": 0}, "greater than or equal to 1"),
        ({"name": "lora", "rank": 100_000}, "less than or equal to 1024"),
        ({"name": "lora", "alpha": 1e300}, "less than or equal to 10000"),
        ({"name": "dora"}, "'full', 'lora', 'qlora' or 'lora-int8'"),
        ({"name": "lora", "dropuot": 0.1}, "Did you mean 'dropout'?"),
    ],
)
def test_wrong_methods_are_refused_in_words(content, words):
    with pytest.raises(RecipeError, match=r"recipe\.yaml") as caught:
        validate(MethodOptions, content, "recipe.yaml", {})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "Field required"),
        ({"name": "embedded:gpt"}, EMBEDDED),
        ({"name": EMBEDDED, "revision": "main"}, "model.revision"),
        ({"name": EMBEDDED, "trust_remote_code": True}, "model.trust_remote_code"),
        ({"name": EMBEDDED, "kind": "seq2seq"}, "causal"),
        ({"name": "a/b", "device": "cpu", "dtype": "fp16"}, "model.dtype fp16 needs a GPU"),
    ],
)
def test_wrong_models_are_refused_in_words(content, words):
    with pytest.raises(RecipeError) as caught:
        validate(ModelOptions, content, "recipe.yaml", {})
    assert words in str(caught.value)


def test_a_default_that_is_not_named_is_no_mistake():
    assert MethodOptions(name="full").rank == 16
    assert MethodOptions(name="lora", target_modules=["q", "v"]).target_modules == ["q", "v"]


def test_options_load_no_torch():
    code = "import sys, dubash.model.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

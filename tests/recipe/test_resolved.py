"""A resolved recipe means the same as the one it came from."""

import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from small import SMALL

from dubash.core.options import Options, merge
from dubash.recipe.load import load_recipe, read_resolved, resolved_yaml
from dubash.recipe.options import Recipe


def test_a_recipe_is_frozen(write):
    recipe = load_recipe(write(SMALL)).recipe
    assert isinstance(recipe, Options)
    with pytest.raises(ValueError, match="frozen"):
        recipe.task = "instruction"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True) | st.sampled_from(
    ["no", "1e-4", "12", "0x1f", "1_000", "2024-01-01", "null", "True", "12-30", "1.5", "e.1"]
)

FILES = TEXTS.filter(lambda text: not {*text} & {*"/\0"} and text[0] != "~" and text.strip("."))


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """Recipes of odd names, odd texts, and numbers large and small."""
    rate = st.floats(1e-12, 10, exclude_min=True)
    content: dict[str, Any] = {
        "languages": {"source": draw(st.sampled_from(["no", "en", "yo"])), "target": "es"},
        "data": {"train": [{"path": draw(FILES)}, f"deep/{draw(FILES)}"]},
        "model": {"name": draw(TEXTS.filter(lambda text: not text.startswith("embedded:")))},
        "train": {"learning_rate": draw(rate), "epochs": draw(rate), "clip": draw(rate)},
        "generate": {"stop_strings": draw(st.lists(TEXTS, max_size=3))},
        "prompt": {"text": draw(TEXTS.filter(lambda text: "{" not in text)) + "{source}"},
        "run": {"name": draw(NAMES), "folder": draw(TEXTS)},
    }
    if draw(st.booleans()):
        content["evaluate"] = {"glossary": f"deep/{draw(FILES)}"}
    if draw(st.booleans()):
        content["train"]["max_steps"] = draw(st.integers(1, 10**7))
        content["method"] = {"name": "qlora", "target_modules": draw(st.lists(NAMES, min_size=1))}
    return content


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\v", "\ufeff"])
def test_every_line_end_comes_back_from_a_resolved_recipe(write, end, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = merge(yaml.safe_load(SMALL), {"prompt": {"text": f"a{end}b {{source}}{end}"}})
    recipe = Recipe.model_validate(content)
    write(resolved_yaml(recipe))
    assert load_recipe("recipe.yaml").recipe == recipe


@settings(deadline=None)
@given(recipes())
def test_a_resolved_recipe_means_the_same(content):
    recipe = Recipe.model_validate(content)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        path = Path("runs", "recipe.yaml")
        path.parent.mkdir()
        path.write_text(resolved_yaml(recipe, path.parent), encoding="utf-8")
        assert read_resolved(path) == recipe
        assert load_recipe(str(path)).recipe == recipe

"""From a file or a shipped recipe's name to a checked Recipe, overrides and `extends` applied."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from dubash.core.errors import RecipeError
from dubash.core.options import merge, parse_override, read_yaml, suggest, validate
from dubash.recipe.options import Recipe

DEEPEST = 8
"""Recipes that may extend one another in a chain."""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A checked recipe, and the folder that its relative data paths start from."""

    recipe: Recipe
    base: Path


def shipped() -> dict[str, Path]:
    """The recipes that come with dubash, by name."""
    folder = Path(str(resources.files("dubash.recipes")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(name: str, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read a recipe by path or shipped name; overrides such as `train.epochs=2` come last.

    Raises RecipeError naming file, line and key.
    """
    path = _find(name)
    content, places = _read(path, depth=0)
    for text in overrides:
        content = merge(content, parse_override(text))
        places = _over(places, {text.partition("=")[0].strip(): "command line"})
    recipe = validate(Recipe, content, str(path), places)
    own = path.parent if path not in shipped().values() else Path.cwd()
    return LoadedRecipe(recipe, own)


def resolved_yaml(recipe: Recipe) -> str:
    """The whole recipe with its defaults, as YAML that gives the same recipe again."""
    content = json.loads(recipe.model_dump_json(exclude_none=True))
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Texts with line ends are written escaped ("\\n"): unescaped, U+0085 comes back as a blank."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if len(f"{text}.".splitlines()) > 1 else None
    )


_Dumper.add_representer(str, _text)


def read_resolved(path: Path) -> Recipe:
    """A run folder's own recipe."""
    content, places = read_yaml(path)
    return validate(Recipe, content, str(path), places)


def schema() -> dict[str, Any]:
    """The recipe's JSON schema, for editors; `extends` is part of it."""
    found = Recipe.model_json_schema()
    found["properties"]["extends"] = {
        "type": "string",
        "description": "Another recipe, by path or shipped name, that this one changes.",
    }
    # a recipe that extends another may leave to it what a recipe must say
    found["if"] = {"not": {"required": ["extends"]}}
    found["then"] = {"required": found.pop("required")}
    found["title"] = "dubash recipe"
    return found


def _find(name: str, beside: Path | None = None) -> Path:
    known = shipped()
    path = Path(name) if beside is None else beside / name
    if os.path.isfile(path) or path.suffix in {".yaml", ".yml"}:
        return path
    if name in known:
        return known[name]
    if name and os.path.exists(path):  # a folder: reading it says so
        return path
    raise RecipeError(
        f"there is no recipe '{name}', neither a file nor one that ships with dubash.",
        fix=suggest(name, list(known)),
    )


def _read(path: Path, depth: int) -> tuple[dict[str, Any], dict[str, str]]:
    """A file's content on top of what it extends, and the place of each key, in either file."""
    if depth > DEEPEST:
        raise RecipeError("recipes extend one another in a circle.", where=str(path))
    content, places = read_yaml(path)
    extended = content.pop("extends", None)
    if extended is None:
        return content, places
    if not isinstance(extended, str):
        raise RecipeError("extends names one recipe.", where=places["extends"])
    below, below_places = _read(_find(extended, path.parent), depth + 1)
    return merge(below, content), _over(below_places, places)


def _over(below: dict[str, str], over: dict[str, str]) -> dict[str, str]:
    """Places on top of others. A list is replaced whole, and so are the places in it."""
    kept = dict(below)
    for key in below:
        above = re.split(r"\.\d+(?:\.|$)", key)[0]
        if above != key and above in over:
            del kept[key]
    return kept | over

"""From a file or a shipped recipe's name to a checked Recipe, overrides and `extends` applied."""

from __future__ import annotations

import json
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
    content, lines = _read(path, depth=0)
    for text in overrides:
        override = parse_override(text)
        content = merge(content, override)
        lines = {key: at for key, at in lines.items() if key != text.partition("=")[0].strip()}
    recipe = validate(Recipe, content, str(path), lines)
    own = path.parent if path not in shipped().values() else Path.cwd()
    return LoadedRecipe(recipe, own)


def resolved_yaml(recipe: Recipe) -> str:
    """The whole recipe with its defaults, as YAML that gives the same recipe again."""
    content = json.loads(recipe.model_dump_json(exclude_none=True))
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def read_resolved(path: Path) -> Recipe:
    """A run folder's own recipe."""
    content, lines = read_yaml(path)
    return validate(Recipe, content, str(path), lines)


def schema() -> dict[str, Any]:
    """The recipe's JSON schema, for editors; `extends` is part of it."""
    found = Recipe.model_json_schema()
    found["properties"]["extends"] = {
        "type": "string",
        "description": "Another recipe, by path or shipped name, that this one changes.",
    }
    found["title"] = "dubash recipe"
    return found


def _find(name: str, beside: Path | None = None) -> Path:
    known = shipped()
    path = Path(name) if beside is None else beside / name
    if path.exists() or path.suffix in {".yaml", ".yml"}:
        return path
    if name in known:
        return known[name]
    raise RecipeError(
        f"there is no recipe '{name}', neither a file nor one that ships with dubash.",
        fix=suggest(name, list(known)),
    )


def _read(path: Path, depth: int) -> tuple[dict[str, Any], dict[str, int]]:
    """A file's content on top of what it extends. Lines are those of the file asked for."""
    if depth > DEEPEST:
        raise RecipeError("recipes extend one another in a circle.", where=str(path))
    content, lines = read_yaml(path)
    extended = content.pop("extends", None)
    if extended is None:
        return content, lines
    if not isinstance(extended, str):
        raise RecipeError("extends names one recipe.", where=f"{path}:{lines['extends']}")
    below, _ = _read(_find(extended, path.parent), depth + 1)
    return merge(below, content), lines

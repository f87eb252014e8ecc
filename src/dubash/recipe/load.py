"""From a file or a shipped recipe's name to a checked Recipe, overrides and `extends` applied."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from dubash.core.errors import RecipeError
from dubash.core.options import Options, merge, parse_override, read_yaml, suggest, validate
from dubash.data.options import map_paths
from dubash.evaluate.options import EvaluateOptions, map_glossary
from dubash.memory.options import map_retrieval
from dubash.recipe.options import Recipe

DEEPEST = 8
"""Recipes that may extend one another in a chain."""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A checked recipe. Its relative data paths start from where the command is given."""

    recipe: Recipe


def shipped() -> dict[str, Path]:
    """The recipes that come with dubash, by name."""
    folder = Path(str(resources.files("dubash.recipes")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def yours_to_bring() -> set[str]:
    """The data files that shipped recipes name without bringing them, seen from the current
    folder."""
    found: set[str] = set()

    def note(path: str) -> str:
        found.add(path)
        return path

    for file in shipped().values():
        map_paths(read_yaml(file)[0].get("data"), note)
    return found


def load_recipe(name: str, overrides: Sequence[str] = ()) -> LoadedRecipe:
    """Read a recipe by path or shipped name; overrides such as `train.epochs=2` come last.

    The path of a data file or a glossary in a recipe file starts from that file's folder, so that
    a recipe may be extended, and a run's own recipe run again, from anywhere; in an override and in
    a shipped recipe it starts from the current folder. Raises RecipeError naming file, line, key.
    """
    path = _find(name)
    content, places = _read(path, depth=0)
    for text in overrides:
        given, keys = parse_override(text)
        content, places = merge(content, given), _over(places, keys)
    return LoadedRecipe(validate(Recipe, content, str(path), places))


def resolved_yaml(recipe: Recipe, folder: Path = Path()) -> str:
    """The whole recipe with its defaults, as YAML that gives the same recipe again when it is
    read from a file in `folder`.

    Relative data paths stay relative: a project moves and is cloned with its runs.
    """
    content = json.loads(recipe.model_dump_json(exclude_none=True))
    content = map_files(content, partial(_seen_from, folder))
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
    content, places = _read_file(path)
    return validate(Recipe, content, str(path), places)


def with_evaluate(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """A finished run's recipe with overrides of `evaluate.` settings over it.

    Raises RecipeError, also for a setting of another room: what was made with it stands.
    """
    content = json.loads(recipe.model_dump_json(exclude_none=True))
    return validate(Recipe, *_only_evaluate(content, overrides))


def evaluate_settings(overrides: Sequence[str]) -> EvaluateOptions:
    """The settings of `evaluate.` that go with no run. Raises RecipeError as `with_evaluate`."""
    return validate(_Evaluate, *_only_evaluate({}, overrides)).evaluate


class _Evaluate(Options):
    evaluate: EvaluateOptions = EvaluateOptions()


def _only_evaluate(
    content: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], str, dict[str, str]]:
    places: dict[str, str] = {}
    for text in overrides:
        given, keys = parse_override(text)
        if given.keys() != {"evaluate"}:
            raise RecipeError(
                f"'{text}' is no setting of evaluate.",
                fix="Only those can be given here, as in evaluate.metrics=[bleu,chrf++,ter].",
            )
        content = merge(content, given)
        places |= keys
    return content, "command line", places


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
    read = read_yaml if path in shipped().values() else _read_file
    content, places = read(path)
    extended = content.pop("extends", None)
    if extended is None:
        return content, places
    if not isinstance(extended, str):
        raise RecipeError("extends names one recipe.", where=places["extends"])
    below, below_places = _read(_find(extended, path.parent), depth + 1)
    return merge(below, content), _over(below_places, places)


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """As `read_yaml`, with the paths of files that started from the file's folder."""
    content, places = read_yaml(path)
    return map_files(content, partial(_beside, path.parent)), places


def map_files(content: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A recipe as plain values, with `change` applied to the path of each file it reads."""
    parts = {"data": map_paths, "evaluate": map_glossary, "retrieval": map_retrieval}
    found = {name: each(content[name], change) for name, each in parts.items() if name in content}
    return content | found


def _is_fixed(path: str) -> bool:
    """Whether a path means the same from everywhere (or is none, and refused by the check)."""
    return not path or "\0" in path or path[0] == "~" or os.path.isabs(path)


def _beside(folder: Path, path: str) -> str:
    """A path that starts from `folder`, as seen from the current folder."""
    if _is_fixed(path):
        return path
    joined = os.path.join(folder, path)
    tidy = os.path.normpath(joined)
    # behind a symbolic link `..` is another folder than it looks
    return tidy if os.path.realpath(tidy) == os.path.realpath(joined) else joined


def _seen_from(folder: Path, path: str) -> str:
    """The reverse: a path that starts from the current folder, as seen from `folder`."""
    if _is_fixed(path):
        return path
    above, name = os.path.split(path)
    # the file itself may be a link whose own name and ending count
    start = os.path.relpath(os.path.realpath(above), os.path.realpath(folder))
    return os.path.normpath(os.path.join(start, name))


def _over(below: dict[str, str], over: dict[str, str]) -> dict[str, str]:
    """Places on top of others. A list is replaced whole, and so are the places in it."""
    kept = dict(below)
    for key in below:
        above = re.split(r"\.\d+(?:\.|$)", key)[0]
        if above != key and above in over:
            del kept[key]
    return kept | over

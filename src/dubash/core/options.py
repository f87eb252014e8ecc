"""The YAML machinery: strict models, the nearest right key, line numbers, dotted overrides."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from dubash.core.errors import RecipeError


class Options(BaseModel):
    """The settings of one room: frozen, and nothing but what it names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def changed(self) -> set[str]:
        """The fields whose value is not their default, so that a resolved recipe, which names
        every field, means the same as the one it came from."""
        return {
            name
            for name, field in type(self).model_fields.items()
            if field.is_required()
            or getattr(self, name) != field.get_default(call_default_factory=True)
        }


AnyOptions = TypeVar("AnyOptions", bound=Options)


class _Loader(yaml.SafeLoader):
    """YAML with JSON's booleans only, so that the language code `no` stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """A YAML file's mapping, and the place (`file:line`) of each dotted key in it.

    Raises RecipeError for a file that cannot be read, broken YAML, a doubled key, an anchor that
    holds itself, or no mapping at the top.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError("no such file.", where=str(path)) from None
    except IsADirectoryError:
        raise RecipeError("this is a folder, not a recipe file.", where=str(path)) from None
    except UnicodeDecodeError:
        raise RecipeError("not a text file in UTF-8.", where=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(f"cannot be read: {reason}.", where=str(path)) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise RecipeError("nested too deep.", where=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error)
        raise RecipeError(f"not valid YAML: {problem}.", where=where) from None
    if not isinstance(content, dict):
        raise RecipeError("a recipe is a mapping of keys to settings.", where=str(path))
    places: dict[str, str] = {}
    if node is not None:
        _note_places(node, "", places, path, {})
    return content, places


def _note_places(
    node: yaml.Node, prefix: str, places: dict[str, str], path: Path, done: dict[int, bool]
) -> None:
    """Note where each key stands. A node is walked once, however many aliases lead to it: `done`
    says of each node met whether its walk has ended."""
    place = f"{path}:{node.start_mark.line + 1}"
    if not isinstance(node, yaml.CollectionNode) or done.get(id(node)):
        return
    if id(node) in done:
        raise RecipeError("an anchor that holds itself.", where=place)
    done[id(node)] = False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            dotted = f"{prefix}{key.value}"
            place = f"{path}:{key.start_mark.line + 1}"
            if dotted in places:
                raise RecipeError(f"'{dotted}' stands twice.", where=place)
            places[dotted] = place
            _note_places(value, f"{dotted}.", places, path, done)
    else:
        for index, value in enumerate(node.value):
            places[f"{prefix}{index}"] = f"{path}:{value.start_mark.line + 1}"
            _note_places(value, f"{prefix}{index}.", places, path, done)
    done[id(node)] = True


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`: mappings are merged key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def parse_override(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """`train.learning_rate=1e-4` as a nested mapping, and the place of its keys: the command line.

    The value is read as YAML. Raises RecipeError.
    """
    dotted, equals, value = text.partition("=")
    if not equals or not dotted.strip():
        raise RecipeError(
            f"'{text}' is no setting.", fix="Write it as key.key=value, as in train.epochs=2."
        )
    dotted = dotted.strip()
    places = {dotted: ""}
    try:
        node = yaml.compose(value, Loader=_Loader)
        nested: Any = yaml.load(value, Loader=_Loader)
        if node is not None:
            _note_places(node, f"{dotted}.", places, Path("command line"), {})
    except (yaml.YAMLError, RecursionError):
        raise RecipeError("the value is not valid YAML.", where=dotted) from None
    for key in reversed(dotted.split(".")):
        nested = {key: nested}
    return typing.cast(dict[str, Any], nested), dict.fromkeys(places, "command line")


def validate(
    kind: type[AnyOptions], content: Mapping[str, Any], path: str, places: Mapping[str, str]
) -> AnyOptions:
    """Build `kind` from a mapping; the first mistake becomes a RecipeError with file, line, key.

    `places` says where a dotted key stands, a file's line or an option such as `--scripts`; keys
    without one are sought under `path`.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        # a misspelt key comes first: what it left out ("Field required") is only its shadow
        mistakes = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        keys = [_keys(kind, each) for each in mistakes]
        # of a union every member complains: the one whose parts were looked at was meant
        location = max((each for each in keys if each[: len(keys[0])] == keys[0]), key=len)
        alike = [each for each, at in zip(mistakes, keys, strict=True) if at == location]
        known = [".".join(location[:i]) for i in range(len(location), 0, -1)]
        place = next((places[key] for key in known if key in places), path)
        # an option of the command line says by itself what it sets
        where = f"{place}: {known[0]}" if known and not place.startswith("--") else place
        if alike[0]["type"] == "extra_forbidden":
            choices = _field_names(kind, alike[0]["loc"][:-1])
            raise RecipeError(
                f"unknown key '{location[-1]}'.", where=where, fix=suggest(location[-1], choices)
            ) from None
        said = dict.fromkeys(_PLAIN.get(each["type"]) or each["msg"] for each in alike)
        message = " or ".join(said).replace(" or Input should be ", " or ")
        message = message.removeprefix("Value error, ")
        if {each["type"] for each in alike} & _SHAPE and (example := _example(kind, location)):
            message = f"{message}, as in {example}"
        if keys_named := _keys_named(message, ".".join(location)):
            where = _place_of(keys_named, places, place)
        raise RecipeError(
            message if message.endswith(".") else f"{message}.", where=where
        ) from None


def _keys_named(message: str, location: str) -> list[str]:
    """The dotted keys of a message that begins with the one at fault, at `location` or below it:
    such a message, of settings that do not go together, says by itself what it is about."""
    found: list[str] = re.findall(r"\b[a-z_]+(?:\.[a-z_0-9]+)+", message)
    return found if found and message.startswith(found[0]) and found[0].startswith(location) else []


def _place_of(keys: Sequence[str], places: Mapping[str, str], otherwise: str) -> str:
    """Where the first of these keys stands, or another one that the command line sets, since what
    was said last is what is at odds with the rest."""
    found = [places[key] for key in keys if key in places]
    return "command line" if "command line" in found else next(iter(found), otherwise)


_PLAIN = {
    "model_type": "Input should be settings, each as key: value",
    "list_type": "Input should be a list",
    "tuple_type": "Input should be a list",
}
"""Plain words for what pydantic says in Python's."""

_SHAPE = {*_PLAIN, "missing"}
"""Mistakes that an example mends."""


def _example(kind: type[BaseModel], location: Sequence[str]) -> str:
    """`train: [rows.csv]`, by the first example that the field at a place has; "" where it has
    none."""
    names = [part for part in location if not part.isdecimal()]
    for each in _kinds(kind, names[:-1]):
        field = each.model_fields.get(names[-1]) if names else None
        if field and field.examples:
            written = yaml.safe_dump(
                field.examples[:1], default_flow_style=True, sort_keys=False, width=1000
            )
            return f"{names[-1]}: {written.strip()[1:-1]}"
    return ""


def _keys(kind: type[BaseModel], mistake: ErrorDetails) -> list[str]:
    """Where a mistake is, without the names of union members that pydantic puts between keys."""
    location = mistake["loc"]
    unknown = len(location) - 1 if mistake["type"] == "extra_forbidden" else -1
    return [
        str(part)
        for at, part in enumerate(location)
        if isinstance(part, int) or at == unknown or part in _field_names(kind, location[:at])
    ]


def suggest(wrong: str, choices: Sequence[str]) -> str:
    """`Did you mean 'epochs'?`, or all choices where none is near."""
    from rapidfuzz.distance import OSA  # here, since only a mistake needs it

    # one slip of the finger first: difflib alone takes `rin` for `train` rather than for `run`
    near = [each for each in choices if OSA.distance(wrong, each, score_cutoff=1) <= 1]
    near = near or difflib.get_close_matches(wrong, choices, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known here: {', '.join(sorted(choices))}." if choices else ""


def _field_names(kind: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys allowed at a place."""
    return sorted({name for each in _kinds(kind, location) for name in each.model_fields})


def _kinds(kind: type[BaseModel], location: Sequence[int | str]) -> list[type[BaseModel]]:
    """The models that may stand at a place, following the types down the location."""
    kinds: list[type[BaseModel]] = [kind]
    for part in location:
        inner = [
            found
            for each in kinds
            if isinstance(part, str) and part in each.model_fields
            for found in _models_in(each.model_fields[part].annotation)
        ]
        kinds = inner or kinds
    return kinds


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = typing.get_origin(annotation)
    if origin is None and not isinstance(annotation, types.UnionType):
        return []
    return [found for each in typing.get_args(annotation) for found in _models_in(each)]

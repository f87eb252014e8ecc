"""The JSON schema that editors read knows the recipes that ship."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dubash.recipe.load import schema, shipped
from dubash.recipe.options import Recipe


def unknown_to_the_schema(
    content: Any, node: dict[str, Any], whole: dict[str, Any]
) -> Iterator[str]:
    """Keys of a recipe file that an editor with this schema would underline."""
    if "$ref" in node:
        node = whole["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    for choice in node.get("anyOf", ()):
        found = list(unknown_to_the_schema(content, choice, whole))
        if not found and ("$ref" in choice) == isinstance(content, dict):
            return
    if isinstance(content, dict):
        allowed = node.get("properties", {})
        assert node.get("additionalProperties") is False
        for key, value in content.items():
            if key not in allowed:
                yield key
            else:
                yield from unknown_to_the_schema(value, allowed[key], whole)
    elif isinstance(content, list):
        for each in content:
            yield from unknown_to_the_schema(each, node.get("items", {}), whole)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_schema_knows_every_key_of_a_shipped_recipe(name):
    whole = schema()
    content = yaml.safe_load(shipped()[name].read_text(encoding="utf-8"))
    assert list(unknown_to_the_schema(content, whole, whole)) == []
    assert list(unknown_to_the_schema({"trian": {}, **content}, whole, whole)) == ["trian"]


def numbers(node: Any, whole: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The path and the schema of each number that a recipe may set."""
    if "$ref" in node:
        node = whole["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    if node.get("type") in ("integer", "number"):
        yield path, node
    below = [node["items"]] if "items" in node else []
    for choice in (*node.get("anyOf", ()), *below):
        yield from numbers(choice, whole, path)
    for name, each in node.get("properties", {}).items():
        yield from numbers(each, whole, f"{path}.{name}")


def test_no_number_is_without_bounds():
    """A rank of 100,000 hung `dubash plan` and had `dubash run` killed."""
    whole = schema()
    found = {path: node.keys() for path, node in numbers(whole, whole) if "columns" not in path}
    assert ".method.rank" in found
    for path, keys in found.items():
        assert keys & {"maximum", "exclusiveMaximum"}, path
        assert keys & {"minimum", "exclusiveMinimum"}, path


def test_the_schema_asks_for_the_required_keys_unless_a_recipe_extends_another():
    found = schema()
    assert found["properties"]["extends"]["type"] == "string"
    assert "required" not in found
    assert found["if"] == {"not": {"required": ["extends"]}}
    assert found["then"]["required"] == ["languages", "data", "model", "run"]
    assert set(found["properties"]) == {*Recipe.model_fields, "extends"}

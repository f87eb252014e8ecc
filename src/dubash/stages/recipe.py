"""`dubash recipe`: see what ships, and what a recipe comes to."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from dubash.recipe.load import load_recipe, resolved_yaml, schema, shipped


def list_recipes() -> None:
    """Name each shipped recipe with the first line of its comment."""
    for name, path in shipped().items():
        first = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        typer.echo(f"{name:22} {first}")


def show(name: str, overrides: Sequence[str]) -> None:
    """Print the recipe resolved."""
    typer.echo(resolved_yaml(load_recipe(name, overrides).recipe), nl=False)


def print_schema() -> None:
    """Print the JSON schema."""
    typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))

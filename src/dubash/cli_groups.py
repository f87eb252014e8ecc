"""The command line's groups: what there is to see of recipes and of metrics."""

from __future__ import annotations

from typing import Annotated

import typer

recipes = typer.Typer(no_args_is_help=True, help="See the recipes that ship with dubash, or yours.")
metrics = typer.Typer(no_args_is_help=True, help="See the metrics there are; install COMET.")

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a shipped one.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings over the recipe's: train.epochs=2"),
]


@recipes.command("list")
def recipe_list() -> None:
    """Name the recipes that ship with dubash."""
    from dubash.stages.recipe import list_recipes

    list_recipes()


@recipes.command("show")
def recipe_show(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Print a recipe with everything it extends and every default, as it would run."""
    from dubash.stages.recipe import show

    show(recipe, overrides or [])


@recipes.command("schema")
def recipe_schema() -> None:
    """Print the recipe's JSON schema, for an editor's completion."""
    from dubash.stages.recipe import print_schema

    print_schema()


@metrics.command("list")
def metrics_list() -> None:
    """Name the metrics, and say which of them can be computed here."""
    from dubash.stages.metrics import list_metrics

    list_metrics()


@metrics.command("install", epilog="Example: `dubash metrics install comet`")
def metrics_install(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to install: comet.")],
) -> None:
    """Install COMET into an environment of its own, in the cache (about 1.4 GB)."""
    from dubash.stages.metrics import install

    install(name)

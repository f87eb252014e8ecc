"""The commands that go from a recipe to a report."""

from __future__ import annotations

from typing import Annotated

import typer

from dubash.cli.root import Overrides, RecipeName, app


@app.command(epilog="Example: `dubash demo`, or `dubash demo train.seed=2 run.name=demo-2`")
def demo(overrides: Overrides = None) -> None:
    """Run the main job on what ships with dubash: SmolLM2-135M learns English→Spanish."""
    from dubash.stages.demo import demo as stage

    stage(overrides or [])


@app.command(epilog="Example: `dubash plan recipe.yaml --device t4`")
def plan(
    recipe: RecipeName,
    overrides: Overrides = None,
    device: Annotated[str | None, typer.Option(help="One not at hand: t4, 4GB-edge, …")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Say what a run will need before anything is fetched; exits with 1 if it does not fit."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.plan import plan as stage

    raise typer.Exit(stage(load_recipe(recipe, overrides or []), device, as_json))


@app.command(epilog="Example: `dubash prepare recipe.yaml data.test_rows=300`")
def prepare(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Read, clean, split and freeze the data; guard against leaks between the splits."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.prepare import prepare as stage

    stage(load_recipe(recipe, overrides or []))


@app.command(epilog="Example: `dubash check recipe.yaml --rows 2`")
def check(
    recipe: RecipeName,
    overrides: Overrides = None,
    rows: Annotated[int, typer.Option(min=1, max=20, help="Rows to show.")] = 1,
) -> None:
    """Show a real row as trained and as served, and refuse a setup that would not learn."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.check import check as stage

    stage(load_recipe(recipe, overrides or []), rows)


@app.command(epilog="Example: `dubash train recipe.yaml train.learning_rate=1e-4`")
def train(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Prepare, check and fine-tune; resumes a run that was stopped."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.train import train as stage

    stage(load_recipe(recipe, overrides or []))


@app.command(epilog="Example: `dubash run recipe.yaml run.name=first`")
def run(recipe: RecipeName, overrides: Overrides = None) -> None:
    """All of it: prepare, check, translate with S0, train, translate with S1, evaluate, report."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.run import run as stage

    stage(load_recipe(recipe, overrides or []))


@app.command()
def doctor() -> None:
    """What this machine has and can do."""
    from dubash.stages.doctor import doctor as stage

    stage()

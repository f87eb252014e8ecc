"""`dubash scratch`: the model that a recipe names, made from nothing out of its training rows."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from dubash.core.errors import UserError
from dubash.core.options import validate
from dubash.core.progress import say
from dubash.model.options import ScratchOptions
from dubash.recipe.load import LoadedRecipe
from dubash.stages.common import alone_in, run_folder
from dubash.stages.prepare import prepare
from dubash.stages.translate import check_output
from dubash.stages.trim import texts


def scratch(loaded: LoadedRecipe, settings: dict[str, Any]) -> None:
    """Train a tokenizer on the recipe's frozen training rows, and write a model of random weights
    to the folder that the recipe names as its model.

    No test row is seen. Raises UserError where the recipe names no folder, or one that is there.
    """
    from dubash.model.scratch import make

    recipe = loaded.recipe
    folder = Path(recipe.model.name)
    with suppress(RuntimeError):  # a home that is nobody's stays as it is written
        folder = folder.expanduser()
    if not recipe.model.name.startswith((".", "/", "~")):
        raise UserError(
            f"model.name is '{recipe.model.name}', which does not name a folder to be made.",
            fix="Name one in the recipe: model: {name: ./scratch-hi-gu}.",
        )
    if folder.exists():
        raise UserError("it is there already.", where=str(folder), fix="Name another folder.")
    check_output(folder)
    options = validate(ScratchOptions, settings, "command line", {})
    with alone_in(run_folder(loaded).path):
        _, prepared = prepare(loaded)
        say("  training a tokenizer on both sides of the training rows …")
        rows = texts(prepared.train)
        found = make(options, rows, recipe.train.seed, folder)
    typer.echo(
        f"{folder}: {options.kind}, {found['tokens']:,} tokens, {found['parameters']:,} parameters "
        "of random weights"
    )
    if found["tokens"] < options.vocabulary:
        typer.echo(f"the rows gave no more tokens than that; {options.vocabulary:,} were asked for")
    typer.echo("it knows nothing yet: train it with method: {name: full}")

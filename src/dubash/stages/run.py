"""`dubash run`: one recipe in, one honest report out."""

from __future__ import annotations

import typer

from dubash.core.progress import is_main
from dubash.core.run import RunFolder
from dubash.recipe.load import LoadedRecipe
from dubash.report.card import write_card
from dubash.report.html import write_report
from dubash.stages.common import phase
from dubash.stages.evaluate import closing_table, score, translate_systems
from dubash.stages.prepare import prepare
from dubash.stages.train import train_model


def run(loaded: LoadedRecipe) -> RunFolder:
    """Everything, in order. What an earlier try finished is kept, so a stopped run goes on.

    The untuned model is translated before training: a run that cannot score is found out early.
    """
    recipe = loaded.recipe
    folder, prepared = prepare(loaded)
    if not is_main():  # the other processes of several only train; they wait there for the first
        train_model(folder, recipe, prepared)
        return folder
    translate_systems(folder, recipe, prepared.test, ["S0"])
    train_model(folder, recipe, prepared)
    translate_systems(folder, recipe, prepared.test, ["S1"])
    score(folder, recipe, prepared.test)
    with phase(folder, "report", afresh=True):
        write_card(folder, folder.model)
        write_report(folder)
    typer.echo(closing_table(folder))
    typer.echo(f"report: {folder.report}")
    return folder

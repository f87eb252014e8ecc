"""`dubash run`: one recipe in, one honest report out."""

from __future__ import annotations

import shlex
import sys

import typer

from dubash.core.files import read_jsonl
from dubash.core.progress import is_main
from dubash.core.run import RunFolder
from dubash.evaluate.assisted import ASSISTED
from dubash.evaluate.chosen import check_metrics
from dubash.evaluate.systems import FEW_SHOT, UNTUNED
from dubash.recipe.load import LoadedRecipe
from dubash.report.card import write_card
from dubash.report.html import write_report
from dubash.report.markdown import write_markdown
from dubash.stages.check import checked_examples, refuse_on_this_machine
from dubash.stages.common import alone_in, phase, run_folder
from dubash.stages.evaluate import closing_table, score, translate_systems
from dubash.stages.glossary import check_glossary
from dubash.stages.prepare import prepare
from dubash.stages.train import train_model


def run(loaded: LoadedRecipe) -> RunFolder:
    """The command: everything, then a line to try the tuned model with.

    Raises as `run_all` does.
    """
    folder = run_all(loaded)
    if is_main() and loaded.recipe.task != "text":
        sources = [row["source"] for row in read_jsonl(folder.split("test"))]
        typer.echo(try_it(folder, min(sources, key=len)))
    return folder


def try_it(folder: RunFolder, text: str) -> str:
    """A line that translates the text with the tuned model, to be copied."""
    called = sys.argv[0] if sys.argv[0].endswith("dubash") else "dubash"
    return f"try it: {called} translate {shlex.quote(str(folder.path))} {shlex.quote(text)}"


def run_all(loaded: LoadedRecipe) -> RunFolder:
    """Everything, in order. What an earlier try finished is kept, so a stopped run goes on.

    What can be refused is refused before anything takes minutes: a GPU or a metric's program that
    is not there, a broken glossary, a leak, a setup that would not learn; a metric that will stay
    blank is named. The untuned model is translated before training.
    """
    recipe = loaded.recipe
    refuse_on_this_machine(run_folder(loaded), recipe)
    if recipe.task != "text":
        check_metrics(recipe.languages.pair().target, recipe.evaluate)
    check_glossary(recipe)
    with alone_in(run_folder(loaded).path):
        folder, prepared = prepare(loaded)
        examples = checked_examples(folder, recipe, prepared)
        if not is_main():  # the other processes of several only train; there they wait for it
            train_model(folder, recipe, prepared, examples)
            return folder
        translate_systems(folder, recipe, prepared.test, [UNTUNED, FEW_SHOT])
        train_model(folder, recipe, prepared, examples)
        translate_systems(folder, recipe, prepared.test, ["S1", ASSISTED])
        score(folder, recipe, prepared.test, prepared.train)
        with phase(folder, "report", afresh=True):
            write_card(folder, folder.model)
            write_report(folder)
            write_markdown(folder)
    typer.echo(closing_table(folder))
    typer.echo(f"report: {folder.report}")
    return folder

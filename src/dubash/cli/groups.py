"""The groups of commands: recipes, metrics, glossaries, benchmarks, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubash.cli.root import Overrides, RecipeName, app

recipes = typer.Typer(no_args_is_help=True, help="See the recipes that ship with dubash, or yours.")
metrics = typer.Typer(no_args_is_help=True, help="See the metrics there are; install COMET.")
runs = typer.Typer(no_args_is_help=True, help="List, tag and remove runs.")
benchmarks = typer.Typer(no_args_is_help=True, help="Test sets that nobody should train on.")
glossaries = typer.Typer(no_args_is_help=True, help="Check a glossary before it is used.")

app.add_typer(recipes, name="recipe")
app.add_typer(metrics, name="metrics")
app.add_typer(glossaries, name="glossary")
app.add_typer(runs, name="runs")
app.add_typer(benchmarks, name="benchmark")


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


@runs.command("list", epilog="Example: `dubash runs list --tag paper`")
def runs_list(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="The folder that holds the runs.")
    ] = Path("runs"),
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List runs: how far each came, its score and its gain."""
    from dubash.stages.runs import list_runs

    list_runs(folder, tag, as_json)


@runs.command("tag", epilog="Example: `dubash runs tag runs/demo baseline`")
def runs_tag(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Words to find it by.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them away instead.")] = False,
) -> None:
    """Put tags on a run."""
    from dubash.stages.runs import tag_run

    tag_run(run, tags, remove)


@runs.command("remove", epilog="Example: `dubash runs remove runs/first runs/second`")
def runs_remove(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")],
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove runs with all that they made."""
    from dubash.stages.runs import remove_runs

    remove_runs(folders, sure)


@benchmarks.command(
    "fingerprint",
    epilog="Example: `dubash benchmark fingerprint test.tsv --name ours --out ours.json`",
)
def benchmark_fingerprint(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Text or TSV files of the test set.")
    ],
    name: Annotated[str, typer.Option(help="What the test set is called.")],
    out: Annotated[Path, typer.Option(help="The JSON file to write.")],
) -> None:
    """Hash a test set's segments, so that a recipe can refuse to train on them."""
    from dubash.stages.benchmark import fingerprint

    fingerprint(files, name, out)


@glossaries.command(
    "lint",
    epilog="Example: `dubash glossary lint terms.csv --source en --target es --rows pairs.tsv`",
)
def glossary_lint(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV or TBX.")],
    source: Annotated[str, typer.Option(help="Source language code.")],
    target: Annotated[str, typer.Option(help="Target language code.")],
    rows: Annotated[
        Path | None, typer.Option(help="Pairs, to find terms that their references do not follow.")
    ] = None,
) -> None:
    """Name each faulty entry: its line, the reason, what to do; exits with 1 if there are any."""
    from dubash.stages.glossary import lint_glossary

    raise typer.Exit(lint_glossary(file, source, target, rows))

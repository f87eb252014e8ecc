"""The command line: reads arguments, calls one stage, and turns errors into one line.

Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from dubash import __version__
from dubash.cli_groups import Overrides, RecipeName, benchmarks, metrics, recipes, runs
from dubash.core.cpus import usable_cpus
from dubash.core.errors import Interrupted, UserError, out_of_memory, spell_os_error
from dubash.core.hub import quiet_hub

app = typer.Typer(
    name="dubash",
    help="A small language model, a language pair and your data in; a translator you can trust "
    "out. Try `dubash demo`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(recipes, name="recipe")
app.add_typer(metrics, name="metrics")
app.add_typer(runs, name="runs")
app.add_typer(benchmarks, name="benchmark")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dubash {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    if debug:
        os.environ["DUBASH_DEBUG"] = "1"


@app.command(epilog="Example: `dubash demo`, or `dubash demo train.seed=2 run.name=demo-2`")
def demo(overrides: Overrides = None) -> None:
    """Run the main job on what ships with dubash: SmolLM2-135M learns English→Spanish."""
    from dubash.stages.demo import demo as stage

    stage(overrides or [])


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


@app.command(epilog="Example: `dubash train recipe.yaml train.learning_rate=1e-4`")
def train(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Prepare, check and fine-tune; resumes a run that was stopped."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.train import train as stage

    stage(load_recipe(recipe, overrides or []))


@app.command(
    epilog="Examples: `dubash translate runs/demo 'Good morning!'`, "
    "`dubash translate runs/demo --input book.en --output book.es`, "
    "`cat book.en | dubash translate runs/demo`"
)
def translate(
    run: Run,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Segments to translate.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--input", "-i", help="A text file, one segment a line.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of to the screen.")
    ] = None,
    untuned: Annotated[bool, typer.Option("--untuned", help="Use the base model (S0).")] = False,
    details: Annotated[
        bool, typer.Option("--json", help="A JSON object a line: text, stop, tokens, seconds.")
    ] = False,
) -> None:
    """Translate text, a file or standard input with a run's tuned model."""
    from dubash.stages.translate import translate as stage

    stage(run, texts or [], source, output, untuned=untuned, details=details)


@app.command(
    epilog="Examples: `dubash evaluate runs/demo`, "
    "`dubash evaluate runs/demo evaluate.metrics=[bleu,chrf++,ter]`, "
    "`dubash evaluate --hypotheses out.es --references ref.es --target es`"
)
def evaluate(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run folder.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Settings of evaluate. over the recipe's."),
    ] = None,
    hypotheses: Annotated[
        Path | None, typer.Option(help="Hypotheses of any system, one a line.")
    ] = None,
    references: Annotated[Path | None, typer.Option(help="References, one a line.")] = None,
    sources: Annotated[
        Path | None, typer.Option(help="Sources, one a line, for the checks that need them.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Target language code, for files.")] = None,
) -> None:
    """Score a run's systems on its frozen test rows, or any hypothesis file."""
    from dubash.stages import evaluate as stage

    settings = overrides or []
    if run is not None and "=" in run.name and not run.exists():  # files are given, and settings
        run, settings = None, [str(run), *settings]
    if run is not None and (hypotheses or references or sources or target):
        raise UserError("give a run folder or files, not both.")
    if run is not None:
        stage.evaluate_run(run, settings)
    else:
        stage.evaluate_files(hypotheses, references, sources, target, settings)


@app.command(epilog="Example: `dubash run recipe.yaml run.name=first`")
def run(recipe: RecipeName, overrides: Overrides = None) -> None:
    """All of it: prepare, check, translate with S0, train, translate with S1, evaluate, report."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.run import run as stage

    stage(load_recipe(recipe, overrides or []))


@app.command(
    epilog="Example: `dubash trim google/gemma-3-270m-it --languages hi-gu --data rows.csv "
    "--out gemma-hi-gu`"
)
def trim(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A hub id, a folder, or the demo's model.")
    ],
    languages: Annotated[str, typer.Option(help="The pair: en-es.")],
    data: Annotated[
        list[Path], typer.Option(help="Pairs (TSV, CSV, JSONL) or text (.txt); may be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    columns: Annotated[
        str,
        typer.Option(help="Columns of the pair: english,spanish, or 0,1.", show_default=False),
    ] = "",
    scripts: Annotated[
        str, typer.Option(help="Scripts to keep whole besides: Deva,Gujr.", show_default=False)
    ] = "",
    unchanged: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Least share of unseen text's tokens that stay: 0.998."),
    ] = None,
) -> None:
    """Cut a model's vocabulary to a pair of languages: the same model, smaller."""
    from dubash.stages.trim import trim as stage

    stage(model, languages, data, scripts, unchanged, out, columns)


@app.command(epilog="Example: `dubash scratch recipe.yaml --vocabulary 4000 --layers 4`")
def scratch(
    recipe: RecipeName,
    overrides: Overrides = None,
    kind: Annotated[str | None, typer.Option(help="seq2seq or causal.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Tokens at most: 4000.")] = None,
    width: Annotated[int | None, typer.Option(help="Of the hidden states: 256.")] = None,
    layers: Annotated[int | None, typer.Option(help="Of each side: 4.")] = None,
    heads: Annotated[int | None, typer.Option(help="Of attention: 4.")] = None,
    dropout: Annotated[float | None, typer.Option(help="In training: 0.3.")] = None,
) -> None:
    """Make the model that a recipe names from nothing: random weights, a tokenizer of its rows."""
    from dubash.recipe.load import load_recipe
    from dubash.stages.scratch import scratch as stage

    given = {
        "kind": kind, "vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads,
        "dropout": dropout,
    }  # fmt: skip
    stage(
        load_recipe(recipe, overrides or []),
        {key: value for key, value in given.items() if value is not None},
    )


@app.command()
def doctor() -> None:
    """What this machine has and can do."""
    from dubash.stages.doctor import doctor as stage

    stage()


def main() -> NoReturn:
    """Run the command line; the one place where errors become messages and exit codes."""
    # Read when torch is loaded. Threads that wait for each other by spinning lose most of a core
    # that another program shares; asleep, they lose little. A user's own setting stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if usable_cpus() < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cpus()))
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and `&` in a script set it
            signal.signal(number, _stop)
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # text is UTF-8 here whatever the locale says
            stream.reconfigure(encoding="utf-8")
    quiet_hub()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except UserError as error:
        _leave(error, str(error), error.exit_code)
    except Interrupted as stop:
        _leave(stop, str(stop), stop.exit_code)
    except BrokenPipeError as error:
        _leave(error, "", 141)
    except OSError as error:
        _leave(error, spell_os_error(error), 2)
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            _leave(error, _NO_MEMORY, 2)
        raise
    sys.exit(0)


_NO_MEMORY = "out of memory. Lower train.pass_tokens or generate.batch_tokens."


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number, "what was finished is kept; run it again")


def _leave(error: BaseException, message: str, code: int) -> NoReturn:
    if os.environ.get("DUBASH_DEBUG"):
        raise error
    if message:
        word = "error" if code == 2 else "dubash"
        print(f"{word}: {' '.join(message.split())}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # what nobody reads is not tried again when Python leaves
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)

"""The commands that judge: scores, comparisons, verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubash.cli.root import Run, app
from dubash.core.errors import UserError
from dubash.core.types import HeldOut


@app.command(
    epilog="Examples: `dubash evaluate runs/demo`, "
    "`dubash evaluate runs/demo evaluate.metrics=[bleu,chrf++,ter]`, "
    "`dubash evaluate runs/demo --on dev`, "
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
    source: Annotated[str | None, typer.Option(help="Source language code, for files.")] = None,
    glossary: Annotated[
        Path | None, typer.Option(help="CSV, TSV or TBX: how far its terms are kept to, for files.")
    ] = None,
    forms: Annotated[
        bool,
        typer.Option("--forms", help="Of a run: its adapter apart and merged, by transformers."),
    ] = False,
    on: Annotated[
        HeldOut, typer.Option(help="Of a run: dev looks at the dev rows, and is no look at test.")
    ] = "test",
) -> None:
    """Score a run's systems on its frozen test rows, or any hypothesis file."""
    from dubash.stages import evaluate as stage

    settings = overrides or []
    if run is not None and "=" in run.name and not run.exists():  # files are given, and settings
        run, settings = None, [str(run), *settings]
    if run is not None and (hypotheses or references or sources or target or source or glossary):
        raise UserError("give a run folder or files, not both.")
    if forms and (run is None or on == "dev"):
        raise UserError("--forms takes a run folder, and its test rows.")
    if on == "dev":
        if run is None or settings:
            raise UserError("--on dev takes a run folder, with the run's own settings.")
        stage.evaluate_dev(run)
    elif run is not None:
        stage.evaluate_run(run, settings, forms=forms)
    else:
        files = (hypotheses, references, sources)
        stage.evaluate_files(*files, target, settings, source=source, glossary=glossary)


@app.command(
    epilog="Examples: `dubash compare runs/lora runs/full --under method.name --out compared`, "
    "`dubash compare runs/demo --with apertium=apertium.es`"
)
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")],
    files: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=FILE", help="Hypotheses, a line each."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for compare.html, .md, .json and rows.jsonl.")
    ] = None,
    under: Annotated[
        str | None, typer.Option(help="The setting under study: others that differ are named.")
    ] = None,
    on: Annotated[
        HeldOut, typer.Option(help="The rows: dev, to choose among settings, uses up no test set.")
    ] = "test",
) -> None:
    """Compare systems on identical rows, each against each, with p for many comparisons."""
    from dubash.stages.compare import compare_runs

    compare_runs(runs, files or [], out, under, on)


@app.command(epilog="Example: `dubash verdict runs/seed-1 runs/seed-2 runs/seed-3`")
def verdict(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Runs that differ in train.seed alone.")
    ],
) -> None:
    """Ship it, don't, or undecided, with reasons; exits with 0, 4 and 3."""
    from dubash.stages.verdict import verdict as stage

    raise typer.Exit(stage(runs))


@app.command(
    epilog="Examples: `dubash probe runs/indic-sft-0.5b --languages hi,en`, "
    "`dubash probe runs/indic-sft-0.5b --questions mine.jsonl`"
)
def probe(
    run: Run,
    questions: Annotated[
        Path | None, typer.Option(help="Questions of your own, JSON Lines, for the shipped ones.")
    ] = None,
    languages: Annotated[
        str, typer.Option(help="Codes to ask in: hi,en; else the run's.", show_default=False)
    ] = "",
    judge: Annotated[
        str | None, typer.Option(help="A program that gives each answer a number: 'python j.py'")
    ] = None,
) -> None:
    """Ask an instruction model what it knows and how it answers, before and after tuning."""
    from dubash.stages.probe import probe as stage

    stage(run, questions, [each for each in languages.replace(" ", "").split(",") if each], judge)


@app.command(
    epilog="Examples: `dubash audit --pair en-es --train train.tsv --test test.tsv "
    "--base HuggingFaceTB/SmolLM2-135M-Instruct --adapter outputs/checkpoint-500 --out audit`, "
    "`dubash audit --pair en-es --sources test.en --references test.es --hypotheses out.es "
    "--train train.tsv --out audit`"
)
def audit(
    pair: Annotated[str, typer.Option(help="The pair: en-es.")],
    out: Annotated[Path, typer.Option(help="The audit's own folder.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="How it is asked and scored: prompt.text='{source} =', evaluate.few_shot=0",
        ),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="The test rows: TSV, CSV or JSONL.")] = None,
    sources: Annotated[Path | None, typer.Option(help="Or their sources, one a line,")] = None,
    references: Annotated[Path | None, typer.Option(help="with their references.")] = None,
    train: Annotated[
        list[Path] | None, typer.Option(help="Rows that it was trained on; may be repeated.")
    ] = None,
    dev: Annotated[Path | None, typer.Option(help="Development rows.")] = None,
    columns: Annotated[
        str,
        typer.Option(help="Columns of the pair: english,spanish, or 0,1.", show_default=False),
    ] = "",
    base: Annotated[str | None, typer.Option(help="The untuned model: a hub id or folder.")] = None,
    model: Annotated[str | None, typer.Option(help="The tuned model, whole,")] = None,
    adapter: Annotated[Path | None, typer.Option(help="or as a LoRA adapter of the base,")] = None,
    hypotheses: Annotated[
        Path | None, typer.Option(help="or what it translated, one a line.")
    ] = None,
    base_hypotheses: Annotated[
        Path | None, typer.Option(help="What the untuned model translated, one a line.")
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(help="Rows as trained, JSONL: input_ids, labels, source, target."),
    ] = None,
    glossary: Annotated[Path | None, typer.Option(help="CSV, TSV or TBX.")] = None,
) -> None:
    """Check what another tool made: leaks, rows as trained, behaviour, gain; 4 where at fault."""
    from dubash.stages.audit import audit as stage
    from dubash.stages.audit.asked import Asked
    from dubash.stages.trim_rows import pair_codes, read_columns

    asked = Asked(
        *pair_codes(pair, "--pair"), out, test, sources, references,
        tuple(train or ()), dev, read_columns(columns), base, model, adapter, hypotheses,
        base_hypotheses, tokens, glossary,
    )  # fmt: skip
    raise typer.Exit(stage(asked, overrides or []))

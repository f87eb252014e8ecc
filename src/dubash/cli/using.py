"""The commands that use or make a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubash.cli.root import Overrides, RecipeName, Run, app


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
    alone: Annotated[
        bool, typer.Option("--alone", help="Without the run's memory and glossary (S1).")
    ] = False,
    details: Annotated[
        bool, typer.Option("--json", help="A JSON object a line: text, stop, tokens, seconds.")
    ] = False,
) -> None:
    """Translate text, a file or standard input with a run's tuned model."""
    from dubash.stages.translate import translate as stage

    stage(run, texts or [], source, output, untuned=untuned, alone=alone, details=details)


@app.command(
    epilog="Example: `dubash chat runs/demo generate.sample=true generate.temperature=0.7`"
)
def chat(
    run: Run,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="How to generate: generate.sample=true"),
    ] = None,
    untuned: Annotated[bool, typer.Option("--untuned", help="Use the base model (S0).")] = False,
) -> None:
    """Try a run's model by hand, line by line."""
    from dubash.stages.chat import chat as stage

    stage(run, overrides or [], untuned=untuned)


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

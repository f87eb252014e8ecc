"""The commands of translation memories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dubash.cli.root import app
from dubash.memory.defaults import LEAST, MOST_MATCHES, MemoryFormat

memories = typer.Typer(no_args_is_help=True, help="Fill, search and export a translation memory.")
app.add_typer(memories, name="tm")

Memory = Annotated[
    str,
    typer.Argument(metavar="MEMORY", help="A file, memory.db, or postgresql://HOST/DATABASE."),
]
Languages = Annotated[str, typer.Option(help="Only this pair: en-es.", show_default=False)]
Format = Annotated[MemoryFormat | None, typer.Option("--format", help="Unless the ending says it.")]


@memories.command(
    "import", epilog="Example: `dubash tm import memory.db old.tmx ui.po --languages en-es`"
)
def tm_import(
    memory: Memory,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="TMX, XLIFF, PO, TSV, CSV or JSONL.")
    ],
    languages: Annotated[str, typer.Option(help="The pair: en-es.")],
    kind: Format = None,
    columns: Annotated[
        str, typer.Option(help="Of a table: english,spanish, or 0,1.", show_default=False)
    ] = "",
) -> None:
    """Add the translations of files to a memory; it is made where there is none."""
    from dubash.stages.memory import import_files
    from dubash.stages.trim_rows import read_columns, read_pair

    import_files(memory, files, read_pair(languages), kind, read_columns(columns))


@memories.command("search", epilog="Example: `dubash tm search memory.db 'Open the file.'`")
def tm_search(
    memory: Memory,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A source segment.")],
    least: Annotated[
        int, typer.Option(min=1, max=100, help="Percent from which on a match is shown.")
    ] = LEAST,
    most: Annotated[int, typer.Option(min=1, max=100, help="Matches at most.")] = MOST_MATCHES,
    languages: Languages = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Print what in a memory is most like a segment, best first."""
    from dubash.stages.memory import search_memory
    from dubash.stages.trim_rows import read_pair

    pair = read_pair(languages) if languages else None
    raise typer.Exit(search_memory(memory, text, least, most, as_json, pair))


@memories.command("export", epilog="Example: `dubash tm export memory.db memory.tmx`")
def tm_export(
    memory: Memory,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    languages: Annotated[str, typer.Option(help="Only this pair: en-es.", show_default=False)] = "",
    kind: Format = None,
) -> None:
    """Write a memory to a file that other tools read."""
    from dubash.stages.memory import export
    from dubash.stages.trim_rows import read_pair

    export(memory, out, read_pair(languages) if languages else None, kind)


@memories.command("stats", epilog="Example: `dubash tm stats memory.db`")
def tm_stats(
    memory: Memory,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what a memory holds."""
    from dubash.stages.memory import stats

    stats(memory, as_json)

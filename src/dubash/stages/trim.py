"""`dubash trim`, and `model.trim` in a recipe: the model's vocabulary cut to the pair."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dubash.core.errors import UserError
from dubash.core.files import cache_root, check_writable, lock, read_json, sha256_text
from dubash.core.languages import LanguagePair
from dubash.core.options import validate
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder, versions
from dubash.core.types import Pair
from dubash.data.prepare import Prepared
from dubash.data.splits import groups
from dubash.model.options import ModelOptions, TrimOptions
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template
from dubash.recipe.options import Recipe
from dubash.stages.common import make_template, meaning, phase
from dubash.stages.trim_rows import read_columns, read_pair, read_rows

if TYPE_CHECKING:
    from dubash.model.selection import Usage

HELD_OUT, SHARE, SEED = 500, 0.1, 1
"""Rows held out to measure on: so many, but no more than this share; drawn by this seed."""


# -- the command -----------------------------------------------------------------------------------


def trim(
    name: str,
    languages: str,
    data: Sequence[Path],
    scripts: str,
    unchanged: float | None,
    out: Path,
    columns: str = "",
) -> None:
    """Cut a model's vocabulary to what the files' rows need, and say what came of it.

    Raises UserError for a folder that is there already or cannot be made, and as reading and
    loading do.
    """
    from dubash.model.load import find_kind, load_tokenizer

    if out.exists():
        raise UserError("it is there already.", where=str(out), fix="Give --out a new folder.")
    check_writable(out)
    options = validate(ModelOptions, {"name": name}, "command line", {})
    wanted: dict[str, Any] = {"scripts": [each for each in scripts.split(",") if each]}
    if unchanged is not None:
        wanted["unchanged"] = unchanged
    places = {"scripts": "--scripts", "unchanged": "--unchanged"}
    settings = validate(TrimOptions, wanted, "command line", places)
    pair, picked = read_pair(languages), read_columns(columns)
    rows = [row for path in data for row in read_rows(path, pair, picked, settings.scripts)]
    tokenizer = load_tokenizer(options)
    template = Template(PromptOptions(), tokenizer, find_kind(options), pair, "translation")
    job = Job(options, settings, pair, rows, {"data": [path.name for path in data]})
    account = write(job, template, out)
    for line in describe(account):
        typer.echo(line)
    typer.echo(f"the trimmed model is in {out}")


# -- in a run --------------------------------------------------------------------------------------


def with_base(run: RunFolder, recipe: Recipe, prepared: Prepared) -> Recipe:
    """The recipe with the trimmed model in place of the original, made now if it is not there;
    the recipe itself where it does not ask for one.

    Raises UserError where a model was tuned on a base that was trimmed otherwise.
    """
    options = recipe.model
    if options.trim is None:
        return recipe
    from dubash.model.load import find_kind, load_tokenizer

    settings = (recipe.languages, options, recipe.prompt)
    rows = prepared.account["splits"]["train"]["fingerprint"]
    made_of = sha256_text(recipe.task, rows, *map(meaning, settings))
    # several processes of one run take turns: the first makes it, the others find it
    with lock(cache_root() / "locks" / f"{sha256_text(str(run.base.absolute()))}.lock"):
        if not _made(run, made_of):
            with phase(run, "trim", afresh=True):
                pair = recipe.languages.pair()
                template = make_template(recipe, load_tokenizer(options), find_kind(options))
                job = Job(options, options.trim, pair, prepared.train, {"made_of": made_of})
                for line in describe(write(job, template, run.base)):
                    say(f"  {line}")
    return _on_base(run, recipe)


def _made(run: RunFolder, made_of: str) -> bool:
    """Whether the base is there, made of the same. What it is made of stands in its own folder, so
    that both are there or neither."""
    from dubash.model.trim import ACCOUNT

    if not run.base.exists():
        return False
    if read_json(run.base / ACCOUNT).get("made_of") == made_of:
        return True
    if run.checkpoints.exists() or run.model.exists():
        raise UserError(
            "it was trimmed with other rows or settings than the run has now.",
            where=str(run.base),
            fix="Take another run.name, or remove the run's folder to start afresh.",
        )
    return False  # nothing hangs on it yet


def tuned_on(run: RunFolder, recipe: Recipe) -> Recipe:
    """The recipe as its tuned model is loaded: an adapter goes onto the run's trimmed base,
    wherever the run's folder is now.

    Raises UserError where that base is gone.
    """
    if recipe.model.trim is None or recipe.method.name == "full":
        return recipe
    if not run.base.exists():
        raise UserError(
            "the trimmed model that this run was tuned on is gone.",
            where=str(run.base),
            fix="Put it back, or remove the run's folder to start afresh.",
        )
    return _on_base(run, recipe)


def base_name(recipe: Recipe) -> str:
    """What tables call the model that is tuned."""
    from dubash.model.source import display_name

    return display_name(recipe.model) + (", trimmed" if recipe.model.trim else "")


def _on_base(run: RunFolder, recipe: Recipe) -> Recipe:
    changes = {"name": str(run.base), "revision": None, "trim": None}
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=changes)})


# -- both ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """What is cut, how, and for which rows; `notes` go into the account as they are."""

    model: ModelOptions
    options: TrimOptions
    pair: LanguagePair
    rows: Sequence[Pair]
    notes: dict[str, Any]


def write(job: Job, template: Template, folder: Path) -> dict[str, Any]:
    """Choose the tokens, measure the choice on rows held out, then choose again with these too and
    write the model; returns the account that stands in its folder."""
    from dubash.model.selection import Usage, compare, select
    from dubash.model.source import display_name
    from dubash.model.trim import read_original, write_trimmed

    original = read_original(job.model, template.tokenizer)
    needed = {*original.named_ids, *template.prompt_ids(""), template.end_id}
    usage = Usage()
    kept_in, held_out = hold_out(job.rows)
    with progress("tokens of the rows", len(job.rows)) as advance:
        for rows in kept_in:
            count(usage, template, rows)
            advance(len(rows))
        first = select(original.vocabulary, usage, needed, job.pair, job.options)
        found = compare(
            original.vocabulary, first.kept, [t for part in held_out for t in texts(part)]
        )
        for rows in held_out:
            count(usage, template, rows)
            advance(len(rows))
    selection = select(original.vocabulary, usage, needed, job.pair, job.options)
    account = {
        "model": display_name(job.model),
        "revision": job.model.revision,
        "languages": [job.pair.source.code, job.pair.target.code],
        **job.options.model_dump(mode="json"),
        **job.notes,
        "rows": len(job.rows),
        "kept": selection.reasons,
        "held_out": {
            "rows": sum(map(len, held_out)), "seed": SEED, "tokens": found.before,
            "tokens_after": found.after, "unchanged": found.unchanged,
        },
        "made": versions(),
    }  # fmt: skip
    say(f"  writing the model with {len(selection.kept):,} tokens")
    return write_trimmed(original, selection.kept, folder, account)


def texts(rows: Sequence[Pair]) -> list[str]:
    """Both sides of the rows; monolingual text has one."""
    return [text for row in rows for text in (row.source, row.target) if text]


def count(usage: Usage, template: Template, rows: Sequence[Pair]) -> None:
    """Add the tokens of one group of rows."""
    alone = template.tokenizer(texts(rows), add_special_tokens=False).input_ids
    examples = [template.example(row) for row in rows]
    usage.add(alone, [ids for each in examples for ids in (each.prompt, each.target)])


def hold_out(rows: Sequence[Pair]) -> tuple[list[list[Pair]], list[list[Pair]]]:
    """Groups of rows to choose by, and groups to measure on; rows of one document or source, and
    those that share a long target, stay together."""
    parts = [[rows[at] for at in group] for group in groups(rows)]
    random.Random(SEED).shuffle(parts)
    wanted = min(HELD_OUT, int(len(rows) * SHARE))
    held_out: list[list[Pair]] = []
    kept_in: list[list[Pair]] = []
    for part in parts:
        if len(part) <= wanted:
            held_out.append(part)
            wanted -= len(part)
        else:
            kept_in.append(part)
    return kept_in, held_out


def describe(account: dict[str, Any]) -> list[str]:
    """The account in lines to read."""
    lines = [
        f"{name:10} {account[name]['before']:>13,} → {account[name]['after']:>13,} "
        f"({account[name]['after'] / account[name]['before']:.1%})"
        for name in ("tokens", "parameters")
    ]
    lines += [f"  {count:>9,} {reason}" for reason, count in account["kept"].items() if count]
    held_out = account["held_out"]
    if held_out["tokens"]:
        more = held_out["tokens_after"] / held_out["tokens"] - 1
        lines.append(
            f"{held_out['rows']} rows held out: {held_out['unchanged']:.2%} of their "
            f"{held_out['tokens']:,} tokens stay as they were; the others fall into smaller ones "
            f"({more:+.2%} tokens)"
        )
    else:
        lines.append("too few rows to hold some out: what the cut changes was not measured")
    lines.append(
        "no text is unknown to it"
        if account["never_unknown"]
        else "unknown to it is only what was unknown before"
    )
    return lines

"""`dubash check`: a real row as trained beside the same row as served, and the refusals."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.text import Text

from dubash.core.errors import PreflightError
from dubash.core.files import write_jsonl
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data.prepare import Prepared
from dubash.prompt.context import check_context
from dubash.prompt.mask import IGNORE
from dubash.prompt.preflight import Expectation, Row, check_rows
from dubash.prompt.template import Example, Template
from dubash.recipe.load import LoadedRecipe
from dubash.recipe.options import Recipe
from dubash.stages.common import phase, run_folder
from dubash.stages.prepare import prepare
from dubash.stages.retrieval import guard_memory, refuse_useless_help, training_template
from dubash.stages.trim import with_base
from dubash.train.options import BITSANDBYTES
from dubash.train.order import check_processes, plan_steps
from dubash.train.tensorboard import need_tensorboard

if TYPE_CHECKING:
    from dubash.train.batches import Collator

CHECKED = 64
"""Training rows that preflight renders: the longest, the shortest, and a spread between."""

BROKEN, LONGEST_LETTER = "\ufffd", 4
"""How a cut letter decodes, and the bytes of the longest one in UTF-8."""


def check(loaded: LoadedRecipe, rows: int) -> None:
    """Prepare the data, render rows as trained and as served, show some, refuse what is wrong."""
    refuse_on_this_machine(run_folder(loaded), loaded.recipe)
    run, prepared = prepare(loaded)
    recipe = with_base(run, loaded.recipe, prepared)
    known = load_tokenizer_and_kind(recipe)
    with (
        phase(run, "check", afresh=True),
        training_template(run, recipe, prepared.train, *known) as template,
    ):
        fitting, long, checked = checked_train(recipe, template, prepared)
    if long:
        say(
            f"  {len(long)} of {len(prepared.train)} train rows are over "
            f"{recipe.prompt.max_tokens} tokens and will be set aside; to keep them raise "
            "prompt.max_tokens"
        )
    console = Console()
    for row in checked[:rows]:
        show(console, row, template)
    console.print(
        f"[green]✓[/] {len(checked)} of {len(fitting)} rows checked: the end token is supervised, "
        "padding is not, the mask sits right, training and serving prompts are the same, no target "
        "is cut."
    )


def load_tokenizer_and_kind(recipe: Recipe) -> tuple[Any, Any]:
    """The tokenizer and the kind of model, without its weights."""
    from dubash.model.load import find_kind, load_tokenizer

    return load_tokenizer(recipe.model), find_kind(recipe.model)


def checked_train(
    recipe: Recipe, template: Template, prepared: Prepared
) -> tuple[list[tuple[Pair, Example]], list[dict[str, Any]], list[Row]]:
    """The training rows as `render` has them, and those of them that preflight looked at.

    Raises PreflightError, and TrainingError as `plan_steps` does, which would otherwise come once
    the untuned model has translated.
    """
    fitting, long = render("train", template, prepared.train)
    refuse_too_long_for_model(recipe, template, fitting)
    rows = preflight(recipe, template, fitting)
    plan_steps([each.longest for _, each in fitting], recipe.train, recipe.train.processes)
    return fitting, long, rows


def render(
    split: str, template: Template, pairs: Sequence[Pair]
) -> tuple[list[tuple[Pair, Example]], list[dict[str, Any]]]:
    """Every pair with its example, and an account of those that are over `prompt.max_tokens`."""
    fitting, long = [], []
    with progress(f"{split} to tokens", len(pairs)) as advance:
        for pair in pairs:
            example = template.example(pair)
            if template.fits(example):
                fitting.append((pair, example))
            else:
                long.append({"split": split, "origin": pair.origin, "tokens": example.longest})
            advance(1)
    return fitting, long


def refuse_too_long_for_model(
    recipe: Recipe, template: Template, examples: Sequence[tuple[Pair, Example]]
) -> None:
    """PreflightError for a row that is within `prompt.max_tokens` but past the model's context."""
    from dubash.model.load import find_context

    context = find_context(recipe.model)
    check_context(template.kind, [example for _, example in examples], context)


def refuse_on_this_machine(run: RunFolder, recipe: Recipe) -> None:
    """TrainingError or ModelError for what training would ask for in vain, said at the start: the
    number of processes, a GPU, bitsandbytes, TensorBoard. A run that is trained needs none of it
    any more."""
    if run.model.exists():
        return
    # as torchrun sets them; a cluster may set one of them for itself
    came = int(os.environ["WORLD_SIZE"]) if {"LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys() else 1
    check_processes(recipe.train, came)
    refuse_without_bitsandbytes(recipe)
    if recipe.train.tensorboard:
        need_tensorboard()
    on_disk = recipe.train.optimizer == "adamw-disk"
    if recipe.model.device == "cuda" or recipe.model.dtype == "fp16" or on_disk:
        from dubash.model.device import place

        placed = place(recipe.model)
        if on_disk:
            from dubash.train.optim import refuse_disk

            refuse_disk(placed.device, run.path)


def refuse_without_bitsandbytes(recipe: Recipe) -> None:
    """ModelError for a method or an optimizer that needs bitsandbytes where it is missing."""
    asked: list[tuple[str, str]] = []
    if recipe.method.name in ("qlora", "lora-int8"):
        asked.append((recipe.method.name, "method.name"))
    if recipe.train.optimizer in BITSANDBYTES:
        asked.append((f"optimizer {recipe.train.optimizer}", "train.optimizer"))
    if asked:
        from dubash.model.device import need_bitsandbytes

        for what, where in asked:
            need_bitsandbytes(what, where)


def preflight(
    recipe: Recipe, template: Template, fitting: Sequence[tuple[Pair, Example]]
) -> list[Row]:
    """Check a spread of training rows through the real collator and the real serving prompt.

    Raises PreflightError.
    """
    from dubash.train.batches import Collator

    ordered = sorted(fitting, key=lambda each: each[1].longest)
    step = max(1, len(ordered) // CHECKED)
    picked = sorted({*range(0, len(ordered), step), len(ordered) - 1}) if ordered else []
    tokenizer = template.tokenizer
    collator = Collator(template.kind, recipe.prompt.mask, tokenizer.pad_token_id)
    # one batch, so that they share a pack, or all but the longest hold padding
    rows = render_rows(template, collator, [ordered[at] for at in picked])
    expected = Expectation(
        template.kind, recipe.prompt.mask, template.end_id, template.stop_ids,
        tokenizer.bos_token_id, tokenizer, template.neutral, template.decoder_prefix,
    )  # fmt: skip
    check_rows(rows, expected)
    return rows


def render_rows(
    template: Template, collator: Collator, examples: Sequence[tuple[Pair, Example]]
) -> list[Row]:
    """Rows of one real training batch, each with its serving prompt."""
    if not examples:
        return []
    from dubash.train.batches import as_trained

    rows = as_trained(collator([example for _, example in examples]))
    return [
        Row(pair, ids, labels, attention, template.prompt_ids(pair.source))
        for (pair, _), (ids, labels, attention) in zip(examples, rows, strict=True)
    ]


def show(console: Console, row: Row, template: Template) -> None:
    """Print a row token by token: green is what the loss sees, ▮ where serving leaves off."""
    tokenizer = template.tokenizer

    def words(tokens: Sequence[int], style: str) -> Text:
        text, group = Text(style=style), []
        for token in tokens:
            group.append(token)  # byte tokens come together until they are whole letters
            piece = str(tokenizer.decode(group)).replace("\n", "⏎")
            if BROKEN not in piece or len(group) == LONGEST_LETTER:
                text.append(f"{piece or tokenizer.convert_ids_to_tokens(group[0])}|")
                group = []
        return text.append(f"{BROKEN}|" * bool(group))

    seen = [token for token, real in zip(row.ids, row.attention, strict=True) if real]
    trained, prefix = Text("as trained  "), template.decoder_prefix
    if template.kind == "seq2seq":
        answer = [label for label in row.labels if label != IGNORE]
        trained.append(words(seen, "dim")).append(words(answer[: len(prefix)], "bold green"))
        trained.append("▮", "bold blue").append(words(answer[len(prefix) :], "bold green"))
    else:
        real = [label for label, each in zip(row.labels, row.attention, strict=True) if each]
        start = len(row.served)
        for at in sorted({0, start, *_turns(real)}):
            stop = next((each for each in sorted({start, *_turns(real)}) if each > at), len(seen))
            trained.append("▮" if at == start else "", "bold blue")
            style = "dim" if real[at] == IGNORE else "bold green"
            trained.append(words(seen[at:stop], style))
    prompt = [*row.served, *prefix]
    served = Text("as served   ").append(words(prompt, "dim")).append("▮", "bold blue")
    end = tokenizer.convert_ids_to_tokens(template.end_id)
    # Text, not markup: a file's name or a token such as [/INST] may hold brackets
    console.print(Text(f"\n{row.pair.origin}", "bold"), trained, served, sep="\n")
    console.print(
        Text(
            f"{sum(row.attention)} tokens, {sum(label != IGNORE for label in row.labels)} "
            f"supervised (green); the last is the end token {end!r}",
            "dim",
        )
    )


def _turns(labels: Sequence[int]) -> list[int]:
    """Where supervision begins or ends."""
    seen = [label != IGNORE for label in labels]
    return [at for at in range(1, len(seen)) if seen[at] != seen[at - 1]]


class Examples(NamedTuple):
    """The rows of train and dev as they are trained on."""

    train: list[Example]
    dev: list[Example]


def checked_examples(run: RunFolder, recipe: Recipe, prepared: Prepared) -> Examples:
    """Preflight, then the examples of train and dev; rows over max_tokens are set aside.

    Needs the tokenizer only, so that a setup which would not learn is refused within seconds.
    Raises PreflightError, and LeakError for a memory with test rows in it.
    """
    recipe = with_base(run, recipe, prepared)
    known = load_tokenizer_and_kind(recipe)
    if recipe.retrieval:
        guard_memory(run, recipe, prepared.test)
        refuse_useless_help(run, recipe, prepared.train, *known)
    with (
        phase(run, "check", afresh=True),
        training_template(
            run, recipe, prepared.train, *load_tokenizer_and_kind(recipe)
        ) as template,
    ):
        train, aside, rows = checked_train(recipe, template, prepared)
        dev, more = render("dev", template, prepared.dev)
        if prepared.dev and not dev:
            raise PreflightError(
                f"every dev row is over {recipe.prompt.max_tokens} tokens.",
                where="prompt.max_tokens",
                fix="Raise it, or set data.dev_rows: 0.",
            )
        say(f"  {len(rows)} of {len(train)} rows checked: prompt, mask and end token are right")
        too_long = run.path / "too_long.jsonl"
        too_long.unlink(missing_ok=True)
        if aside or more:
            write_jsonl(too_long, aside + more)
            say(
                f"  {len(aside)} of {len(prepared.train)} train rows and {len(more)} of "
                f"{len(prepared.dev)} dev rows are over {recipe.prompt.max_tokens} tokens and set "
                "aside; to keep them raise prompt.max_tokens"
            )
        limit = recipe.prompt.max_tokens
        run.note(too_long={"max_tokens": limit, "train": len(aside), "dev": len(more)})
    return Examples([example for _, example in train], [example for _, example in dev])

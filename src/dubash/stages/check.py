"""`dubash check`: a real row as trained beside the same row as served, and the refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data.prepare import Prepared
from dubash.prompt.mask import IGNORE
from dubash.prompt.preflight import Expectation, Row, check_rows
from dubash.prompt.template import Template
from dubash.recipe.load import LoadedRecipe
from dubash.recipe.options import Recipe
from dubash.stages.common import make_template, phase
from dubash.stages.prepare import prepare

if TYPE_CHECKING:
    from dubash.train.batches import Collator

CHECKED = 64
"""Training rows that preflight renders: the longest, the shortest, and a spread between."""


def check(loaded: LoadedRecipe, rows: int) -> None:
    """Prepare the data, render rows as trained and as served, show some, refuse what is wrong."""
    run, prepared = prepare(loaded)
    recipe = loaded.recipe
    tokenizer, kind = load_tokenizer_and_kind(recipe)
    template = make_template(recipe, tokenizer, kind)
    with phase(run, "check"):
        checked = preflight(recipe, template, prepared.train)
    console = Console()
    for row in checked[:rows]:
        show(console, row, template)
    console.print(
        f"[green]✓[/] {len(checked)} rows checked: the end token is supervised, padding is not, "
        "the mask sits right, training and serving prompts are the same, no target is cut."
    )


def load_tokenizer_and_kind(recipe: Recipe) -> tuple[Any, Any]:
    """The tokenizer and the kind of model, without its weights."""
    from dubash.model.load import find_kind, load_tokenizer

    return load_tokenizer(recipe.model), find_kind(recipe.model)


def preflight(recipe: Recipe, template: Template, train: Sequence[Pair]) -> list[Row]:
    """Check a spread of training rows through the real collator and the real serving prompt."""
    from dubash.train.batches import Collator

    fitting = [pair for pair in train if template.fits(template.example(pair))]
    ordered = sorted(fitting, key=lambda pair: len(pair.source) + len(pair.target))
    step = max(1, len(ordered) // CHECKED)
    picked = sorted({*range(0, len(ordered), step), len(ordered) - 1}) if ordered else []
    collator = Collator(template.kind, recipe.prompt.mask, template.tokenizer.pad_token_id)
    # shortest beside longest, so that every batch but the last holds padding
    pairs = [ordered[at] for at in picked]
    rows = render_rows(template, collator, pairs)
    tokenizer = template.tokenizer
    ends = {template.end_id, tokenizer.eos_token_id} - {None}
    expected = Expectation(
        template.kind, recipe.prompt.mask, template.end_id, frozenset(ends),
        tokenizer.bos_token_id if tokenizer.bos_token_id not in ends else None, tokenizer,
    )  # fmt: skip
    check_rows(rows, expected)
    return rows


def render_rows(template: Template, collator: Collator, pairs: Sequence[Pair]) -> list[Row]:
    """Rows of one real training batch, each with its serving prompt."""
    if not pairs:
        return []
    batch = collator([template.example(pair) for pair in pairs])
    columns = (batch[name].tolist() for name in ("input_ids", "labels", "attention_mask"))
    return [
        Row(pair, ids, labels, attention, template.prompt_ids(pair.source))
        for pair, ids, labels, attention in zip(pairs, *columns, strict=True)
    ]


def show(console: Console, row: Row, template: Template) -> None:
    """Print a row token by token: green is what the loss sees."""
    tokenizer = template.tokenizer

    def word(token: int) -> str:
        text = str(tokenizer.decode([token])).replace("\n", "⏎")
        return text or str(tokenizer.convert_ids_to_tokens(token))

    console.print(f"\n[bold]{row.pair.origin}[/]")
    trained = Text("as trained  ")
    if template.kind == "seq2seq":
        for token, seen in zip(row.ids, row.attention, strict=True):
            trained.append(f"{word(token)}|" if seen else "", "dim")
        trained.append(" → ")
    tokens = row.labels if template.kind == "seq2seq" else row.ids
    for token, label in zip(tokens, row.labels, strict=True):
        if label != IGNORE:
            trained.append(f"{word(token)}|", "bold green")
        elif template.kind == "causal" and token != template.tokenizer.pad_token_id:
            trained.append(f"{word(token)}|", "dim")
    console.print(trained)
    served = Text("as served   ")
    for token in row.served:
        served.append(f"{word(token)}|", "dim")
    served.append("▮", "bold blue")
    console.print(served)
    console.print(
        f"[dim]{sum(row.attention)} tokens, {sum(label != IGNORE for label in row.labels)} "
        f"supervised (green); the last is the end token "
        f"{tokenizer.convert_ids_to_tokens(template.end_id)!r}[/]"
    )


def checked_examples(
    run: RunFolder, recipe: Recipe, template: Template, prepared: Prepared
) -> tuple[list[Any], list[Any]]:
    """Preflight, then the examples of train and dev; rows over max_tokens are set aside."""
    from dubash.core.files import write_jsonl

    with phase(run, "check"):
        rows = preflight(recipe, template, prepared.train)
        kept: dict[str, list[Any]] = {}
        aside = []
        for name, pairs in (("train", prepared.train), ("dev", prepared.dev)):
            examples = [(pair, template.example(pair)) for pair in pairs]
            kept[name] = [example for _, example in examples if template.fits(example)]
            aside += [
                {"split": name, "origin": pair.origin, "tokens": example.longest}
                for pair, example in examples
                if not template.fits(example)
            ]
        say(f"  {len(rows)} rows seen as trained and as served: they agree")
        if aside:
            write_jsonl(run.path / "too_long.jsonl", aside)
            say(f"  {len(aside)} rows over {recipe.prompt.max_tokens} tokens set aside")
        run.note(set_aside={"too_long": len(aside)})
    return kept["train"], kept["dev"]

"""Task `text`: the systems of a run read the frozen test rows, and what that cost them is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dubash.core.files import read_jsonl, write_jsonl
from dubash.core.progress import progress
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.evaluate.bits import Reader, compare_readers
from dubash.evaluate.comparison import Comparison
from dubash.recipe.options import Recipe
from dubash.stages.common import already_made, make_template, note_made, phase
from dubash.stages.systems import LABELS, made_of

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel


def read_test(
    run: RunFolder, recipe: Recipe, test: list[Pair], name: str, load: Callable[[], LoadedModel]
) -> None:
    """The bits that each frozen test row costs one system; does nothing where that was done.

    Every row is read whole, one over `prompt.max_tokens` too.
    """
    from dubash.train.bits import row_bits
    from dubash.train.probe import make_collator

    path, part, made = run.hypotheses(name), f"read {name}", made_of(run, recipe, test, name)
    if already_made(run, part, path, made):
        return
    with phase(run, part):
        loaded = load()
        template = make_template(recipe, loaded.tokenizer, loaded.kind)
        examples = [template.example(row) for row in test]
        collator = make_collator(loaded, recipe.prompt.mask, examples)
        size = recipe.train.batch_size
        with progress(f"{LABELS[name]} ({name})", len(test)) as advance:
            found = row_bits(
                loaded.model, test, examples, collator,
                batch_size=size, batch_tokens=size * recipe.prompt.max_tokens, advance=advance,
            )  # fmt: skip
        rows = zip(test, found.tolist(), strict=True)
        note_made(run, part, made)
        write_jsonl(
            path,
            ({"text": row.target, "bits": b, "characters": int(c)} for row, (b, c) in rows),
        )


def compare_test(run: RunFolder, recipe: Recipe, test: list[Pair]) -> Comparison:
    """The systems that have read the test rows, compared by bits per character."""
    readers = []
    for name, label in LABELS.items():
        if run.hypotheses(name).exists():
            rows = list(read_jsonl(run.hypotheses(name)))
            counts = np.array([(row["bits"], row["characters"]) for row in rows], dtype=np.float64)
            texts = [row["text"] for row in rows]
            readers.append(Reader(name, label, texts, counts.reshape(-1, 2)))
    return compare_readers(test, readers, recipe.languages.pair().target, recipe.evaluate)

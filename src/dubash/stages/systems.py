"""The systems of a run on its frozen test rows: translate once, keep, read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from dubash.core.files import read_jsonl, write_jsonl
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.systems import System
from dubash.recipe.options import Recipe
from dubash.stages.common import make_translator, phase

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel

LABELS = {"S0": "untuned model", "S1": "tuned model"}
"""The systems of a run, by name."""


def translate_test(
    run: RunFolder, recipe: Recipe, test: list[Pair], name: str, load: Callable[[], LoadedModel]
) -> None:
    """Translate the frozen test rows with one system; does nothing where that was done."""
    path = run.hypotheses(name)
    if path.exists():
        say(f"▸ translate {name}: already done, kept")
        return
    with phase(run, f"translate {name}"):
        translator = make_translator(name, recipe, load())
        sources = [pair.source for pair in test]
        with progress(f"{LABELS[name]} ({name})", len(sources)) as advance:
            hypotheses = translator.translate(sources, advance)
        rows = zip(sources, hypotheses, strict=True)
        write_jsonl(path, ({"source": source, **asdict(each)} for source, each in rows))


def read_systems(run: RunFolder) -> list[System]:
    """The systems whose translations are in the run folder, S0 first."""
    found = []
    for name, label in LABELS.items():
        if run.hypotheses(name).exists():
            rows = list(read_jsonl(run.hypotheses(name)))
            sources = [row.pop("source") for row in rows]
            found.append(System(name, label, sources, [Hypothesis(**row) for row in rows]))
    return found

"""A run's two models: the one it started from, and the one that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubash.core.errors import UserError
from dubash.core.run import RunFolder
from dubash.recipe.options import Recipe
from dubash.stages.trim import tuned_on

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel


def load_system(run: RunFolder, recipe: Recipe, *, untuned: bool) -> LoadedModel:
    """The run's untuned model or its tuned one. Raises UserError where there is no tuned one."""
    from dubash.model.load import load_base, load_tuned

    if untuned:
        return load_base(recipe.model)
    refuse_untuned(run)
    return load_tuned(tuned_on(run, recipe).model, recipe.method, run.model)


def refuse_untuned(run: RunFolder) -> None:
    """Raise UserError where the run has no tuned model."""
    if not run.model.exists():
        raise UserError(
            "this run has no tuned model yet.",
            where=str(run.path),
            fix="Run `dubash train` on its recipe first, or use --untuned.",
        )

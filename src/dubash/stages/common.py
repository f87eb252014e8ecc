"""What several commands do: open the run folder, time a phase, make template and translator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubash.core.errors import RecipeError
from dubash.core.files import write_text
from dubash.core.progress import say, spell
from dubash.core.run import RunFolder, commit, machine, versions
from dubash.prompt.template import Template
from dubash.recipe.load import LoadedRecipe, read_resolved, resolved_yaml
from dubash.recipe.options import Recipe

if TYPE_CHECKING:
    from dubash.engine.transformers import TransformersEngine
    from dubash.model.load import LoadedModel
    from dubash.translate.local import LocalTranslator


def open_run(loaded: LoadedRecipe) -> RunFolder:
    """The run's folder, with the resolved recipe in it. Nothing is made before data is ready, so
    call it once the data could be read.

    Raises RecipeError where a run of that name was made with other settings.
    """
    run, recipe = run_folder(loaded), loaded.recipe
    text = resolved_yaml(recipe)
    if run.recipe.exists():
        refuse_other_recipe(run, recipe)
    else:
        write_text(run.recipe, text)
    run.note(
        name=recipe.run.name, versions=versions(), machine=machine(), commit=commit(),
        seed=recipe.train.seed,
    )  # fmt: skip
    return run


def run_folder(loaded: LoadedRecipe) -> RunFolder:
    """Where the recipe says the run's folder is."""
    return RunFolder(Path(loaded.recipe.run.folder) / loaded.recipe.run.name)


def refuse_other_recipe(run: RunFolder, recipe: Recipe) -> None:
    """A run folder holds one recipe: a number in it must be traceable to it."""
    if not run.recipe.exists():
        return
    before, now = _flat(read_resolved(run.recipe).model_dump()), _flat(recipe.model_dump())
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    if changed:
        key = changed[0]
        raise RecipeError(
            f"the run was made with {key}: {before.get(key)}, not {now.get(key)}"
            + (f" (and {len(changed) - 1} more settings differ)" if len(changed) > 1 else "")
            + ".",
            where=str(run.path),
            fix="Take another run.name, or remove the folder to start afresh.",
        )


def _flat(content: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(content, dict):
        return {
            k: v for key, each in content.items() for k, v in _flat(each, f"{prefix}{key}.").items()
        }
    return {prefix.rstrip("."): content}


@contextmanager
def phase(run: RunFolder, name: str) -> Iterator[None]:
    """Say what begins, and keep its seconds in the manifest; a resumed phase adds to them."""
    say(f"▸ {name}")
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - start
        if run.path.exists():  # a phase that failed before anything was written makes no folder
            phases = run.read_manifest().get("phases", {})
            run.note(phases={**phases, name: round(phases.get(name, 0.0) + seconds, 2)})
    say(f"  {name}: {spell(seconds)}")


def make_template(recipe: Recipe, tokenizer: Any, kind: Any) -> Template:
    """The recipe's one template for this tokenizer."""
    return Template(recipe.prompt, tokenizer, kind, recipe.languages.pair(), recipe.task)


def make_engine(recipe: Recipe, loaded: LoadedModel, template: Template) -> TransformersEngine:
    """The engine that serves this model: it stops at the template's end token and the model's."""
    from dubash.engine.transformers import TransformersEngine

    ends = {template.end_id, loaded.tokenizer.eos_token_id} - {None}
    return TransformersEngine(
        loaded.model, loaded.tokenizer, loaded.kind, sorted(ends), recipe.generate
    )


def make_translator(name: str, recipe: Recipe, loaded: LoadedModel) -> LocalTranslator:
    """A Translator of this model, named for the tables."""
    from dubash.translate.local import LocalTranslator

    template = make_template(recipe, loaded.tokenizer, loaded.kind)
    return LocalTranslator(name, template, make_engine(recipe, loaded, template))

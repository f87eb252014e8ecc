"""What several commands do: open the run folder, time a phase, make template and translator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from dubash.core.errors import RecipeError, UserError
from dubash.core.files import cache_root, is_locked, lock, sha256_text, write_text
from dubash.core.progress import is_main, say, spell
from dubash.core.run import RunFolder, commit, machine, versions
from dubash.data.frozen import typical_sources
from dubash.prompt.template import Template
from dubash.prompt.text import TextTemplate
from dubash.recipe.load import LoadedRecipe, map_files, read_resolved, resolved_yaml
from dubash.recipe.options import Recipe

if TYPE_CHECKING:
    from dubash.engine.base import Engine
    from dubash.model.load import LoadedModel
    from dubash.translate.local import LocalTranslator

HOW = {"gradient_checkpointing", "pass_tokens", "tensorboard"}
"""Settings of memory, speed and what is shown: a run may go on with others."""

TYPICAL = 256
"""Training rows that say what prompts look like."""


def open_run(loaded: LoadedRecipe) -> RunFolder:
    """The run's folder, with the resolved recipe in it. Nothing is made before data is ready, so
    call it once the data could be read.

    Raises RecipeError as `refuse_other_recipe` does.
    """
    run, recipe = run_folder(loaded), loaded.recipe
    refuse_other_recipe(run, recipe)
    text = resolved_yaml(recipe, run.path)
    if not run.recipe.exists() or run.recipe.read_text(encoding="utf-8") != text:
        write_text(run.recipe, text)
    if not run.scores.exists():  # what a finished run was made with stays as it was
        run.note(
            name=recipe.run.name, versions=versions(), machine=machine(), commit=commit(),
            seed=recipe.train.seed,
        )  # fmt: skip
    return run


def run_folder(loaded: LoadedRecipe) -> RunFolder:
    """Where the recipe says the run's folder is."""
    return RunFolder(Path(loaded.recipe.run.folder) / loaded.recipe.run.name)


def refuse_other_recipe(run: RunFolder, recipe: Recipe) -> None:
    """A run folder holds one recipe: a number in it must be traceable to it.

    Raises RecipeError where the folder was made with other settings. As long as nothing was
    translated or trained with them (a `dubash check`, a model that was not there) they may change.
    Where the folder stands makes no difference.
    """
    if not run.recipe.exists() or not binds(run):
        return
    before, now = (_flat(_settings(each)) for each in (read_resolved(run.recipe), recipe))
    changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
    if changed:
        key = changed[0]
        raise RecipeError(
            f"the run was made with {key}: {before.get(key, 'unset')}, not "
            f"{now.get(key, 'unset')}"
            + (f" (settings that differ: {len(changed)})" if len(changed) > 1 else "")
            + ".",
            where=str(run.path),
            fix="Take another run.name, or remove the folder to start afresh.",
        )


def binds(run: RunFolder) -> bool:
    """Whether anything was translated or trained, so that recipe and rows must stay as they are."""
    return any(each.exists() for each in (run.translations, run.checkpoints, run.model))


def _settings(recipe: Recipe) -> dict[str, Any]:
    """What may not differ. Data files go by their bare names: what is in them is guarded where the
    data is, and where they stand makes no difference. How systems are scored may: all scores are
    made again whenever any is."""
    how: dict[str, Any] = {"run": True, "model": HOW, "train": HOW, "evaluate": True}
    content = recipe.model_dump(mode="json", exclude_none=True, exclude=how)
    return map_files(content, lambda path: Path(path).name)


def settings_by_key(recipe: Recipe) -> dict[str, Any]:
    """What a run hangs on, by dotted key, such as `train.seed`."""
    return _flat(_settings(recipe))


def meaning(options: BaseModel) -> str:
    """These settings as text, without those that change nothing of what is made."""
    return options.model_dump_json(exclude=HOW)


def _flat(content: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key; a list's entries are numbered."""
    if isinstance(content, list):
        content = dict(enumerate(content))
    if isinstance(content, dict):
        return {
            k: v for key, each in content.items() for k, v in _flat(each, f"{prefix}{key}.").items()
        }
    return {prefix.rstrip("."): content}


@contextmanager
def phase(run: RunFolder, name: str, *, afresh: bool = False) -> Iterator[None]:
    """Say what begins, and keep its seconds in the manifest.

    A resumed phase adds to them; one that always does the whole of its work (`afresh`) replaces
    them, so that looking again at a finished run does not make it longer.
    """
    say(f"▸ {name}")
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - start
        if run.path.exists():  # a phase that failed before anything was written makes no folder
            phases = run.read_manifest().get("phases", {})
            before = 0.0 if afresh else phases.get(name, 0.0)
            run.note(phases={**phases, name: round(before + seconds, 2)})
    say(f"  {name}: {spell(seconds)}")


def already_made(run: RunFolder, part: str, path: Path, made_of: str) -> bool:
    """Whether `path` stands there, made of the same rows and settings; then it is kept.

    Raises UserError where it was made of others: what a run shows must be of one piece.
    """
    if not path.exists():
        return False
    if run.read_manifest().get("made_of", {}).get(part) != made_of:
        raise UserError(
            "it was made with other rows or settings than the run has now.",
            where=str(path),
            fix="Take another run.name, or remove the run's folder to start afresh.",
        )
    say(f"▸ {part}: already done, kept")
    return True


def note_made(run: RunFolder, part: str, made_of: str) -> None:
    """Remember what `part` is made of, for `already_made`."""
    run.note(made_of={**run.read_manifest().get("made_of", {}), part: made_of})


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the run of that folder for this command; UserError where another dubash works in it.

    Of several processes of one command the first holds it for all.
    """
    with ExitStack() as stack:
        if is_main():
            try:
                stack.enter_context(lock(_lock_of(folder), wait=False))
            except BlockingIOError:
                raise UserError(
                    "another dubash is working in this run.",
                    where=str(folder),
                    fix="Wait for it, or take another run.name.",
                ) from None
        yield


def at_work(folder: Path) -> bool:
    """Whether a dubash works in that folder's run at the moment; nothing is written."""
    return is_locked(_lock_of(folder))


def _lock_of(folder: Path) -> Path:
    return cache_root() / "locks" / f"{sha256_text(str(folder.resolve()))}.run"


def make_template(recipe: Recipe, tokenizer: Any, kind: Any) -> Template:
    """The recipe's one template for this tokenizer."""
    make = TextTemplate if recipe.task == "text" else Template
    return make(recipe.prompt, tokenizer, kind, recipe.languages.pair(), recipe.task)


def make_engine(
    recipe: Recipe,
    loaded: LoadedModel,
    template: Template,
    *,
    typical: Sequence[str] = (),
    plain: bool = False,
) -> Engine:
    """The engine that serves this model: it stops at the template's end token and the model's.

    With `typical` sources the engine is chosen and set up the same way whatever comes first. A
    `plain` engine is always transformers: for a model whose weights are still changing, say.
    """
    from dubash.engine.choose import ChosenEngine

    # what its makers let it end with counts as its own end, for S0 and S1 alike
    own = loaded.model.generation_config.eos_token_id
    ends = template.stop_ids | set(own if isinstance(own, list) else [own]) - {None}
    against = ""
    if recipe.method.name in ("qlora", "lora-int8"):  # S0 too, or the engine would be in its gain
        against = f"{recipe.method.name} computes with a quantised base"
    prompts = [template.prompt_ids(source) for source in typical]
    chosen = ChosenEngine(
        loaded, sorted(ends), recipe.generate, template.decoder_prefix, against,
        [each for each in prompts if loaded.context is None or len(each) <= loaded.context],
    )  # fmt: skip
    return chosen.plain if plain else chosen


def make_translator(
    name: str,
    recipe: Recipe,
    loaded: LoadedModel,
    run: RunFolder | None = None,
    *,
    plain: bool = False,
) -> LocalTranslator:
    """A Translator of this model, named for the tables; with `run` its training rows are what is
    typical. `plain` as for `make_engine`."""
    from dubash.translate.local import LocalTranslator

    template = make_template(recipe, loaded.tokenizer, loaded.kind)
    typical = typical_sources(run.data, TYPICAL) if run else []
    engine = make_engine(recipe, loaded, template, typical=typical, plain=plain)
    return LocalTranslator(name, template, engine)

"""The systems of a run on its frozen test or dev rows: translate once, keep, read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dubash.core.files import read_json, read_jsonl, sha256_text, write_jsonl
from dubash.core.progress import progress
from dubash.core.run import RunFolder
from dubash.core.types import HeldOut, Hypothesis, Pair
from dubash.data import prepare as data
from dubash.data.frozen import ACCOUNT
from dubash.data.splits import fingerprint
from dubash.evaluate.assisted import ASSISTED
from dubash.evaluate.copying import copied
from dubash.evaluate.systems import FEW_SHOT, UNTUNED, UNTUNED_FORMS, System
from dubash.model.options import SCRATCH
from dubash.recipe.load import read_resolved
from dubash.recipe.options import Recipe
from dubash.stages.common import already_made, make_translator, meaning, note_made, phase
from dubash.stages.retrieval import (
    assisted_rivals,
    guard_memory,
    keep_retrieved,
    made_of_help,
    retrieval_translator,
    retriever,
)
from dubash.stages.shots import few_shot_translator
from dubash.translate.retrieval import RetrievalTranslator

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.translate.local import LocalTranslator

LABELS = {
    UNTUNED: "untuned model",
    FEW_SHOT: "untuned model, shown training rows first",
    "S1": "tuned model",
    ASSISTED: "tuned model, shown similar segments and terms",
}
"""The systems of a run, by name."""

ADAPTER, MERGED = "S1-adapter", "S1-merged"

FORMS = {ADAPTER: "tuned model, adapter on its base", MERGED: "tuned model, adapter merged"}
"""Both forms of a tuned model that is an adapter, on request: by transformers, so that they differ
in nothing else."""

_ENGINES: dict[HeldOut, str] = {"test": "engines", "dev": "engines_on_dev"}
"""Where the manifest keeps what translated which system's rows."""


def translate_rows(
    run: RunFolder,
    recipe: Recipe,
    rows: list[Pair],
    name: str,
    load: Callable[[], LoadedModel],
    on: HeldOut = "test",
    *,
    plain: bool = False,
) -> None:
    """Translate the frozen `rows`, those of the split `on`, with one system; does nothing where
    that was done, unless transformers is to do it again (`plain`).

    Raises UserError where that was done with other rows, settings or weights.
    """
    path, made = run.hypotheses(name, on), made_of(run, recipe, rows, name)
    part = f"translate {name}" if on == "test" else f"translate {name} on {on}"
    if name in (FEW_SHOT, ASSISTED) and run.read_manifest().get("made_of", {}).get(part) != made:
        path.unlink(missing_ok=True)  # other shots or another memory: nothing hangs on it
    again, plain = plain, plain or name in FORMS
    if not again and already_made(run, part, path, made):
        return
    with phase(run, part, afresh=plain):
        with ExitStack() as stack:
            translator: LocalTranslator | RetrievalTranslator | None
            if name == FEW_SHOT:
                translator = few_shot_translator(name, recipe, load(), run, rows, plain=plain)
            elif name == ASSISTED:
                guard_memory(run, recipe, rows, on)  # it may have grown since training
                train = data.load(run.data).train
                found = stack.enter_context(retriever(run, recipe, train))
                translator = retrieval_translator(name, recipe, load(), run, found, plain=plain)
            else:
                translator = make_translator(name, recipe, load(), run, plain=plain)
            if translator is None:
                return
            sources = [pair.source for pair in rows]
            with progress(f"{(LABELS | FORMS)[name]} ({name})", len(sources)) as advance:
                hypotheses = translator.translate(sources, advance)
            if isinstance(translator, RetrievalTranslator):
                keep_retrieved(run, translator, rows, on)
        note_made(run, part, made)
        engines = run.read_manifest().get(_ENGINES[on], {})
        run.note(**{_ENGINES[on]: {**engines, name: translator.engine.label}})
        if name == UNTUNED:  # the model's folder may not be there when this is asked
            run.note(from_nothing=_random_weights(recipe))
        write_hypotheses(path, sources, hypotheses)


def by_another_engine(
    run: RunFolder, on: HeldOut = "test", among: Sequence[str] = tuple(LABELS)
) -> list[str]:
    """The systems `among` those that CTranslate2 translated where transformers had to translate
    the others: the gain would be the engine's in part."""
    engines: dict[str, str] = run.read_manifest().get(_ENGINES[on], {})
    serving = {name: label for name, label in engines.items() if name in among}
    fast = [name for name, label in serving.items() if label.startswith("ctranslate2")]
    return fast if len(fast) < len(serving) else []


def made_of(run: RunFolder, recipe: Recipe, rows: list[Pair], name: str) -> str:
    """What a system's work on these rows hangs on: the rows, the settings, and the training."""
    parts = (recipe.languages, recipe.model, recipe.method, recipe.prompt, recipe.generate)
    training = ""
    if name == FEW_SHOT:
        shots = read_json(run.data / ACCOUNT)["splits"]["train"]["fingerprint"]
        training = f"{recipe.evaluate.few_shot} of {shots}"
    elif name != UNTUNED:
        training = run.read_manifest().get("made_of", {}).get("train", "")
    if name == ASSISTED:
        training += made_of_help(recipe, read_json(run.data / ACCOUNT))
    return sha256_text(recipe.task, name, fingerprint(rows), training, *map(meaning, parts))


def read_systems(run: RunFolder, on: HeldOut = "test") -> list[System]:
    """The systems whose translations of that split are in the run folder, S0 first; for a model
    from nothing also the source itself, after the forms of S0."""
    recipe = read_resolved(run.recipe)
    shown = recipe.evaluate.few_shot > 0
    names = [name for name in LABELS if shown or name != FEW_SHOT]
    read = [read_system(run, name, on) for name in (*names, *FORMS)]
    found = [each for each in read if each]
    tuned = next((each for each in found if each.name == "S1"), None)
    if tuned and run.retrieved(on).exists():
        found += assisted_rivals(recipe, tuned, list(read_jsonl(run.retrieved(on))))
    if found and run.read_manifest().get("from_nothing", _random_weights(recipe)):
        rows = [Pair(source, "") for source in found[0].sources]
        untuned = sum(each.name in UNTUNED_FORMS for each in found)
        found.insert(untuned, copied(rows, recipe.languages.pair()))
    return found


def _random_weights(recipe: Recipe) -> bool:
    """Whether the base is a model from nothing, which no tuned one could fail to beat."""
    return (Path(recipe.model.name).expanduser() / SCRATCH).is_file()


def write_hypotheses(path: Path, sources: Sequence[str], hypotheses: Sequence[Hypothesis]) -> None:
    """A system's translations, each with its source, as a run folder keeps them."""
    made = zip(sources, hypotheses, strict=True)
    write_jsonl(path, ({"source": source, **asdict(each)} for source, each in made))


def read_system(run: RunFolder, name: str, on: HeldOut = "test") -> System | None:
    """One system of the run folder; None where it has not translated that split."""
    if not run.hypotheses(name, on).exists():
        return None
    rows = list(read_jsonl(run.hypotheses(name, on)))
    sources = [row.pop("source") for row in rows]
    return System(name, (LABELS | FORMS)[name], sources, [Hypothesis(**row) for row in rows])

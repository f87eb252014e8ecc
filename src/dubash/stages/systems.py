"""The systems of a run on its frozen test rows: translate once, keep, read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from dubash.core.files import read_json, read_jsonl, sha256_text, write_jsonl
from dubash.core.progress import progress
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis, Pair
from dubash.data.frozen import ACCOUNT
from dubash.data.splits import fingerprint
from dubash.evaluate.systems import FEW_SHOT, UNTUNED, System
from dubash.recipe.load import read_resolved
from dubash.recipe.options import Recipe
from dubash.stages.common import already_made, make_translator, meaning, note_made, phase
from dubash.stages.shots import few_shot_translator

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.translate.local import LocalTranslator

LABELS = {
    UNTUNED: "untuned model",
    FEW_SHOT: "untuned model, shown training rows first",
    "S1": "tuned model",
}
"""The systems of a run, by name."""


def translate_test(
    run: RunFolder,
    recipe: Recipe,
    test: list[Pair],
    name: str,
    load: Callable[[], LoadedModel],
    *,
    plain: bool = False,
) -> None:
    """Translate the frozen test rows with one system; does nothing where that was done, unless
    transformers is to do it again (`plain`).

    Raises UserError where that was done with other rows, settings or weights.
    """
    path, part, made = run.hypotheses(name), f"translate {name}", made_of(run, recipe, test, name)
    if name == FEW_SHOT and run.read_manifest().get("made_of", {}).get(part) != made:
        path.unlink(missing_ok=True)  # other shots make another system: nothing hangs on it
    if not plain and already_made(run, part, path, made):
        return
    with phase(run, part, afresh=plain):
        translator: LocalTranslator | None
        if name == FEW_SHOT:
            translator = few_shot_translator(name, recipe, load(), run, test, plain=plain)
        else:
            translator = make_translator(name, recipe, load(), run, plain=plain)
        if translator is None:
            return
        sources = [pair.source for pair in test]
        with progress(f"{LABELS[name]} ({name})", len(sources)) as advance:
            hypotheses = translator.translate(sources, advance)
        rows = zip(sources, hypotheses, strict=True)
        note_made(run, part, made)
        engines = run.read_manifest().get("engines", {})
        run.note(engines={**engines, name: translator.engine.label})
        write_jsonl(path, ({"source": source, **asdict(each)} for source, each in rows))


def by_another_engine(run: RunFolder) -> list[str]:
    """The systems that CTranslate2 translated where transformers had to translate the others: the
    gain would be the engine's in part."""
    engines: dict[str, str] = run.read_manifest().get("engines", {})
    fast = [name for name, label in engines.items() if label.startswith("ctranslate2")]
    return fast if len(fast) < len(engines) else []


def made_of(run: RunFolder, recipe: Recipe, test: list[Pair], name: str) -> str:
    """What a system's work on the test rows hangs on: the rows, the settings, and the training."""
    parts = (recipe.languages, recipe.model, recipe.method, recipe.prompt, recipe.generate)
    training = ""
    if name == FEW_SHOT:
        rows = read_json(run.data / ACCOUNT)["splits"]["train"]["fingerprint"]
        training = f"{recipe.evaluate.few_shot} of {rows}"
    elif name != UNTUNED:
        training = run.read_manifest().get("made_of", {}).get("train", "")
    return sha256_text(recipe.task, name, fingerprint(test), training, *map(meaning, parts))


def read_systems(run: RunFolder) -> list[System]:
    """The systems whose translations are in the run folder, S0 first."""
    shown = read_resolved(run.recipe).evaluate.few_shot > 0
    found = [read_system(run, name) for name in LABELS if shown or name != FEW_SHOT]
    return [each for each in found if each]


def read_system(run: RunFolder, name: str) -> System | None:
    """One system of the run folder; None where it has not translated."""
    if not run.hypotheses(name).exists():
        return None
    rows = list(read_jsonl(run.hypotheses(name)))
    sources = [row.pop("source") for row in rows]
    return System(name, LABELS[name], sources, [Hypothesis(**row) for row in rows])

"""`dubash train`: prepared, checked examples in, a tuned model out. Resumes by itself."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from dubash.core.files import sha256_text
from dubash.core.progress import is_main, say, silent
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data.prepare import Prepared
from dubash.recipe.load import LoadedRecipe
from dubash.recipe.options import Recipe
from dubash.report.card import write_card
from dubash.stages.check import Examples, checked_examples, refuse_on_this_machine
from dubash.stages.common import (
    alone_in,
    already_made,
    make_translator,
    meaning,
    note_made,
    phase,
    run_folder,
)
from dubash.stages.prepare import prepare
from dubash.stages.retrieval import made_of_help
from dubash.stages.trim import base_name, with_base

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.train.loop import Score
    from dubash.train.order import Step
    from dubash.train.state import State


def train(loaded: LoadedRecipe) -> RunFolder:
    """The command: data, preflight, training."""
    refuse_on_this_machine(run_folder(loaded), loaded.recipe)
    with alone_in(run_folder(loaded).path):
        run, prepared = prepare(loaded)
        examples = checked_examples(run, loaded.recipe, prepared)
        train_model(run, loaded.recipe, prepared, examples)
        if is_main():
            write_card(run, run.model)
    say(f"the tuned model is in {run.model}")
    return run


def train_model(run: RunFolder, recipe: Recipe, prepared: Prepared, examples: Examples) -> None:
    """Fine-tune, and leave the best model in the run folder; does nothing where one is.

    Raises UserError where the model there was trained on other rows or with other settings.
    """
    from dubash.model.load import load_trainable, save_tuned
    from dubash.train.loop import Loop
    from dubash.train.probe import make_collator

    made_of = fingerprint(recipe, prepared)
    if already_made(run, "train", run.model, made_of):
        return
    with phase(run, "train"):
        base = with_base(run, recipe, prepared).model
        trained = load_trainable(base, recipe.method, seed=recipe.train.seed)
        trained.display_name = base_name(recipe)
        run.note(model=describe(trained, recipe))
        counts = f"{trained.trainable_parameters:,} of {trained.total_parameters:,}"
        say(f"  {trained.display_name}: {counts} parameters are trained")
        collator = make_collator(trained, recipe.prompt.mask, examples.train)
        loop = Loop(
            trained, examples.train, examples.dev, collator, recipe.train, run, made_of,
            dev_score(recipe, trained, prepared.dev),
        )  # fmt: skip
        state = loop.train()
        if loop.accelerator.is_main_process:
            run.note(training=account(state, loop.steps, len(examples.train)))
            note_made(run, "train", made_of)
            save_tuned(trained, run.model)
        loop.accelerator.wait_for_everyone()


def account(state: State, steps: list[Step], rows: int) -> dict[str, Any]:
    """What training came to, for the manifest."""
    return {
        "steps": state.step,
        "best_step": state.best_step if state.best_step >= 0 else state.step,
        "stopped_early": state.step < len(steps),
        "epochs": round(sum(len(step.rows) for step in steps[: state.step]) / rows, 3),
        "tokens": state.tokens,
        "supervised_tokens": state.supervised_tokens,
        "skipped_steps": state.guard.skipped,
    }


def fingerprint(recipe: Recipe, prepared: Prepared) -> str:
    """What the trained weights depend on; a checkpoint of another fingerprint is not resumed."""
    parts = (recipe.model, recipe.method, recipe.prompt, recipe.train, recipe.languages)
    rows = prepared.account["splits"]
    shown = [made_of_help(recipe, prepared.account)] if recipe.train.retrieval else []
    return sha256_text(
        *map(meaning, parts), recipe.task,
        rows["train"]["fingerprint"], rows["dev"]["fingerprint"], *shown,
    )  # fmt: skip


def dev_score(recipe: Recipe, trained: LoadedModel, dev: list[Pair]) -> Score | None:
    """chrF++ of a dev sample, as the loop asks for it at each look."""
    from dubash.evaluate.metrics import chrf
    from dubash.train.sample import Sample, Scored, pick

    # drawn by the seed: the first rows would be those of one document
    sample = random.Random(recipe.train.seed).sample(dev, min(len(dev), recipe.train.dev_sample))
    if not sample or recipe.task != "translation":
        return None
    translator = make_translator("dev", recipe, trained, plain=True)
    sources, references = [pair.source for pair in sample], [pair.target for pair in sample]
    shown = pick(sources)

    def score(_model: Any) -> Scored:
        texts = [hypothesis.text for hypothesis in translator.translate(sources, silent)]
        row = Sample(sources[shown], texts[shown], references[shown])
        return Scored(chrf(texts, references), row)

    return score


def describe(loaded: LoadedModel, recipe: Recipe) -> dict[str, Any]:
    """The model's facts for the manifest."""
    from dubash.prompt.codes import language_tokens

    seq2seq = loaded.kind == "seq2seq"
    tokens = language_tokens(loaded.tokenizer, recipe.languages.pair()) if seq2seq else None
    names = loaded.tokenizer.convert_ids_to_tokens
    return {
        "name": loaded.display_name,
        "kind": loaded.kind,
        "method": recipe.method.name,
        "device": loaded.device,
        "dtype": loaded.compute_dtype,
        "parameters": loaded.total_parameters,
        "trainable": loaded.trainable_parameters,
        "languages": tokens and {"source": names(tokens.source), "target": names(tokens.target)},
    }

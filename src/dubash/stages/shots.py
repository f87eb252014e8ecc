"""S0-shots: the untuned model, shown a few training rows before each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data import prepare as data
from dubash.prompt.shots import FewShot, choose
from dubash.recipe.options import Recipe
from dubash.stages.common import TYPICAL, make_engine

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.translate.local import LocalTranslator


def asked_for(recipe: Recipe) -> bool:
    """Whether a run has this system: it translates with a decoder-only model, since the prompt of
    an encoder-decoder has no place for answers."""
    from dubash.model.load import find_kind

    return (
        recipe.task == "translation"
        and recipe.evaluate.few_shot > 0
        and find_kind(recipe.model) == "causal"
    )


def few_shot_translator(
    name: str,
    recipe: Recipe,
    loaded: LoadedModel,
    run: RunFolder,
    test: list[Pair],
    *,
    plain: bool = False,
) -> LocalTranslator | None:
    """The Translator, with as many shots as go into the model's context beside every test row;
    None where not one does."""
    from dubash.translate.local import LocalTranslator

    rows, pair = data.load(run.data).train, recipe.languages.pair()
    shots = choose(rows, recipe.evaluate.few_shot, recipe.data.seed)
    while shots:
        template = FewShot(recipe.prompt, loaded.tokenizer, pair, recipe.task, shots)
        longest = max(len(template.prompt_ids(row.source)) for row in test)
        needed = longest + recipe.generate.max_new_tokens
        if loaded.context is None or needed <= loaded.context:
            every = max(1, len(rows) // TYPICAL)
            typical = [row.source for row in rows[::every]]
            engine = make_engine(recipe, loaded, template, typical=typical, plain=plain)
            return LocalTranslator(name, template, engine)
        shots = shots[:-1]
    say(f"  {name} is left out: not one training row goes into the model's context beside a prompt")
    return None

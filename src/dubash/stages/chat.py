"""`dubash chat`: try a run's model by hand, line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dubash.core.errors import UserError
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.data.normalise import normalise, normalise_lines
from dubash.data.rows import flaw
from dubash.prompt.context import tokens_needed
from dubash.prompt.conversation import Conversation
from dubash.recipe.load import load_recipe
from dubash.recipe.options import Recipe
from dubash.stages.common import make_engine
from dubash.stages.loading import load_system
from dubash.stages.translate import MAX_LINE, existing_run

if TYPE_CHECKING:
    from dubash.engine.base import Engine
    from dubash.model.load import LoadedModel

HELP = (
    "a line is a question; /new forgets what was said, /system TEXT sets a system message, "
    "/help says this, /quit"
)


def chat(folder: Path, overrides: Sequence[str], *, untuned: bool) -> None:
    """Answer each line of standard input. Of an instruction model what was said before counts; a
    translator is asked anew with each line, as it was trained.

    Raises UserError as loading does, and where the run's model has only read text.
    """
    run = existing_run(folder)
    recipe = _recipe(run, overrides)
    loaded = load_system(run, recipe, untuned=untuned)
    pair, options = recipe.languages.pair(), recipe.prompt
    talk = Conversation(options, loaded.tokenizer, loaded.kind, pair, recipe.task)
    engine = make_engine(recipe, loaded, talk, plain=True)
    say(f"{loaded.display_name}{', untuned' if untuned else ''}: {HELP}")
    for line in _lines():
        command, _, rest = line.partition(" ")
        if command == "/quit":
            return
        if command == "/help":
            say(f"  {HELP}")
        elif command == "/new":
            talk.forget()
        elif command == "/system":
            options = options.model_copy(update={"system": rest.strip() or None})
            talk = Conversation(options, loaded.tokenizer, loaded.kind, pair, recipe.task)
        elif command.startswith("/"):
            say(f"  no such command: {HELP}")
        else:
            _answer(line, talk, engine, loaded, recipe)


def _recipe(run: RunFolder, overrides: Sequence[str]) -> Recipe:
    """The run's recipe with other settings of generation; UserError for any other setting."""
    if other := next((each for each in overrides if not each.startswith("generate.")), None):
        raise UserError(
            f"'{other}' cannot be set here.", where="command line",
            fix="Only how answers are generated can be: generate.sample=true.",
        )  # fmt: skip
    recipe = load_recipe(str(run.recipe), overrides).recipe
    if recipe.task == "text":
        raise UserError(
            "this run's model has read text (task: text); it was not tuned to answer.",
            where=str(run.path),
        )
    return recipe


def _answer(
    line: str, talk: Conversation, engine: Engine, loaded: LoadedModel, recipe: Recipe
) -> None:
    """Ask, print the answer, and say how it ended. The oldest turns give way where the context is
    full."""
    tidy = normalise if recipe.task == "translation" else normalise_lines
    question, new = tidy(line), recipe.generate.max_new_tokens
    while _too_long(loaded, prompt := talk.prompt_ids(question), new) and talk.turns:
        talk.forget(oldest=True)
    if _too_long(loaded, prompt, new):
        say(f"  {len(prompt):,} tokens do not go into the model's context with an answer")
        return
    [answer] = engine.generate([prompt])
    typer.echo(answer.text)
    sys.stdout.flush()
    if recipe.task == "instruction":
        talk.remember(question, answer.text)
    ended = {"end": "ended by itself", "limit": "stopped at the token limit"}
    rate = answer.tokens / answer.seconds if answer.seconds else 0.0
    say(
        f"  {answer.tokens} tokens, {rate:.1f} tokens/s, "
        f"{ended.get(answer.stop, 'stopped at a stop string')}"
    )


def _too_long(loaded: LoadedModel, prompt: Sequence[int], new: int) -> bool:
    """Whether the model's context does not hold the prompt with an answer."""
    needed = tokens_needed(loaded.kind, len(prompt), new)
    return loaded.context is not None and needed > loaded.context


def _lines() -> Iterator[str]:
    """Lines typed or piped in; blank ones are no questions, and none is without end."""
    asked = sys.stdin.isatty()
    while True:
        if asked:
            sys.stderr.write("› ")
            sys.stderr.flush()
        line = sys.stdin.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            raise UserError(f"a line of more than {MAX_LINE:,} characters.")
        if reason := flaw(line):
            say(f"  {reason}")
        elif line.strip():
            yield line.strip()

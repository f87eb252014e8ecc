"""`dubash translate`: text, a file or standard input through a run's model."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dubash.core.errors import DataError, UserError
from dubash.core.files import check_writable, write_text
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis
from dubash.data import prepare as data
from dubash.data.normalise import normalise, normalise_lines
from dubash.data.rows import flaw
from dubash.prompt.context import tokens_needed
from dubash.recipe.load import read_resolved
from dubash.stages.common import make_translator
from dubash.stages.loading import load_system, refuse_untuned
from dubash.stages.retrieval import retrieval_translator, retriever
from dubash.translate.retrieval import RetrievalTranslator

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.prompt.template import Template
    from dubash.translate.local import LocalTranslator

MAX_LINE = 100_000
"""Characters of a line. More is no segment, and no model's context holds it."""


def translate(
    folder: Path,
    texts: Sequence[str],
    source: Path | None,
    output: Path | None,
    *,
    untuned: bool,
    details: bool,
    alone: bool = False,
) -> None:
    """Translate segments, one a line; an empty line stays empty. A run with a memory or a glossary
    shows them to its tuned model, unless that is to translate `alone`.

    Raises UserError for a line of more than `MAX_LINE` characters, or one that the model's context
    does not hold; nothing is written then.
    """
    run = existing_run(folder)
    if read_resolved(run.recipe).task == "text":
        raise UserError(
            "this run's model has read text (task: text); it was not tuned to translate.",
            where=str(folder),
            fix="Tune it first: name its model folder as model.name in a recipe that translates.",
        )
    if output:
        check_output(output)
    segments = read_segments(texts, source)
    named = "the text given" if texts else str(source or "standard input")
    hypotheses = translate_segments(run, segments, named, untuned=untuned, alone=alone)
    lines = [
        json.dumps({"source": segment, **asdict(hypothesis)}, ensure_ascii=False)
        if details
        else " ".join(hypothesis.text.split())
        for segment, hypothesis in zip(segments, hypotheses, strict=True)
    ]
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        sys.stdout.write(text)
    elif output.exists() and not output.is_file():  # a device or a pipe, not to be replaced
        output.write_text(text, encoding="utf-8")
    else:
        write_text(output.resolve(), text)


def check_output(path: Path) -> None:
    """Raise UserError where `path` could not be written, before the work is done."""
    if path.is_dir():
        raise UserError("this is a folder.", where=str(path), fix="Give --output a file's name.")
    if path.exists() and not path.is_file():  # a device or a pipe, which is written to itself
        if not os.access(path, os.W_OK):
            raise UserError("no permission to write here.", where=str(path))
    else:
        check_writable(path.resolve())


def existing_run(folder: Path) -> RunFolder:
    """A run folder that was made before; UserError where it is none."""
    run = RunFolder(folder)
    if not run.recipe.exists() or "name" not in run.read_manifest():
        lacking = "manifest.json of a run" if run.recipe.exists() else "recipe.yaml"
        raise UserError(
            f"not a run folder (it holds no {lacking}).",
            where=str(folder),
            fix="Give the folder of a run, such as runs/demo.",
        )
    return run


def read_segments(texts: Sequence[str], source: Path | None) -> list[str]:
    """The segments to translate: those given, or the lines of a file or of standard input."""
    if texts and source:
        raise UserError("give segments or --input, not both.")
    if texts:
        broken = next((reason for text in texts if (reason := flaw(text))), None)
        if broken:
            raise DataError(f"{broken}.", where="the text given")
        return list(texts)
    if source is None and sys.stdin.isatty():
        raise UserError("nothing to translate.", fix="Give text, --input FILE, or pipe text in.")
    raw = sys.stdin.buffer.read() if source is None else source.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8 text (byte {error.start}).", where=str(source or "standard input")
        ) from None
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


_NOTHING = Hypothesis("", "end", 0, 0.0)


def translate_segments(
    run: RunFolder, segments: Sequence[str], named: str, *, untuned: bool, alone: bool = False
) -> list[Hypothesis]:
    """Load the run's model and translate, normalised as the data was that it was trained on;
    empty segments give empty hypotheses at no cost. `named` is what messages call their source.

    Raises UserError as `translate` does.
    """
    recipe = read_resolved(run.recipe)
    if not untuned:
        refuse_untuned(run)
    for number, segment in enumerate(segments, start=1):
        if len(segment) > MAX_LINE:
            raise UserError(
                f"a line of {len(segment):,} characters; {MAX_LINE:,} are the most.",
                where=f"{named}:{number}",
                fix="Give one segment a line.",
            )
    tidy = normalise if recipe.task == "translation" else normalise_lines
    lines = {at: tidied for at, each in enumerate(segments, start=1) if (tidied := tidy(each))}
    if not lines:
        return [_NOTHING for _ in segments]
    loaded = load_system(run, recipe, untuned=untuned)
    with ExitStack() as stack:
        translator: LocalTranslator | RetrievalTranslator
        if recipe.retrieval and not untuned and not alone:
            looked_up = stack.enter_context(retriever(run, recipe, data.load(run.data).train))
            translator = retrieval_translator("S2", recipe, loaded, run, looked_up)
        else:
            translator = make_translator("S0" if untuned else "S1", recipe, loaded, run)
        check_room(translator.template, loaded, lines, recipe.generate.max_new_tokens, named)
        with progress("translate", len(lines)) as advance:
            made = translator.translate(list(lines.values()), advance)
        found = dict(zip(lines, made, strict=True))
        if isinstance(translator, RetrievalTranslator):
            tell_help(translator, list(lines.values()))
    if not untuned:
        tell_long(translator.template, lines, recipe.prompt.max_tokens, named)
    tell_cut(found, recipe.generate.max_new_tokens, named)
    return [found.get(number, _NOTHING) for number in range(1, len(segments) + 1)]


def tell_help(translator: RetrievalTranslator, lines: Sequence[str]) -> None:
    """Say what of memory and glossary the segments were translated with."""
    asked = [line for line in lines if translator.retriever.find(line).exact is None]
    shown = [translator.template.shown(line) for line in asked]
    exact = len(lines) - len(asked)
    near, terms = sum(bool(each.matches) for each in shown), sum(bool(each.terms) for each in shown)
    say(
        f"of {len(lines)} segments {exact} are in the memory and taken as they are, {near} were "
        f"translated beside a near match and {terms} with terms"
    )


def tell_long(template: Template, lines: Mapping[int, str], most: int, named: str) -> None:
    """Say how many sources are longer than the longest row that the model was trained on."""
    long = [at for at, line in lines.items() if len(template.prompt_ids(line)) > most]
    if long:
        say(
            f"{len(long)} of {len(lines)} sources are over prompt.max_tokens={most}, longer than "
            f"anything it was trained on; split them into sentences (the first: {named}:{long[0]})"
        )


def tell_cut(found: Mapping[int, Hypothesis], most: int, named: str) -> None:
    """Say how many translations did not come to their end."""
    cut = [at for at, hypothesis in found.items() if hypothesis.stop == "limit"]
    if cut:
        say(
            f"{len(cut)} of {len(found)} translations stopped at generate.max_new_tokens={most} "
            f"(the first: {named}:{cut[0]})"
        )


def check_room(
    template: Template, loaded: LoadedModel, lines: Mapping[int, str], new: int, named: str
) -> None:
    """Raise UserError for a line (by number) whose prompt leaves the model's context no room for
    `new` tokens."""
    context = loaded.context
    if context is None:
        return
    for number, line in lines.items():
        prompt = len(template.prompt_ids(line))
        if tokens_needed(loaded.kind, prompt, new) > context:
            raise UserError(
                f"its prompt of {prompt} tokens and generate.max_new_tokens ({new}) do not go "
                f"into the model's context of {context}.",
                where=f"{named}:{number}",
                fix="Give one segment a line, or split it.",
            )

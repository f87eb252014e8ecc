"""`dubash probe`: ask the untuned and the tuned model the same questions, and say what changed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from dubash.core.errors import UserError
from dubash.core.files import read_jsonl, sha256_text, write_json, write_jsonl
from dubash.core.progress import progress
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis
from dubash.data import prepare as data
from dubash.data.normalise import normalise_lines
from dubash.engine.options import GenerateOptions
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.command import CommandMetric
from dubash.evaluate.options import CommandOptions
from dubash.evaluate.probe.account import AFTER, BEFORE, Rules, account
from dubash.evaluate.probe.questions import (
    Placed,
    Question,
    read_questions,
    shipped,
    shipped_languages,
)
from dubash.evaluate.probe.table import probe_table
from dubash.recipe.load import read_resolved
from dubash.recipe.options import Recipe
from dubash.report.facts import redact
from dubash.report.probe import write_probe
from dubash.stages.common import alone_in, make_engine, make_template, meaning, note_made, phase
from dubash.stages.loading import load_system
from dubash.stages.translate import check_room, existing_run

KEPT_SETTINGS = {"max_new_tokens", "repetition_penalty", "stop_strings", "batch_tokens"}
"""Of the recipe's settings of generation; questions are always answered greedily."""

AT_A_TIME = 64
"""Answers that a kill may cost."""


def probe(
    folder: Path, questions: Path | None, languages: Sequence[str], judge: str | None
) -> None:
    """Ask, diagnose, print a table, write `probe.json` and `probe.html` into the run folder.

    Without `questions`, a file, the shipped ones; `languages` are the codes to ask in, else the
    run's own (of a file all). `judge` is a program and its arguments as one line.

    Raises UserError for a run that was not tuned on instructions, DataError for a broken file of
    questions, MetricError for a judge that does not do its work.
    """
    run = existing_run(folder)
    recipe = _recipe(run)
    placed = _questions(questions, languages, recipe)
    judging = _judge(judge) if judge else None
    with alone_in(folder), phase(run, "probe", afresh=True):
        asked = [each.question for each in placed]
        rules = _rules(run, recipe)
        before = Answers(run, recipe, BEFORE, placed)
        first = before.ask([each.question for each in asked])
        failed = rules.not_right(asked, first)
        before.ask([text for each in failed for text in each.paraphrases])
        after = Answers(run, recipe, AFTER, placed)
        after.ask([each.question for each in asked])
        answers = {BEFORE: before.kept, AFTER: after.kept}
        judged = _judged(judging, asked, answers) if judging else {}
        content = account(asked, answers, rules, judged) | {
            "run": recipe.run.name,
            "set": redact(str(questions)) if questions else "shipped",
            "sha256": sha256_text(*(each.model_dump_json() for each in asked)),
            "judge": {"signature": judging.signature} if judging else None,
        }
        write_json(run.probe, content)
        write_probe(content, run.probe_page)
    typer.echo("\n" + probe_table(content))
    typer.echo(f"page: {run.probe_page}")


def _recipe(run: RunFolder) -> Recipe:
    """The run's recipe, answering greedily by transformers, before and after alike."""
    recipe = read_resolved(run.recipe)
    if recipe.task != "instruction":
        raise UserError(
            f"this run's task is {recipe.task}; questions are asked of a model tuned to answer "
            "them (task: instruction).",
            where=str(run.path),
        )
    if not run.model.exists():
        raise UserError("this run has no tuned model yet.", where=str(run.path), fix="Train first.")
    kept = recipe.generate.model_dump(include=KEPT_SETTINGS)
    return recipe.model_copy(update={"generate": GenerateOptions(engine="transformers", **kept)})


def _questions(file: Path | None, languages: Sequence[str], recipe: Recipe) -> list[Placed]:
    """What is asked; UserError where that is nothing."""
    pair = recipe.languages.pair()
    own = [pair.target.code, pair.source.code]
    found = read_questions(file) if file else shipped(languages or own)
    if languages:
        found = [each for each in found if each.question.language in languages]
    without = [code for code in languages if code not in {p.question.language for p in found}]
    if without or not found:
        none = ", ".join(without or dict.fromkeys(own))
        fix = f"Questions ship in {', '.join(shipped_languages())}: name some with --languages, "
        raise UserError(
            f"no questions in {none}.", where=str(file or "--languages"),
            fix="" if file else f"{fix}or give a file of your own with --questions.",
        )  # fmt: skip
    return found


def _rules(run: RunFolder, recipe: Recipe) -> Rules:
    options = recipe.evaluate.behaviour
    train = data.load(run.data).train
    return Rules(TrainingIndex(train, recipe.languages.pair().target, options), options)


class Answers:
    """A system's answers by wording, kept in the run folder and tied to what they were made of."""

    def __init__(self, run: RunFolder, recipe: Recipe, name: str, placed: Sequence[Placed]) -> None:
        """Those that are there are read; where they were made of something else they are made
        again."""
        self._run, self._recipe, self._name, self._placed = run, recipe, name, placed
        self._path, part, made = run.answers(name), f"probe {name}", _made_of(run, recipe, name)
        if run.read_manifest().get("made_of", {}).get(part) != made:
            self._path.unlink(missing_ok=True)
            note_made(run, part, made)
        rows = list(read_jsonl(self._path)) if self._path.exists() else []
        self.kept = {row.pop("question"): Hypothesis(**row) for row in rows}
        self._generate: Callable[[Sequence[str]], list[Hypothesis]] | None = None

    def ask(self, wordings: Sequence[str]) -> Mapping[str, Hypothesis]:
        """All answers, after those that are lacking were made; the model is loaded for them only.

        Raises UserError for a question that the model's context does not hold with an answer.
        """
        lacking = [text for text in dict.fromkeys(wordings) if text not in self.kept]
        if not lacking:
            return self.kept
        generate = self._generate = self._generate or self._loaded()
        with progress(f"questions to {self._name}", len(lacking), "questions") as advance:
            for start in range(0, len(lacking), AT_A_TIME):
                some = lacking[start : start + AT_A_TIME]
                self.kept |= dict(zip(some, generate(some), strict=True))
                rows = ({"question": text, **asdict(it)} for text, it in self.kept.items())
                write_jsonl(self._path, rows)
                advance(len(some))
        return self.kept

    def _loaded(self) -> Callable[[Sequence[str]], list[Hypothesis]]:
        loaded = load_system(self._run, self._recipe, untuned=self._name == BEFORE)
        template = make_template(self._recipe, loaded.tokenizer, loaded.kind)
        engine = make_engine(self._recipe, loaded, template, plain=True)
        new = self._recipe.generate.max_new_tokens
        for each in self._placed:
            for text in each.question.wordings:
                check_room(template, loaded, {each.line: normalise_lines(text)}, new, each.path)
        return lambda texts: engine.generate(
            [template.prompt_ids(normalise_lines(text)) for text in texts]
        )


def _made_of(run: RunFolder, recipe: Recipe, name: str) -> str:
    """What an answer hangs on, besides its question: the settings, and the training."""
    parts = (recipe.languages, recipe.model, recipe.method, recipe.prompt, recipe.generate)
    training = run.read_manifest().get("made_of", {}).get("train", "") if name == AFTER else ""
    return sha256_text(name, training, *map(meaning, parts))


def _judge(line: str) -> CommandMetric:
    """The judge's program, which no shell reads; UserError where there is none."""
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise UserError(f"{error}.", where="--judge") from None
    if not words:
        raise UserError("no program is named.", where="--judge", fix='As in "python judge.py".')
    judge = CommandMetric(
        CommandOptions(name="judge", command=words, higher_is_better=True), where="--judge"
    )
    judge.check()
    return judge


def _judged(
    judge: CommandMetric,
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, Hypothesis]],
) -> dict[tuple[str, int], float]:
    """The judge's number for each answer, by system and place of the question."""
    places = [(name, at) for name in (BEFORE, AFTER) for at in range(len(questions))]
    rows: list[dict[str, Any]] = [
        {
            "question": questions[at].question,
            "answer": answers[name][questions[at].question].text,
            "accepted": list(questions[at].accept),
        }
        for name, at in places
    ]
    return dict(zip(places, judge.numbers(rows), strict=True))

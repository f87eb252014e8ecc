"""`dubash evaluate`: score a run's systems on the same frozen rows, or any files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dubash.core.errors import ComparisonError, UserError
from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl, write_text
from dubash.core.languages import LanguagePair, language
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.core.types import HeldOut, Hypothesis, Pair
from dubash.data import prepare as data
from dubash.data.overlap import in_common
from dubash.evaluate.assisted import ASSISTED
from dubash.evaluate.chosen import check_metrics, row_metrics
from dubash.evaluate.comparison import Comparison, compare
from dubash.evaluate.strata import strata
from dubash.evaluate.systems import FEW_SHOT, UNTUNED, System
from dubash.evaluate.table import bits_table, scores_table
from dubash.evaluate.terminology import METRIC, add_terminology
from dubash.memory.glossary import Glossary, read_glossary
from dubash.prompt.leftovers import leftovers
from dubash.recipe.load import evaluate_settings, read_resolved, resolved_yaml, with_evaluate
from dubash.recipe.options import Recipe
from dubash.report.card import write_card
from dubash.report.html import write_report
from dubash.report.markdown import write_markdown
from dubash.stages.check import load_tokenizer_and_kind
from dubash.stages.common import alone_in, make_template, phase
from dubash.stages.glossary import check_glossary, glossary_of, tell_faults
from dubash.stages.hypotheses import read_lines
from dubash.stages.loading import load_system
from dubash.stages.looks import note_look
from dubash.stages.retrieval import memory_facts
from dubash.stages.shots import asked_for
from dubash.stages.systems import (
    ADAPTER,
    LABELS,
    MERGED,
    by_another_engine,
    read_systems,
    translate_rows,
)
from dubash.stages.text import compare_test, read_test
from dubash.stages.translate import existing_run
from dubash.stages.trim import tuned_on

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel


def evaluate_run(folder: Path, overrides: Sequence[str] = (), *, forms: bool = False) -> None:
    """Put the test rows through what has not had them, score, write report, print the table.

    Overrides of `evaluate.` settings become the run's own: its recipe says how its scores were
    made, and they are all made again. With `forms` the adapter translates by itself and merged as
    well. Raises UserError where the run has none.
    """
    run = existing_run(folder)
    recipe = read_resolved(run.recipe)
    if overrides:
        recipe = with_evaluate(recipe, overrides)
    if forms and (recipe.method.name == "full" or recipe.task == "text" or not run.model.exists()):
        raise UserError("this run has no adapter that translates.", where=str(folder))
    prepared = data.load(run.data)
    with alone_in(folder):
        if recipe.task != "text":
            check_metrics(recipe.languages.pair().target, recipe.evaluate)
        for each in recipe.evaluate.commands:  # the run's folder may come from anybody
            say(f"  metric {each.name} runs a program: {shlex.join(each.command)}")
        check_glossary(recipe)
        if overrides:
            write_text(run.recipe, resolved_yaml(recipe, run.path))
        if not run.model.exists():
            say("this run has no tuned model yet: S0 alone is scored")
        translate_systems(run, recipe, prepared.test)
        if forms:
            translate_forms(run, recipe, prepared.test)
        score(run, recipe, prepared.test, prepared.train)
        if run.model.exists():
            write_card(run, run.model)
        report = write_report(run)
        write_markdown(run)
    typer.echo(closing_table(run))
    typer.echo(f"report: {report}")


def evaluate_dev(folder: Path) -> None:
    """Put the dev rows through what has not had them, and print how the systems do on them.

    Neither scores nor report change, and it is no look at the test rows. Raises UserError for a run
    that reads text, or has no dev rows.
    """
    run = existing_run(folder)
    recipe = read_resolved(run.recipe)
    if recipe.task == "text":
        raise UserError("this run reads text and translates nothing.", where=str(folder))
    prepared = data.load(run.data)
    if not prepared.dev:
        raise UserError("this run has no dev rows.", where=str(folder))
    with alone_in(folder):
        check_metrics(recipe.languages.pair().target, recipe.evaluate)
        translate_systems(run, recipe, prepared.dev, on="dev")
        found = compare_rows(run, recipe, prepared.dev, prepared.train, "dev")
    typer.echo("\n" + scores_table({**found.scores, "on": "dev"}))


def translate_systems(
    run: RunFolder,
    recipe: Recipe,
    rows: list[Pair],
    names: Sequence[str] = tuple(LABELS),
    on: HeldOut = "test",
) -> None:
    """S0 and its form with shots, and S1 where the run has a tuned model, on the frozen rows of a
    split; with task: text they read the rows instead."""

    def load(name: str) -> LoadedModel:
        return load_system(run, recipe, untuned=name in (UNTUNED, FEW_SHOT))

    for name in names:
        if name in ("S1", ASSISTED) and not run.model.exists():
            continue
        if name == ASSISTED and recipe.retrieval is None:
            continue
        if name == FEW_SHOT and not asked_for(recipe):
            continue
        if recipe.task == "text":
            read_test(run, recipe, rows, name, partial(load, name))
        else:
            translate_rows(run, recipe, rows, name, partial(load, name), on)
    for name in by_another_engine(run, on):
        say(f"  {name} by transformers as well: CTranslate2 could not serve the other system")
        translate_rows(run, recipe, rows, name, partial(load, name), on, plain=True)


def translate_forms(run: RunFolder, recipe: Recipe, rows: list[Pair]) -> None:
    """The run's adapter on its base, and merged into it, each by transformers."""
    from dubash.model.load import load_merged, load_tuned

    base = tuned_on(run, recipe).model
    for name, load in ((ADAPTER, load_tuned), (MERGED, load_merged)):
        translate_rows(run, recipe, rows, name, partial(load, base, recipe.method, run.model))


def score(run: RunFolder, recipe: Recipe, test: list[Pair], train: list[Pair]) -> None:
    """Compare the run's systems on identical rows; writes `scores.json` and `rows.jsonl`. The
    training rows tell what a system learnt by heart."""
    with phase(run, "evaluate", afresh=True):
        if recipe.task == "text":
            found = compare_test(run, recipe, test)
        else:
            found = compare_rows(run, recipe, test, train)
            about = found.scores.get(METRIC) or {}
            noted = {key: about[key] for key in ("glossary", "sha256") if key in about}
            if noted != run.read_manifest().get("glossary", {}):
                run.note(glossary=noted)
        write_jsonl(run.rows, found.rows)
        write_json(run.scores, found.scores)
        if recipe.task != "text" and run.hypotheses("S1").exists():
            run.note(looks=note_look(run, found.scores["rows_fingerprint"]))


def compare_rows(
    run: RunFolder, recipe: Recipe, rows: list[Pair], train: list[Pair], on: HeldOut = "test"
) -> Comparison:
    """The run's systems on the rows of a split, with the terms of its glossary where it has one."""
    template = make_template(recipe, *load_tokenizer_and_kind(recipe))
    systems, pieces = read_systems(run, on), leftovers(template)
    found = compare_systems(recipe, rows, systems, pieces, train, glossary_of(recipe))
    if any(each.name == ASSISTED for each in systems):
        retrieved = list(read_jsonl(run.retrieved(on)))
        languages = recipe.languages.pair()
        found.scores["strata"] = strata(rows, systems, retrieved, languages, recipe.evaluate)
        found.scores["memory"] = memory_facts(run, recipe)
    return found


def compare_systems(
    recipe: Recipe,
    rows: list[Pair],
    systems: Sequence[System],
    pieces: Sequence[str],
    train: list[Pair],
    glossary: Glossary | None,
) -> Comparison:
    """As `compare_rows`, of systems that are at hand; `pieces` are what of the prompt may be left
    over."""
    languages, options = recipe.languages.pair(), recipe.evaluate
    found = compare(rows, systems, languages, options, pieces, row_metrics(options), train)
    if glossary:
        found = add_terminology(found, rows, systems, glossary, options)
        if shown := glossary.examples:
            shared = in_common(shown, rows, recipe.data.near_duplicate)
            found.scores["glossary_examples"] = {"given": len(shown), **shared}
    return found


def closing_table(run: RunFolder) -> str:
    """The short table that ends a run."""
    scores = read_json(run.scores)
    return "\n" + (bits_table if scores.get("task") == "text" else scores_table)(scores)


def evaluate_files(
    hypotheses: Path | None,
    references: Path | None,
    sources: Path | None,
    target: str | None,
    overrides: Sequence[str] = (),
    *,
    source: str | None = None,
    glossary: Path | None = None,
) -> None:
    """Score a hypothesis file against a reference file, line by line; overrides are settings of
    `evaluate.` over their defaults. With sources, their language and a glossary also by its terms.
    """
    options = evaluate_settings(overrides)
    glossary = glossary or (Path(options.glossary) if options.glossary else None)
    if hypotheses is None or references is None or target is None:
        raise UserError(
            "nothing to evaluate.",
            fix="Give a run folder, or --hypotheses, --references and --target.",
        )
    if glossary and not (sources and source):
        raise UserError(
            "the terms of a glossary are looked for in the sources.",
            fix="Give --sources, and their language as --source.",
        )
    pair = LanguagePair(language(source), language(target)) if source else None
    terms = read_glossary(glossary, str(glossary), pair) if glossary and pair else None
    if terms:
        tell_faults(terms)
    rows, system = _rows_and_system(hypotheses, references, sources)
    others = row_metrics(options)
    found = compare(rows, [system], pair or language(target), options, others=others)
    if terms:
        found = add_terminology(found, rows, [system], terms, options)
    typer.echo(scores_table(found.scores))
    scored = found.scores["systems"][0]
    for metric in (*scored["scores"].values(), scored.get(METRIC, {})):
        if "signature" in metric:
            typer.echo(metric["signature"])


def _rows_and_system(
    hypotheses: Path, references: Path, sources: Path | None
) -> tuple[list[Pair], System]:
    """The files line by line; ComparisonError where they are not of the same rows."""
    texts, wanted = read_lines(hypotheses), read_lines(references)
    asked = read_lines(sources) if sources else [""] * len(wanted)
    if not len(texts) == len(wanted) == len(asked):
        raise ComparisonError(
            f"{len(texts)} hypotheses, {len(wanted)} references"
            + (f", {len(asked)} sources" if sources else "")
            + ": these are not the same rows.",
            where=str(hypotheses),
        )
    rows = [
        Pair(source, reference, origin=f"{references}:{number}")
        for number, (source, reference) in enumerate(zip(asked, wanted, strict=True), start=1)
    ]
    outputs = [Hypothesis(text, "end", 0, 0.0) for text in texts]
    return rows, System(hypotheses.name, "hypothesis file", asked, outputs, measured=False)

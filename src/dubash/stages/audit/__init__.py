"""`dubash audit`: what another tool made, under the checks that a run of dubash's own passes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from dubash.core.errors import UserError
from dubash.core.files import write_json, write_jsonl
from dubash.core.run import RunFolder, commit, machine, versions
from dubash.core.terminal import safe_line
from dubash.core.types import Pair
from dubash.data.frozen import Prepared
from dubash.data.leaks import leaked_test_rows
from dubash.data.taken import take
from dubash.evaluate.chosen import check_metrics
from dubash.evaluate.metrics import chrf
from dubash.evaluate.systems import System, with_cut
from dubash.evaluate.table import scores_table
from dubash.evaluate.verdict import judge
from dubash.memory.glossary import Glossary
from dubash.memory.lint import lint
from dubash.recipe.options import Recipe
from dubash.report.facts import read_facts
from dubash.report.html import write_report
from dubash.report.markdown import write_markdown
from dubash.report.worries import summary, worries
from dubash.report.worry import Worry
from dubash.stages.audit.asked import Asked, entries, settings
from dubash.stages.audit.findings import (
    Finding,
    about_glossary,
    about_leaked,
    about_rows,
)
from dubash.stages.audit.model import about_model, pieces_of, systems, template_of
from dubash.stages.audit.tokens import about_tokens
from dubash.stages.common import alone_in, binds, phase
from dubash.stages.evaluate import compare_systems
from dubash.stages.glossary import glossary_of
from dubash.stages.looks import note_look
from dubash.stages.translate import check_output
from dubash.stages.verdict import describe, evidence

FAULTY = 4
"""The exit status where a fault was found; 0 where there is none, 2 is that of an error, 1 that of
Python's own failures."""


def audit(asked: Asked, overrides: Sequence[str]) -> int:
    """Look for leaks, check the rows as trained and the model's files, translate, compare; keep it
    all in a folder and say what was found. Returns the exit status.

    Raises UserError for whatever cannot be read or loaded: half an audit would be none.
    """
    recipe = settings(asked, overrides)
    pair = recipe.languages.pair()
    run = _folder(asked.out)
    glossary = glossary_of(recipe)
    check_metrics(pair.target, recipe.evaluate)
    template = template_of(asked, recipe)
    with alone_in(run.path), _none_left(run, asked):
        with phase(run, "rows", afresh=True):
            rows = take(entries(asked), recipe.data, pair, run.data, unused=not binds(run))
        run.note(
            name=f"audit of {asked.subject}", versions=versions(), machine=machine(),
            commit=commit(),
        )  # fmt: skip
        findings = about_rows(rows.account)
        findings += about_glossary(lint(glossary, rows.test)) if glossary else []
        findings += about_tokens(asked.tokens, recipe, template)
        findings += about_model(asked, recipe, template)
        found = systems(asked, recipe, run, rows)
        test, clean = _unleaked(rows, found)
        if not (clean and test):  # an earlier audit in this folder may have had some
            run.scores.unlink(missing_ok=True)
            run.rows.unlink(missing_ok=True)
        else:
            scores = _score(run, recipe, test, clean, rows.train, glossary, pieces_of(template))
            if len(test) < len(rows.test):
                references = [row.target for row in rows.test]
                whole = {
                    each.name: chrf([one.text for one in each.hypotheses], references)
                    for each in with_cut(found)
                }
                findings.append(about_leaked(whole, scores))
            typer.echo(f"\n{scores_table(scores)}")
            if "chrf++" in scores["differences"].get("S1", {}):
                judged = judge([evidence(run)], recipe.evaluate.verdict)
                typer.echo("\n".join(["", *describe(judged)]))
        unused = {"train", "run", "data"} | ({"model", "method"} if template is None else set())
        settings_used = recipe.model_dump(mode="json", exclude_none=True, exclude=unused)
        worried, lines = _write(run, asked, settings_used, findings)
    typer.echo("\n".join(["", *lines, f"report: {run.report}"]))
    return FAULTY if any(each.severity == "fault" for each in worried) else 0


@contextmanager
def _none_left(run: RunFolder, asked: Asked) -> Iterator[None]:
    """What was made goes again where something is refused, the folder too if it was not there
    before, unless a model has translated: that took long, and the same command again keeps it."""
    new = not run.path.exists()
    made = [each for each in _ours(run) if not each.exists()]
    try:
        yield
    except UserError:
        if not (asked.served and binds(run)):
            for each in [run.path] if new else made:  # others may write into a folder of theirs
                if each.is_dir():
                    shutil.rmtree(each)
                else:
                    each.unlink(missing_ok=True)
        raise


def _folder(out: Path) -> RunFolder:
    """The audit's folder; UserError where it is a run's, where it holds files of others that an
    audit would replace, or where nothing can be written."""
    if (out / "recipe.yaml").exists():
        raise UserError("this is a run's own folder.", where=str(out), fix="Name another --out.")
    run = RunFolder(out)
    begun = run.manifest.is_file() and "phases" in run.read_manifest()
    theirs = [] if begun else [each.name for each in _ours(run) if each.exists()]
    if theirs:
        raise UserError(
            f"an audit would replace {theirs[0]}, which no audit has written.",
            where=str(out), fix="Name another --out.",
        )  # fmt: skip
    check_output(out / "audit.json")
    return run


def _ours(run: RunFolder) -> list[Path]:
    """What an audit writes into its folder."""
    return [
        run.data, run.manifest, run.translations, run.scores, run.rows, run.report, run.summary,
        run.path / "audit.json",
    ]  # fmt: skip


def _unleaked(rows: Prepared, found: Sequence[System]) -> tuple[list[Pair], list[System]]:
    """The test rows that stand in no training row, and the systems on those: a score on others
    says nothing."""
    leaked = set(leaked_test_rows(rows.account["leaks"]))
    kept = [number for number in range(len(rows.test)) if number not in leaked]
    clean = [
        System(
            each.name, each.label, [each.sources[at] for at in kept],
            [each.hypotheses[at] for at in kept], each.measured,
        )
        for each in found
    ]  # fmt: skip
    return [rows.test[at] for at in kept], clean


def _score(
    run: RunFolder,
    recipe: Recipe,
    test: list[Pair],
    found: list[System],
    train: list[Pair],
    glossary: Glossary | None,
    pieces: list[str],
) -> dict[str, Any]:
    """Compare the systems; writes `scores.json` and `rows.jsonl`, with each row's line in the test
    file."""
    with phase(run, "evaluate", afresh=True):
        compared = compare_systems(recipe, test, found, pieces, train, glossary)
        for record, row in zip(compared.rows, test, strict=True):
            record["line"] = int(row.origin.rpartition(":")[2])  # where its reader looks for it
        write_jsonl(run.rows, compared.rows)
        write_json(run.scores, compared.scores)
        if run.hypotheses("S1").exists():
            run.note(looks=note_look(run, compared.scores["rows_fingerprint"]))
    return compared.scores


def _write(
    run: RunFolder, asked: Asked, used: dict[str, Any], findings: Sequence[Finding]
) -> tuple[list[Worry], list[str]]:
    """Write `audit.json`, with all that there is to worry about, and the report; return that, and
    it in lines to read."""
    file = run.path / "audit.json"
    content = {"asked": asked.as_written(), "settings": used}
    write_json(file, content | {"findings": [asdict(each) for each in findings]})
    facts = read_facts(run)
    worried = worries(facts)
    told = [Finding(each.severity, each.name, each.text, each.evidence) for each in worried]
    write_json(file, content | {"findings": [asdict(each) for each in told]})
    write_report(run)
    write_markdown(run)
    return worried, [summary(facts, worried), *_told(told)]


def _told(findings: Sequence[Finding]) -> list[str]:
    """The findings in lines to read, in their order."""
    lines = []
    for each in findings:
        lines.append(f"{each.severity.upper():8} {each.about}: {safe_line(each.text, 300)}")
        lines += [f"         {safe_line(line, 300)}" for line in each.evidence[:3]]
    return lines

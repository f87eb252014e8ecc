"""`dubash compare`: runs and hypothesis files on identical rows, each against each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import typer

from dubash.core.errors import ComparisonError, RecipeError, UserError
from dubash.core.files import write_json, write_jsonl
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.core.types import HeldOut, Pair
from dubash.data import prepare as data
from dubash.evaluate.chosen import check_metrics, row_metrics
from dubash.evaluate.comparison import compare
from dubash.evaluate.matrix import latency, pairwise, same_texts, without_same_cuts
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import COPY, FEW_SHOT, UNTUNED, System, cut_form
from dubash.evaluate.table import WIDTH
from dubash.evaluate.table_matrix import matrix_table
from dubash.recipe.load import read_resolved
from dubash.recipe.options import Recipe
from dubash.report.versus import caution, headline, write_comparison
from dubash.stages.common import settings_by_key
from dubash.stages.hypotheses import system_of
from dubash.stages.looks import looks
from dubash.stages.systems import read_systems
from dubash.stages.translate import check_output, existing_run

SHOWN = 5
"""Rows that differ, as a refusal names them."""

NOT_STUDIED = ("data.train.",)
"""Settings whose differences are told by the rows themselves."""

MOST_SYSTEMS = 24
"""Systems at most: each is tested against each."""

MOST_DRAWS = 20_000

DRAWS_A_PAIR = 100
"""Drawn test sets for each pair of systems at least: an adjusted p has to be able to be small."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A run with what it is compared by."""

    name: str
    run: RunFolder
    recipe: Recipe
    rows: list[Pair]
    trained_on: str
    systems: list[System]


def compare_runs(
    folders: Sequence[Path],
    files: Sequence[str],
    out: Path | None,
    under: str | None,
    on: HeldOut = "test",
) -> None:
    """Compare the systems of these runs, and files of hypotheses of the same rows: the test rows,
    or the dev rows, which use up no test set.

    Writes compare.json, compare.html, compare.md and rows.jsonl to `out`. Raises ComparisonError
    for runs of other rows, naming them, and UserError as reading does.
    """
    if out is not None:
        if (out / "recipe.yaml").exists():
            raise UserError(
                "this is a run's own folder.", where=str(out), fix="Name another --out."
            )
        check_output(out / "compare.json")
    named = zip(folders, _names(folders), strict=True)
    sides = [_side(folder, name, on) for folder, name in named]
    first = sides[0]
    for other in sides[1:]:
        refuse_other_rows(first.name, first.rows, other.name, other.rows, on)
    pair = first.recipe.languages.pair()
    # a run's folder may come from anybody: what programs it names are not run here
    options: EvaluateOptions = first.recipe.evaluate.model_copy(update={"commands": ()})
    differ = confounds(sides, under)
    check_metrics(pair.target, options)
    systems = join(sides) + [_file(each, first.rows, on) for each in files]
    if len(systems) < 2:
        raise ComparisonError(
            "there is one system only.", where=str(first.run.path),
            fix="Name several runs, a run that is trained, or a file with --with NAME=FILE.",
        )  # fmt: skip
    if len(systems) > MOST_SYSTEMS:
        raise ComparisonError(
            f"{len(systems)} systems; {MOST_SYSTEMS} are the most.",
            fix="Compare fewer runs at a time.",
        )
    pairs = len(systems) * (len(systems) - 1) // 2
    draws = min(max(options.bootstrap_samples, DRAWS_A_PAIR * pairs), MOST_DRAWS)
    drawn = options.model_copy(update={"bootstrap_samples": max(draws, options.bootstrap_samples)})
    found = without_same_cuts(compare(first.rows, systems, pair, drawn, (), row_metrics(drawn)))
    content = found.scores | {
        "differences": {},  # those from S0 are among the pairs, adjusted for their number
        "pairs": pairwise(found, drawn, options.bootstrap_samples),
        "on": on,
        "looks": _looked(sides, found.scores["rows_fingerprint"], on),
        "latency": {each.name: latency(each) for each in systems},
        "runs": [str(each.run.path) for each in sides],
        **differ,
    }
    typer.echo("\n".join([matrix_table(content), "", *_in_short(content)]))
    if out is not None:  # made once nothing is refused any more
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "compare.json", content)
        write_jsonl(out / "rows.jsonl", found.rows)
        for path in write_comparison(content, found.rows, out):
            typer.echo(f"written: {path}")


def _in_short(content: dict[str, Any]) -> list[str]:
    """What `compare.md` begins with, wrapped: the headline, and the caution where there is one."""
    said = [headline(content), caution(content)]
    return [fill(each, WIDTH, break_on_hyphens=False) for each in said if each]


def _looked(sides: Sequence[_Side], rows: str, on: HeldOut) -> int:
    """The looks at these test rows, beside all runs; dev rows are there to be looked at."""
    return looks((each.run for each in sides), rows) if on == "test" else 0


def _names(folders: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, or whole paths where two have the same."""
    names = [folder.absolute().name for folder in folders]
    return [
        name if names.count(name) == 1 else str(folder)
        for name, folder in zip(names, folders, strict=True)
    ]


def _side(folder: Path, name: str, on: HeldOut) -> _Side:
    run = existing_run(folder)
    recipe = read_resolved(run.recipe)
    if recipe.task == "text":
        raise UserError("this run reads text and translates nothing.", where=str(folder))
    systems = read_systems(run, on)
    if not systems:
        raise UserError(
            f"no {on} rows were translated in this run yet.", where=str(folder),
            fix=f"Run: dubash evaluate {folder}{' --on dev' if on == 'dev' else ''}",
        )  # fmt: skip
    prepared = data.load(run.data)
    trained_on = prepared.account["splits"]["train"]["fingerprint"][:12]
    rows = prepared.test if on == "test" else prepared.dev
    return _Side(name, run, recipe, rows, trained_on, systems)


def refuse_other_rows(
    first: str,
    ours: Sequence[Pair],
    second: str,
    theirs: Sequence[Pair],
    on: HeldOut = "test",
) -> None:
    """Raise ComparisonError unless both are the same rows in the same order, naming the first that
    differ."""
    different = [
        at
        for at, (one, other) in enumerate(zip(ours, theirs, strict=False))
        if (one.source, one.target) != (other.source, other.target)
    ]
    if not different and len(ours) == len(theirs):
        return
    common = len(
        {(row.source, row.target) for row in ours} & {(r.source, r.target) for r in theirs}
    )
    shown = "; ".join(
        f"row {at + 1}: {_short(ours[at])} against {_short(theirs[at])}" for at in different[:SHOWN]
    )
    more = f"; and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    raise ComparisonError(
        f"{first} and {second} have other {on} rows ({len(ours)} and {len(theirs)}, "
        f"{common} in common); "
        + (shown + more or f"from row {min(len(ours), len(theirs)) + 1} on one has none")
        + ".",
        fix=f"Give both runs the same data.{on}, or the same data with the same data.seed.",
    )


def _short(row: Pair) -> str:
    text = row.source
    return repr(text if len(text) <= 40 else text[:39] + "…")


def join(sides: Sequence[_Side]) -> list[System]:
    """All systems under names of their own. An untuned model that every run shares stands once, as
    S0; others are named for their run."""
    found = [each for form in (UNTUNED, FEW_SHOT, COPY) if (each := _shared(sides, form))]
    shared = {each.name for each in found}
    for side in sides:
        for each in side.systems:
            if each.name in shared:
                continue
            name = each.name if len(sides) == 1 else f"{side.name}/{each.name}"
            found.append(System(name, each.label, each.sources, each.hypotheses, each.measured))
            if each.name in (UNTUNED, FEW_SHOT):
                found.append(cut_form(each, f"{name}-cut"))
    return found


def _shared(sides: Sequence[_Side], form: str) -> System | None:
    """A form of the untuned model, where every run has it and it wrote the same in each."""
    forms = [each for side in sides for each in side.systems if each.name == form]
    if len(forms) < len(sides):
        return None
    same = all(same_texts(forms[0].hypotheses, each.hypotheses) for each in forms)
    return forms[0] if same else None


def _file(text: str, rows: Sequence[Pair], on: HeldOut) -> System:
    """The system of `NAME=FILE`: a hypothesis a line."""
    name, equals, path = text.partition("=")
    if not equals or not name.strip() or not path:
        raise UserError(f"'{text}' is not NAME=FILE.", where="--with")
    if not re.fullmatch(r"\w[\w .+-]{0,39}", name.strip()):
        raise UserError(
            f"{name!r} is no name: up to 40 letters, digits, blanks and any of . _ + -.",
            where="--with",
        )
    return system_of(name.strip(), Path(path), rows, on)


def confounds(sides: Sequence[_Side], under: str | None) -> dict[str, Any]:
    """What the recipes differ in: `settings` by key, for each run; `under`, the one that is
    studied; and `confounds`, those that differ besides.

    Where none is named and several differ, each may be the cause: all of them are confounds.
    """
    flat = {side.name: settings_by_key(side.recipe) for side in sides}
    keys = sorted({key for each in flat.values() for key in each})
    settings: dict[str, dict[str, Any]] = {
        key: {name: each.get(key) for name, each in flat.items()}
        for key in keys
        if not key.startswith(NOT_STUDIED)
        and len({repr(each.get(key)) for each in flat.values()}) > 1
    }
    trained = {side.name: side.trained_on for side in sides}
    if len(set(trained.values())) > 1:
        settings["training rows"] = dict(trained)
    if under is not None and under not in settings:
        differ = ", ".join(settings) or "nothing"
        raise RecipeError(
            f"the runs do not differ in {under}; they differ in {differ}.", where="--under"
        )
    others = [key for key in settings if key != under]
    if under is None and len(others) == 1:
        under, others = others[0], []
    if others:
        say(
            f"  the runs differ in {', '.join(settings)}: no difference is due to one of them alone"
        )
    return {"settings": settings, "under": under, "confounds": others}

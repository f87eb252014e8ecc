"""The report: one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from dubash.core.files import write_text
from dubash.core.languages import Language
from dubash.core.run import RunFolder
from dubash.data.leaks import near_test_rows
from dubash.evaluate import numbers
from dubash.evaluate.behaviour import WARNINGS
from dubash.evaluate.systems import rival
from dubash.report import assisted, bits, leaks, words
from dubash.report.facts import Facts, read_facts
from dubash.report.pictures import MOST_POINTS, pictures, tone, unseen
from dubash.report.tables import comparison, signatures
from dubash.report.worries import NEAR, summary, worries

MOST_TERMS = 50
"""Terms shown, those that occur most often; all of them are in `scores.json`."""


def write_report(run: RunFolder) -> Path:
    """Write `report.html` into the run folder and return its path.

    The page loads nothing: style, script, charts and rows are inline, and its content security
    policy allows exactly that one style sheet and that one script, by their hashes. Parts of the
    run that were not made yet are left out with a plain word.

    Raises DataError where the folder holds no run, or broken or contradictory files.
    """
    write_text(run.report, render(read_facts(run)))
    return run.report


def render(facts: Facts) -> str:
    """The page as text."""
    found = worries(facts)
    systems = facts.scores["systems"] if facts.scores else []
    judged = facts.tuned or (systems[-1]["name"] if systems else "")
    return page(
        "report.html.j2",
        facts=facts,
        judged=judged,
        rival=rival(systems),
        verdict=bits.verdict(facts) if facts.is_text else words.verdict(facts),
        figures=pictures(facts),
        assisted=assisted.against(facts),
        strata=assisted.by_match(facts),
        measures=bits.measures(facts) if facts.is_text else comparison(facts),
        signatures=signatures(facts),
        worries=found,
        worried=summary(facts, found),
        shared=leaks.matrix(facts),
        shared_columns=[words for _, _, words in leaks.columns(facts)],
        outcome=_outcome(facts),
        rows=rows_json(
            facts, judged, {NEAR: near_test_rows((facts.account or {}).get("leaks") or {})}
        ),
        most_terms=MOST_TERMS,
        changed=bits.most_changed(facts) if facts.is_text else [],
        tone=tone,
        unseen=unseen(facts.scores["systems"]) if facts.scores and not facts.is_text else [],
        most_points=MOST_POINTS,
    )


def page(template: str, **content: Any) -> str:
    """A template filled, with the style, the script and the policy that allows these two alone."""
    environment = Environment(
        loader=PackageLoader("dubash.report"),
        autoescape=True,
    )
    environment.filters.update(
        signed=numbers.signed, number=numbers.number, plural=words.plural, flag=words.flag,
        duration=words.duration, method=words.method, percent=numbers.percent,
    )  # fmt: skip
    style, script = _asset("report.css"), _asset("report.js")
    return environment.get_template(template).render(
        policy=_policy(style, script), style=Markup(style), script=Markup(script), **content
    )


def _asset(name: str) -> str:
    folder = resources.files("dubash.report") / "templates"
    return folder.joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, nothing from anywhere."""
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _outcome(facts: Facts) -> dict[str, int] | None:
    """On how many rows the tuned system gained, lost, or came out the same."""
    gains = [row["gain"] for row in facts.rows if row.get("gain") is not None]
    if not gains:
        return None
    return {
        "better": sum(gain > 0 for gain in gains),
        "worse": sum(gain < 0 for gain in gains),
        "same": sum(gain == 0 for gain in gains),
    }


def rows_json(facts: Any, judged: str, chosen: Mapping[str, Sequence[int]] | None = None) -> Markup:
    """The rows and the words to show them with, safe inside a script element. `judged` is the
    system that references are marked against and rows sorted by, `chosen` are row numbers of
    choices that the rows themselves say nothing of.

    `htmlsafe_json_dumps` writes `<`, `>`, `&` and `'` as escapes, so no row can end the element.
    """
    scores = facts.scores or {}
    content = {
        "rows": [] if facts.is_text else facts.rows,  # those of text are in the page itself
        "baseline": scores.get("baseline"),
        "judged": judged,
        "tones": {each["name"]: tone(each["name"]) for each in scores.get("systems", [])},
        "flags": words.BEHAVIOUR | (words.TERM_FLAGS if "terminology" in scores else {}),
        "warnings": WARNINGS,
        "chosen": {name: list(numbers) for name, numbers in (chosen or {}).items()},
        "stops": words.STOPS,
        "source": _written(facts.source),
        "target": _written(facts.target),
    }
    return htmlsafe_json_dumps(content, dumps=_dumps)


def _written(language: Language | None) -> dict[str, Any]:
    """How a language's text is marked up; a language without a known script decides by itself."""
    if language is None:
        return {"code": "", "name": "", "dir": "auto"}
    direction = "rtl" if language.right_to_left else "ltr" if language.scripts[0] else "auto"
    return {"code": language.code, "name": language.name, "dir": direction}


def _dumps(content: Any, **_: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

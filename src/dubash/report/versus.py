"""The comparison of any number of systems as a page of its own, and as Markdown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup

from dubash.core.errors import UserError
from dubash.core.files import write_text
from dubash.core.languages import Language, language
from dubash.evaluate.numbers import higher, interval, metrics, number, percent, signed
from dubash.report import charts
from dubash.report.html import page, rows_json
from dubash.report.markdown import plain
from dubash.report.pictures import score_bars, tone
from dubash.report.scatter import Point, scatter
from dubash.report.words import plural


def write_comparison(content: dict[str, Any], rows: list[dict[str, Any]], out: Path) -> list[Path]:
    """Write `compare.html` and `compare.md` to that folder; returns their paths.

    `content` is that of `compare.json`, `rows` that of `rows.jsonl`.
    """
    html, markdown = out / "compare.html", out / "compare.md"
    write_text(html, as_html(content, rows))
    write_text(markdown, as_markdown(content))
    return [html, markdown]


def as_html(content: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """The page as text; like a run's report it loads nothing."""
    source, target = (_language(content[f"{side}_language"]) for side in ("source", "target"))
    facts = SimpleNamespace(rows=rows, scores=content, is_text=False, source=source, target=target)
    judged = content["systems"][-1]["name"]
    return page(
        "versus.html.j2", content=content, facts=facts, figures=_figures(content),
        headline=headline(content), names=_names(content), rows=rows_json(facts, judged),
        judged=judged, outcome=None, written=metrics(content["systems"]), tone=tone,
        differences=differences(content), caption=caption(content), split=split(content),
        caution=caution(content),
    )  # fmt: skip


def as_markdown(content: dict[str, Any]) -> str:
    """A short version for a README or a pull request."""
    written = metrics(content["systems"])
    lines = [
        plain(headline(content)),
        "",
        *([plain(caution(content)), ""] if caution(content) else []),
        "| system | " + " | ".join(w.label for w in written.values()),
    ]
    lines[-1] += " | own end | length | s/row |"
    lines.append("|---" * (len(written) + 4) + "|")
    for each in content["systems"]:
        cells = [_score(each["scores"].get(key)) for key in written]
        cells += _behaves(each)
        lines.append(f"| {plain(each['name'])} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| against each other | chrF++ | p (Holm) | randomisation (Holm) | won–tied–lost |",
    ]
    lines.append("|---|---|---|---|---|")
    for each in differences(content):
        lines.append("| " + " | ".join(map(plain, each.values())) + " |")
    if content["settings"]:
        lines += ["", "The runs differ in " + ", ".join(content["settings"]) + "."]
    lines += ["", caption(content)]
    return "\n".join(lines) + "\n"


def headline(content: dict[str, Any]) -> str:
    """Which system is best by chrF++, and whether that is clear against the next one."""
    ranked = _names(content)
    best, scores = ranked[0], _by_name(content)
    value = number(scores[best]["scores"]["chrf++"]["value"])
    where = f"On {plural(content['rows'], f'{split(content)} row')}: "
    if len(ranked) < 2:
        return f"{where}{best}: {value} chrF++"
    second = ranked[1]
    pair = next(p for p in content["pairs"] if {p["system"], p["against"]} == {best, second})
    found = pair["metrics"]["chrf++"]
    alpha = 1 - content["bootstrap"]["confidence"]
    clear = found["p_holm"] < alpha and (found["low"] > 0 or found["high"] < 0)
    if clear:
        return f"{where}{best} is best at {value} chrF++, clear of {second}"
    return f"{where}{best} is ahead at {value} chrF++, but not clear of {second}"


def differences(content: dict[str, Any]) -> list[dict[str, str]]:
    """Each pair in words, by chrF++."""
    found = []
    for pair in content["pairs"]:
        change = pair["metrics"]["chrf++"]
        ends = interval(change["low"], change["high"], sign=True)
        found.append(
            {
                "pair": f"{pair['system']} − {pair['against']}",
                "change": f"{signed(change['value'])} {ends}",
                "p": f"{change['p']:.3f} ({change['p_holm']:.3f})",
                "coin": f"{change['p_randomisation']:.3f} ({change['p_randomisation_holm']:.3f})",
                "rows": f"{pair['wins']}–{pair['ties']}–{pair['losses']}",
            }
        )
    return found


def caption(content: dict[str, Any]) -> str:
    """What the figures are."""
    bootstrap = content["bootstrap"]
    return (
        f"{content['rows']:,} {split(content)} rows; {100 * bootstrap['confidence']:g}% intervals "
        f"and two-sided p by paired bootstrap ({bootstrap['samples']:,} draws), beside it p by "
        "approximate randomisation; in brackets adjusted for the number of comparisons (Holm), "
        "as intervals are not: each is for its pair by itself. "
        "A row is tied within 1 point of sentence chrF++. Another training seed may move any of it."
    )


def split(content: dict[str, Any]) -> str:
    """Which rows these are: test, or dev."""
    return str(content.get("on", "test"))


def caution(content: dict[str, Any]) -> str:
    """What these rows were used for before: choosing a checkpoint, or the choice among models."""
    if split(content) == "dev":
        return (
            "Dev rows: each tuned model's best checkpoint was chosen by them, so its figures "
            "flatter. They are for choosing among settings; the test rows then say how good the "
            "choice is, and have not been looked at for this."
        )
    if (looked := content.get("looks", 1)) > 1:
        return (
            f"{looked} tuned models were scored on these test rows: the best of many tries is "
            "partly luck. To choose among settings compare with --on dev."
        )
    return ""


def _names(content: dict[str, Any]) -> list[str]:
    """The systems' names, best chrF++ first."""
    systems = sorted(content["systems"], key=lambda each: -each["scores"]["chrf++"]["value"])
    return [each["name"] for each in systems]


def _by_name(content: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in content["systems"]}


def _score(score: dict[str, Any] | None) -> str:
    if score is None or score["value"] is None:
        return "–"
    return f"{number(score['value'])} {interval(score['low'], score['high'])}"


def _behaves(system: dict[str, Any]) -> list[str]:
    stops = system["stops"]
    ended = percent(stops["end"], sum(stops.values())) if stops else "–"
    cost = system["seconds_per_segment"]
    return [ended, f"{system['length_ratio']:.2f}", "–" if cost is None else f"{cost:.2f}"]


def _figures(content: dict[str, Any]) -> dict[str, Markup]:
    systems = content["systems"]
    drawn = {}
    for key, written in metrics(systems).items():
        scored = [each for each in systems if each["scores"].get(key, {}).get("value") is not None]
        # a bar from 0 says nothing of a metric that may be negative, such as a user's own
        if key in ("chrf++", "bleu", "ter") and scored:
            bars = score_bars(scored, key)
            more = "" if higher(scored[0]["scores"][key]) else "; lower is better"
            drawn[written.label] = charts.bars(
                f"fig-{key.replace('+', 'p')}",
                written.label,
                [("", bars)],
                f"{written.label}{more}",
            )
    points = [
        Point(
            each["name"],
            each["seconds_per_segment"],
            score["value"],
            score["low"],
            score["high"],
            tone(each["name"]),
        )
        for each in systems
        # a form that was only cut costs what the whole one does
        if each["seconds_per_segment"]
        and not each["name"].endswith("-cut")
        and (score := each["scores"]["chrf++"])
    ]
    if len(points) > 1:
        drawn["Quality against cost"] = scatter(
            "fig-cost", "chrF++ against seconds", points, "seconds a row, in bulk", "chrF++"
        )
    return drawn


def _language(code: str | None) -> Language | None:
    """The language of a code; one that dubash does not know is left without a direction."""
    if code is None:
        return None
    try:
        return language(code)
    except UserError:
        return None

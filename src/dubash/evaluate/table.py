"""The scores as a short plain-text table: what a run prints when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from rich.cells import cell_len, set_cell_size

from dubash.evaluate.numbers import (
    Written,
    chance,
    digits_for,
    higher,
    interval,
    metrics,
    number,
    percent,
    signed,
)
from dubash.evaluate.systems import UNTUNED, rival

WIDTH = 80
"""Columns of a terminal that the table keeps within, unless a system's name is very long."""

_LONGEST = 46
"""Columns for a system's name at most; a longer one is cut, and whole in the list below."""

_UNKNOWN = "–"
_NUMBERS = ("chrF++ [interval]", "BLEU", "own end", "length", "tokens/s")
_WIDTHS = (22, 6, 8, 7, 9)


def scores_table(scores: dict[str, Any]) -> str:
    """One line a system, what each is, then one a difference, from the content of `scores.json`
    (with `on: dev` where the rows are dev rows).

    "own end" is the share of rows that the model ended with its own end token; "length" is
    hypothesis characters for each reference character. Metrics beside chrF++ and BLEU have a line
    each: their values, or why there are none.
    """
    names = max(cell_len(each["name"]) for each in [*scores["systems"], {"name": "system"}])
    label_width = min(names + 1, _LONGEST)
    table = [_line("system", _NUMBERS, label_width)]
    table += [_system(each, label_width) for each in scores["systems"]]
    lines = ["", *(_described(each, names) for each in scores["systems"])]
    written = metrics(scores["systems"])
    for key, each in written.items():
        if key not in ("chrf++", "bleu"):
            lines += ["", *_other(key, each, scores["systems"])]
    widest = max(6, *(cell_len(each.label) for each in written.values()))
    other = rival(scores["systems"])
    against = "S0, in its best form" if other == UNTUNED else f"the {other}"
    for name, difference in scores["differences"].items():
        lines += ["", f"{name} against {against} by each metric:"]
        for key, each in written.items():
            if key in difference:
                title = set_cell_size(each.label, widest)
                lines.append(f"  {title} {_against(difference[key], each, _score(scores, key))}")
        if terms := difference.get("terminology"):
            title = set_cell_size("terms", widest)
            lines.append(f"  {title} {_change(terms)}, against {terms['against']}")
    for name, rivals in scores.get("rivals", {}).items():
        lines += ["", f"{name} against what it has to beat:"]
        names = max(map(cell_len, rivals))
        for rival_name, change in rivals.items():
            parts = [f"chrF++ {_change(change['chrf++'])}"]
            if found := change.get("terminology"):
                parts.append(f"terms {_change(found)}")
            lines.append(f"  {set_cell_size(rival_name, names)}  {'; '.join(parts)}")
    if "terminology" in scores:
        lines += ["", *_terms(scores)]
    bootstrap = scores["bootstrap"]
    codes = (scores["source_language"], scores["target_language"])
    languages = " → ".join(code for code in codes if code)
    lines += [
        "",
        f"{scores['rows']:,} {'dev rows' if scores.get('on') == 'dev' else 'rows'}, {languages}; "
        f"{100 * bootstrap['confidence']:g}% intervals, two-sided p: paired bootstrap "
        f"({bootstrap['samples']:,} draws)",
    ]
    return "\n".join([*table, *_wrapped(lines)])


def _terms(scores: dict[str, Any]) -> list[str]:
    """How far each system and the references keep to the glossary."""
    about = scores["terminology"]
    reference = about["reference"]
    if not reference["occurrences"]:
        return [f"terms: none of {about['glossary']} stands in the sources"]
    count = reference["occurrences"]
    places = "1 place" if count == 1 else f"{count:,} places"
    lines = [
        f"terms of {about['glossary']}, {places} in the sources:",
        "percent translated right [interval], and forbidden translations",
    ]
    names = max(cell_len(each["name"]) for each in [*scores["systems"], {"name": "references"}])
    for each in scores["systems"]:
        found = each["terminology"]
        shown = f"{number(found['value'])} {interval(found['low'], found['high'])}"
        lines.append(f"  {set_cell_size(each['name'], names)} {shown}, {found['forbidden']:,}")
    shown = f"{number(reference['value'])}, {reference['forbidden']:,}"
    return [*lines, f"  {set_cell_size('references', names)} {shown}"]


def bits_table(scores: dict[str, Any]) -> str:
    """The same of monolingual text: bits per character, where lower is better."""
    label_width = WIDTH - 32
    lines = [f"{'system':<{label_width}}{'bits per character [interval]':>32}"]
    for each in scores["systems"]:
        found = each["scores"]["bits_per_character"]
        shown = f"{number(found['value'], 3)} {interval(found['low'], found['high'], digits=3)}"
        label = _fit(f"{each['name']}  {each['label']}", label_width - 1)
        lines.append(set_cell_size(label, label_width) + f"{shown:>32}")
    for name, difference in scores["differences"].items():
        change = difference["bits_per_character"]
        words = _change(change, digits=3)
        lines += ["", f"{name} against {change['against']}: {words} (below 0 is better)"]
    bootstrap = scores["bootstrap"]
    lines += [
        "",
        f"{scores['rows']:,} rows of {scores['target_language']}; "
        f"{100 * bootstrap['confidence']:g}% intervals, two-sided p: paired bootstrap "
        f"({bootstrap['samples']:,} draws)",
    ]
    return "\n".join(_wrapped(lines))


def _wrapped(lines: list[str]) -> Iterator[str]:
    """The lines, those that are too long going on below."""
    for line in lines:
        yield from wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False) or [""]


def _described(system: dict[str, Any], names: int) -> str:
    return f"  {set_cell_size(system['name'], names)}  {system['label']}"


def _score(scores: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = scores["systems"][0]["scores"][key]
    return found


def _other(key: str, written: Written, systems: list[dict[str, Any]]) -> list[str]:
    """`TER (edits for 100 words; lower is better): S0 80.1, S1 55.2`"""
    first = systems[0]["scores"][key]
    if first["value"] is None:
        return wrap(f"{written.label}: blank. {first['why']}", WIDTH, subsequent_indent="  ")
    values = ", ".join(
        f"{each['name']} {number(each['scores'][key]['value'], written.digits)}" for each in systems
    )
    text = f"{written.label} ({written.unit}): {values}"
    return wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _against(change: dict[str, Any], written: Written, score: dict[str, Any]) -> str:
    words = _change(change, written.fixed)
    better = "" if higher(score) else " (below 0 is better)"
    return f"{words}, against {change['against']}{better}"


def _system(system: dict[str, Any], label_width: int) -> str:
    chrf, bleu = system["scores"]["chrf++"], system["scores"].get("bleu")
    stops, speed = system["stops"], system["tokens_per_second"]
    cells = (
        f"{chrf['value']:.1f} [{chrf['low']:.1f}, {chrf['high']:.1f}]",
        f"{bleu['value']:.1f}" if bleu else _UNKNOWN,
        percent(stops.get("end", 0), sum(stops.values())),
        f"{system['length_ratio']:.2f}",
        _UNKNOWN if speed is None else f"{speed:,.0f}" if speed >= 100 else f"{speed:.1f}",
    )
    return _line(system["name"], cells, label_width)


def _line(label: str, cells: tuple[str, ...], label_width: int) -> str:
    numbers = "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return set_cell_size(_fit(label, label_width - 1), label_width) + numbers


def _change(difference: dict[str, Any], digits: int | None = None) -> str:
    """`+1.2 [+0.4, +2.0], p = 0.012`"""
    value = difference["value"]
    shown = signed(value, digits_for(value) if digits is None else digits)
    ends = interval(difference["low"], difference["high"], sign=True, digits=digits)
    return f"{shown} {ends}, {chance(difference['p'])}"


def _fit(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"

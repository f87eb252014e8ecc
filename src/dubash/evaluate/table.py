"""The scores as a short plain-text table: what a run prints when it ends."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len, set_cell_size

WIDTH = 100
"""Columns of a terminal that the table keeps within."""

_UNKNOWN = "–"
_NUMBERS = ("chrF++ [interval]", "BLEU", "own end", "length", "tokens/s")
_WIDTHS = (24, 6, 8, 7, 9)


def scores_table(scores: dict[str, Any]) -> str:
    """One line a system, then one a difference, from the content of `scores.json`.

    "own end" is the share of rows that the model ended with its own end token; "length" is
    hypothesis characters for each reference character.
    """
    label_width = WIDTH - sum(_WIDTHS)
    names = max(cell_len(each["name"]) for each in scores["systems"])
    lines = [_line("system", _NUMBERS, label_width)]
    lines += [_system(each, names, label_width) for each in scores["systems"]]
    for name, difference in scores["differences"].items():
        lines += ["", f"{name} against {difference['against']}:"]
        lines += [
            f"  {title:<6} {_change(difference[key])}"
            for key, title in (("chrf++", "chrF++"), ("bleu", "BLEU"))
        ]
    bootstrap = scores["bootstrap"]
    lines += [
        "",
        f"{scores['rows']:,} rows, {scores['source_language']} → {scores['target_language']}; "
        f"{100 * bootstrap['confidence']:g}% intervals and two-sided p by paired bootstrap "
        f"({bootstrap['samples']:,} draws)",
    ]
    return "\n".join(_fit(line, WIDTH).rstrip() for line in lines)


def bits_table(scores: dict[str, Any]) -> str:
    """The same of monolingual text: bits per character, where lower is better."""
    label_width = WIDTH - 32
    lines = [f"{'system':<{label_width}}{'bits per character [interval]':>32}"]
    for each in scores["systems"]:
        found = each["scores"]["bits_per_character"]
        shown = f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
        label = _fit(f"{each['name']}  {each['label']}", label_width - 1)
        lines.append(set_cell_size(label, label_width) + f"{shown:>32}")
    for name, difference in scores["differences"].items():
        change = difference["bits_per_character"]
        ends = ", ".join(f"{change[end]:+.3f}" for end in ("low", "high"))
        words = f"{change['value']:+.3f} [{ends}], {_chance(change['p'])}"
        lines += ["", f"{name} against {difference['against']}: {words} (below 0 is better)"]
    bootstrap = scores["bootstrap"]
    lines += [
        "",
        f"{scores['rows']:,} rows of {scores['target_language']}; "
        f"{100 * bootstrap['confidence']:g}% intervals and two-sided p by paired bootstrap "
        f"({bootstrap['samples']:,} draws)",
    ]
    return "\n".join(_fit(line, WIDTH).rstrip() for line in lines)


def _system(system: dict[str, Any], names: int, label_width: int) -> str:
    chrf, bleu = system["scores"]["chrf++"], system["scores"]["bleu"]
    speed = system["tokens_per_second"]
    cells = (
        f"{chrf['value']:.1f} [{chrf['low']:.1f}, {chrf['high']:.1f}]",
        f"{bleu['value']:.1f}",
        _share(system["stops"]),
        f"{system['length_ratio']:.2f}",
        _UNKNOWN if speed is None else f"{speed:,.0f}" if speed >= 100 else f"{speed:.1f}",
    )
    name = set_cell_size(system["name"], names)
    return _line(f"{name}  {system['label']}", cells, label_width)


def _line(label: str, cells: tuple[str, ...], label_width: int) -> str:
    numbers = "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return set_cell_size(_fit(label, label_width - 1), label_width) + numbers


def _share(stops: dict[str, int]) -> str:
    """The share that ended with the end token; 100% and 0% only where it is all or none."""
    total, ended = sum(stops.values()), stops.get("end", 0)
    if not total:
        return _UNKNOWN
    share = 100 * ended / total
    if 0 < ended < total:
        return f"{min(max(share, 0.1), 99.9):.1f}%"
    return f"{share:.0f}%"


def _change(difference: dict[str, float]) -> str:
    ends = ", ".join(_signed(difference[end]) for end in ("low", "high"))
    return f"{_signed(difference['value'])} [{ends}], {_chance(difference['p'])}"


def _chance(p: float) -> str:
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"


def _signed(value: float) -> str:
    """`+1.2`, `-1.2`; a value that is not 0 is never written as 0."""
    digits = 1
    while value and digits < 4 and not round(value, digits):
        digits += 1
    return f"{value:+.{digits}f}" if round(value, digits) else "0.0"


def _fit(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"

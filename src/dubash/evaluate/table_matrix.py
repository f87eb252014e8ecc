"""Each system against each other, as plain text."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from rich.cells import cell_len, set_cell_size

from dubash.evaluate.numbers import chance, interval, signed
from dubash.evaluate.table import WIDTH, scores_table


def matrix_table(content: dict[str, Any]) -> str:
    """The table of scores, then each system against each other, from `compare.json`."""
    lines = [scores_table(content), "", "against each other, by chrF++:"]
    widest = max(cell_len(f"{each['system']} − {each['against']}") for each in content["pairs"])
    for each in content["pairs"]:
        change = each["metrics"]["chrf++"]
        name = set_cell_size(f"{each['system']} − {each['against']}", widest)
        lines.append(
            f"  {name}  {signed(change['value'])} "
            f"{interval(change['low'], change['high'], sign=True)}, {chance(change['p_holm'])}, "
            f"by randomisation {change['p_randomisation_holm']:.3f}; "
            f"{each['wins']} won, {each['ties']} tied, {each['losses']} lost"
        )
    if (count := len(content["pairs"])) > 1:
        told = (
            f"Each interval is for its pair by itself; p is adjusted for all {count} pairs "
            "(Holm): an interval clear of 0 is no clear difference where p is not small."
        )
        lines.append(fill(told, WIDTH, initial_indent="  ", subsequent_indent="  "))
    if content["settings"]:
        lines += ["", "the runs differ in:"]
        for key, values in content["settings"].items():
            shown = ", ".join(f"{run} {value}" for run, value in values.items())
            lines.append(f"  {key}: {shown}")
    return "\n".join(lines)

"""How a figure is written, in the closing table, the report and the model card alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Written(NamedTuple):
    """How a metric is written: its name, what its numbers are, and the digits it needs at least."""

    label: str
    unit: str
    digits: int = 1

    @property
    def fixed(self) -> int | None:
        """The digits of a metric that always has several; None: as many as a number needs."""
        return self.digits if self.digits > 1 else None


_WRITTEN = {
    "chrf++": Written("chrF++", "0–100"),
    "bleu": Written("BLEU", "0–100"),
    "ter": Written("TER", "edits for 100 words; lower is better"),
    "comet": Written("COMET", "mean of rows", 4),
    "cometkiwi": Written("COMETKiwi", "mean of rows, by the source alone", 4),
}


def metrics(systems: Iterable[dict[str, Any]]) -> dict[str, Written]:
    """The metrics that systems in `scores.json` have an entry of, also a blank one: chrF++ and BLEU
    first. A user's own is called by its name."""
    found = {key: higher(score) for each in systems for key, score in each["scores"].items()}
    unit = {True: "mean of rows", False: "mean of rows; lower is better"}
    first = [key for key in ("chrf++", "bleu") if key in found]
    return {
        key: _WRITTEN.get(key) or Written(key, unit[found[key]], 3)
        for key in [*first, *(key for key in found if key not in first)]
    }


def higher(score: dict[str, Any]) -> bool:
    """Whether more is better by this score; so it was by all of them before they said so."""
    return bool(score.get("higher_is_better", True))


def number(value: float, digits: int = 1) -> str:
    """`1,234.5`, with a true minus sign."""
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.replace("-", "")


def signed(value: float, digits: int = 1) -> str:
    """`+1.2` or `−1.2`; nothing before a zero."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def digits_for(*values: float) -> int:
    """One digit, or as many as it takes that no value but 0 is written as 0."""
    digits = 1
    while digits < 4 and any(value and not round(value, digits) for value in values):
        digits += 1
    return digits


def interval(low: float, high: float, sign: bool = False, digits: int | None = None) -> str:
    """`[10.1, 14.6]`, with as many digits as both ends need where none are given."""
    digits = digits_for(low, high) if digits is None else digits
    write = signed if sign else number
    return f"[{write(low, digits)}, {write(high, digits)}]"


def percent(count: int, total: int) -> str:
    """`98.7%`; 100% and 0% only where it is all or none."""
    if not total:
        return "–"
    share = 100 * count / total
    shown = min(max(share, 0.1), 99.9) if 0 < count < total else share
    return f"{shown:.0f}%" if count in (0, total) else f"{shown:.1f}%"


def chance(p: float) -> str:
    """`p = 0.012`; a p-value is never written as 0."""
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"

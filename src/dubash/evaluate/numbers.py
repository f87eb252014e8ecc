"""How a figure is written, in the closing table, the report and the model card alike."""

from __future__ import annotations


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

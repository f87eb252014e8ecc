"""One thing to worry about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubash.evaluate.numbers import percent
from dubash.report.words import plural

Severity = Literal["fault", "caution"]


@dataclass(frozen=True, slots=True)
class Worry:
    """A finding: a `fault` speaks against the model or its scores, a `caution` is to be kept in
    mind. `name` is what it is about, `section` the part of the page that holds more, `show` the
    choice among the rows that shows those concerned ("" where there is none), and `evidence` lines
    to read."""

    severity: Severity
    name: str
    text: str
    section: str = ""
    show: str = ""
    evidence: tuple[str, ...] = ()


def share(count: int, total: int, noun: str = "row") -> str:
    """`3 of 500 rows (0.6%)`"""
    return f"{count:,} of {plural(total, noun)} ({percent(count, total)})"

"""The systems that are compared: their hypotheses, and the refusal of unequal rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dubash.core.errors import ComparisonError
from dubash.core.types import Hypothesis, Pair

UNTUNED = "S0"
"""The name of the untuned system; its cut form is derived from it."""

UNTUNED_CUT = "S0-cut"

FEW_SHOT = "S0-shots"
"""The untuned system that is shown a few training rows before each question."""

COPY = "copy"
"""The source itself, beside the untuned system of a model from nothing."""

_CUT = {UNTUNED: UNTUNED_CUT, FEW_SHOT: f"{FEW_SHOT}-cut"}
"""Which systems get a form that is cut at its first line, and what it is called."""

UNTUNED_FORMS = (*(name for both in _CUT.items() for name in both), COPY)
"""Every form of the untuned model, and what stands beside it: the tuned one is held against the
best of them."""


def rival(systems: Sequence[Mapping[str, Any]]) -> str:
    """What differences are from, for a heading above the systems of `scores.json`: S0, or the best
    baseline where the source itself is one."""
    return "best baseline" if any(each["name"] == COPY for each in systems) else UNTUNED


@dataclass(frozen=True, slots=True)
class System:
    """The hypotheses of one system, with the sources that they were made from, row by row.

    `measured` is False for a plain file of translations: nobody knows why its rows stopped, nor
    their tokens and seconds, so nothing is said of them.
    """

    name: str
    label: str
    sources: Sequence[str]
    hypotheses: Sequence[Hypothesis]
    measured: bool = True


def cut_at_first_line(hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis cut at its first line that is not blank, as a line break as stop string would.

    It then counts as stopped by that string, unless the model's end token came with nothing but
    blanks after the line. Tokens and seconds stay: that is what the text cost.
    """
    first, line_break, rest = hypothesis.text.lstrip().partition("\n")
    cut = bool(line_break) and not (hypothesis.stop == "end" and not rest.strip())
    stop = "stop_string" if cut else hypothesis.stop
    return Hypothesis(first.strip(), stop, hypothesis.tokens, hypothesis.seconds)


def cut_form(system: System, name: str) -> System:
    """The system with each text cut at its first line, under a name of its own."""
    texts = [cut_at_first_line(hypothesis) for hypothesis in system.hypotheses]
    label = f"{system.label}, cut at its first line"
    return System(name, label, system.sources, texts, system.measured)


def with_cut(systems: Sequence[System]) -> list[System]:
    """The systems, each form of the untuned one with its cut form right after it."""
    found: list[System] = []
    for each in systems:
        found.append(each)
        if each.name in _CUT:
            found.append(cut_form(each, _CUT[each.name]))
    return found


def refuse_unequal(rows: Sequence[Pair], systems: Sequence[System]) -> None:
    """Raise ComparisonError, naming counts and the first row, unless every system is of `rows`."""
    if not rows:
        raise ComparisonError("the test set has no rows.")
    if not any(row.target.strip() for row in rows):
        raise ComparisonError("every reference is empty, so there is nothing to compare with.")
    if not systems:
        raise ComparisonError("there is no system to score.")
    names = Counter([each.name for each in systems])
    names.update(_CUT[each.name] for each in systems if each.name in _CUT)
    if doubled := [name for name, count in names.items() if count > 1]:
        raise ComparisonError(f"two systems are named {doubled[0]}.")
    for system in systems:
        _refuse_other_rows(rows, system)


def _refuse_other_rows(rows: Sequence[Pair], system: System) -> None:
    ours, wanted, texts = len(system.sources), len(rows), len(system.hypotheses)
    if ours != texts:
        raise ComparisonError(f"{system.name} has {texts} hypotheses for {ours} sources.")
    pairs = zip(system.sources, rows, strict=False)
    different = (i for i, (source, row) in enumerate(pairs) if source != row.source)
    first = next(different, None)
    if first is None and ours == wanted:
        return
    counts = f"{system.name} has {ours} rows, the test set {wanted}"
    if first is None:
        place = f"row {min(ours, wanted) + 1} stands in one of them only"
    else:
        place = (
            f"row {first + 1} is the first to differ: {_short(system.sources[first])} "
            f"against {_short(rows[first].source)}"
        )
    raise ComparisonError(
        f"{counts}; {place}.",
        fix="Systems are compared on the same rows only: translate the test set again.",
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")

"""Quality against cost: each system a labelled point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dubash.report.svg import Axes, figure, rule, text, ticks

_WIDE, _TALL = 120.0, 13.0
"""Room that a label wants for itself, in drawing units."""


@dataclass(frozen=True, slots=True)
class Point:
    """A system; `low` and `high` are its score's interval."""

    label: str
    cost: float
    score: float
    low: float
    high: float
    tone: str


def scatter(name: str, title: str, points: Sequence[Point], x_unit: str, y_unit: str) -> Markup:
    """Points with their intervals; best is where the score is high and the cost low: top left."""
    ys = ticks(min(each.low for each in points), max(each.high for each in points))
    xs = ticks(0, max(each.cost for each in points))
    axes = Axes(xs, ys, xs[-1], 190.0)
    across, down, body = axes.across, axes.down, axes.drawn(x_unit, y_unit)
    written: list[tuple[float, float]] = []
    for each in sorted(points, key=lambda point: -point.score):
        x, late = across(each.cost), each.cost > 0.6 * xs[-1]
        body.append(rule(x, down(each.low), x, down(each.high), "whisker"))
        body.append(
            Markup(
                '<circle cx="{:.1f}" cy="{:.1f}" r="4" class="dot tone-{}">'
                "<title>{}: {:.1f} at {:.3g}</title></circle>"
            ).format(x, down(each.score), each.tone, each.label, each.score, each.cost)
        )
        side, nudge = ("end", -8) if late else ("start", 8)
        at = down(each.score) + 4
        while any(abs(x - other) < _WIDE and abs(at - height) < _TALL for other, height in written):
            at += 1  # below the labels that are there
        written.append((x, at))
        body.append(text(x + nudge, at, each.label, "label", side))
    spoken = "; ".join(f"{each.label}: {each.score:.1f} at {each.cost:.3g}" for each in points)
    return figure(name, title, f"{spoken} ({y_unit} over {x_unit}).", axes.bottom + 36, body)

"""The pieces every chart is drawn from: ticks, axes, text, rules, boxes, the SVG element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 400
CHARACTER = 6.1
"""About one character's width in the charts' type size (11.5 units)."""


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`, about that many of them."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def write_tick(value: float) -> str:
    """A tick's number, as short as it can be."""
    if abs(value) >= 10_000:
        return f"{value / 1000:,.10g}k".replace("-", "−")
    return f"{value:,.10g}".replace("-", "−")


def figure(
    name: str, title: str, description: str, height: float, body: Sequence[Markup]
) -> Markup:
    """The SVG element around a chart's marks; `name` is unique in the page."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{t}</title><desc id="{n}-d">{d}</desc>{body}</svg>'
    ).format(w=WIDTH, h=round(height), n=name, t=title, d=description, body=Markup("").join(body))


def text(x: float, y: float, content: str, kind: str = "tick", anchor: str = "start") -> Markup:
    """A text at x, y in drawing units; `anchor` is SVG's text-anchor."""
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, kind, anchor, content
    )


def rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line of a style class."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(
        x1, y1, x2, y2, kind
    )


def box(
    x: float, y: float, width: float, height: float, tone: str, tip: str, rounding: float = 1
) -> Markup:
    """A filled box with a tip that shows on hovering."""
    return Markup(
        '<rect x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" rx="{}" class="tone-{}">'
        "<title>{}</title></rect>"
    ).format(x, y, max(width, 0), height, rounding, tone, tip)


def label_width(labels: Sequence[str]) -> float:
    """Drawing units that the longest label takes."""
    return max((len(label) for label in labels), default=0) * CHARACTER + 10


@dataclass(frozen=True, slots=True)
class Axes:
    """Two axes of values: x from 0 to `last` along the bottom, y between the outer ones of `ys` up
    the side; `height` is that of the field between them, in drawing units."""

    xs: Sequence[float]
    ys: Sequence[float]
    last: float
    height: float
    top: float = 22.0
    right: float = WIDTH - 12.0

    @property
    def left(self) -> float:
        """Where x is 0: beside the widest of the side's numbers."""
        return label_width([write_tick(y) for y in self.ys])

    @property
    def bottom(self) -> float:
        """Where the lowest y is."""
        return self.top + self.height

    def across(self, x: float) -> float:
        """Where a value of x stands."""
        return self.left + (self.right - self.left) * x / (self.last or 1)

    def down(self, y: float) -> float:
        """Where a value of y stands."""
        return self.bottom - self.height * (y - self.ys[0]) / (self.ys[-1] - self.ys[0])

    def drawn(self, x_unit: str, y_unit: str) -> list[Markup]:
        """Grid, ticks, numbers and units."""
        body = [text(2, 10, y_unit, "unit")]
        for y in self.ys:
            body.append(rule(self.left, self.down(y), self.right, self.down(y), "grid"))
            body.append(text(self.left - 6, self.down(y) + 4, write_tick(y), "tick", "end"))
        for x in self.xs:
            at = self.across(x)
            body.append(rule(at, self.bottom, at, self.bottom + 4, "axis"))
            body.append(text(at, self.bottom + 16, write_tick(x), "tick", "middle"))
        body.append(rule(self.left, self.bottom, self.right, self.bottom, "axis"))
        body.append(text(self.right, self.bottom + 31, x_unit, "unit", "end"))
        return body

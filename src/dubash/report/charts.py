"""Inline SVG charts as pure functions: bars with intervals, lines, histograms, stacked counts.

Every chart is `WIDTH` units wide and scales with its column; colours come from the page's style
sheet through the classes `tone-…`. Each carries a title and a description for screen readers,
and native tooltips on its marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dubash.report.svg import (
    CHARACTER,
    WIDTH,
    Axes,
    box,
    figure,
    label_width,
    rule,
    text,
    ticks,
    write_tick,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `low` and `high` draw a whisker. `text` is written at its end."""

    label: str
    value: float
    text: str
    tone: str = "base"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y) in rising x; `marks` draws each point."""

    label: str
    points: Sequence[tuple[float, float]]
    tone: str = "base"
    marks: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One distribution of a histogram."""

    label: str
    values: Sequence[float]
    tone: str = "base"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a stacked bar."""

    label: str
    count: int
    tone: str


def bars(
    name: str, title: str, groups: Sequence[tuple[str, Sequence[Bar]]], unit: str, thick: float = 15
) -> Markup:
    """Horizontal bars from 0, in groups; a group of one label and one bar needs no own line."""
    every = [bar for _, group in groups for bar in group]
    marks = ticks(0, max([bar.high or bar.value for bar in every] + [bar.value for bar in every]))
    labels = [group or bar.label for group, of in groups for bar in (of if not group else of[:1])]
    left = label_width(labels)
    right = WIDTH - max((len(bar.text) for bar in every), default=0) * CHARACTER - 8
    scale = (right - left) / marks[-1]
    top, gap, body, y = 6.0, 3.0 if thick < 12 else 9.0, [], 6.0
    drawn: list[Markup] = []
    for group, of in groups:
        if group:
            drawn.append(
                text(left - 8, y + (len(of) * (thick + gap) - gap) / 2 + 4, group, "label", "end")
            )
        for bar in of:
            if not group:
                drawn.append(text(left - 8, y + thick / 2 + 4, bar.label, "label", "end"))
            drawn += _bar(bar, left, y, scale, thick, f"{group}, {bar.label}" if group else "")
            y += thick + gap
        y += 9 if group else 0
    bottom = y
    for mark in marks:
        x = left + mark * scale
        body.append(rule(x, top, x, bottom, "axis" if mark == 0 else "grid"))
        body.append(text(x, bottom + 14, write_tick(mark), "tick", "middle"))
    body.append(text(right, bottom + 29, unit, "unit", "end"))
    spoken = "; ".join(
        f"{f'{group}, ' if group else ''}{bar.label}: {bar.text}"
        + (f", interval {bar.low:.2f} to {bar.high:.2f}" if bar.low is not None else "")
        for group, of in groups
        for bar in of
    )
    return figure(name, title, f"{spoken} ({unit}).", bottom + 34, body + drawn)


def _bar(bar: Bar, left: float, y: float, scale: float, thick: float, called: str) -> list[Markup]:
    width, middle, end = bar.value * scale, y + thick / 2, left + bar.value * scale
    tip = f"{called or bar.label}: {bar.text}"
    drawn = [box(left, y, width, thick, bar.tone, tip)]
    if bar.low is not None and bar.high is not None:
        low, high = left + bar.low * scale, left + bar.high * scale
        strokes = [(low, middle, high, middle)]
        strokes += [(x, middle - 4, x, middle + 4) for x in (low, high)]
        # a halo first, so that the whisker is seen on the bar as well as beside it
        drawn += [rule(*stroke, kind) for kind in ("halo", "whisker") for stroke in strokes]
        end = max(end, high)
    return [*drawn, text(end + 5, middle + 4, bar.text, "value small" if thick < 12 else "value")]


def lines(
    name: str, title: str, series: Sequence[Line], x_unit: str, y_unit: str,
    best: float | None = None,
) -> Markup:  # fmt: skip
    """Curves over x, each labelled at its last point; `best` draws a line down at that x."""
    points = [point for line in series for point in line.points]
    ys = ticks(min(y for _, y in points), max(y for _, y in points))
    last = max(x for x, _ in points)
    xs = [mark for mark in ticks(0, last) if mark <= last]
    axes = Axes(xs, ys, last, 170.0)
    across, down, body = axes.across, axes.down, axes.drawn(x_unit, y_unit)
    if best is not None and 0 <= best <= last:
        body.append(rule(across(best), axes.top, across(best), axes.bottom, "best"))
        side = "end" if best > 0.7 * last else "start"
        nudge = -5 if side == "end" else 5
        body.append(text(across(best) + nudge, axes.top + 9, "kept", "unit", side))
    for line in series:
        path = "L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in line.points)
        body.append(Markup('<path d="M{}" class="line tone-{}"/>').format(path, line.tone))
        for x, y in line.points if line.marks else ():
            body.append(
                Markup(
                    '<circle cx="{:.1f}" cy="{:.1f}" r="3" class="dot tone-{}">'
                    "<title>{} at {}: {:.3g}</title></circle>"
                ).format(across(x), down(y), line.tone, line.label, write_tick(x), y)
            )
    spoken = "; ".join(
        f"{line.label}: from {line.points[0][1]:.3g} at {write_tick(line.points[0][0])} "
        f"to {line.points[-1][1]:.3g} at {write_tick(line.points[-1][0])}"
        for line in series
    )
    return figure(name, title, f"{spoken} ({y_unit} over {x_unit}).", axes.bottom + 36, body)


def histogram(
    name: str, title: str, panels: Sequence[Panel], unit: str, step: float, last: float,
    mark: float | None = None,
) -> Markup:  # fmt: skip
    """Distributions under one another on one scale from 0; all above `last` in one final bin.

    The counts share one scale too, so that heights may be compared. `mark` draws a line down.
    """
    count = round(last / step)
    counted = [_bins(panel.values, step, count) for panel in panels]
    tallest = max([max(bins) for bins in counted], default=0) or 1
    each, height, left, right = 66.0, 42.0, 34.0, WIDTH - 12.0
    wide = (right - left) / (count + 1)
    body: list[Markup] = []
    for place, (panel, bins) in enumerate(zip(panels, counted, strict=True)):
        floor = place * each + each - 2
        body.append(text(left, floor - height - 8, panel.label, "label"))
        body.append(text(left - 6, floor - height + 8, f"{tallest:,}", "tick", "end"))
        body.append(text(left - 6, floor + 1, "0", "tick", "end"))
        body.append(rule(left, floor, right, floor, "axis"))
        for index, found in enumerate(bins):
            tall = height * found / tallest
            span = f"{index * step:.2g}–{(index + 1) * step:.2g}" if index < count else f"≥{last:g}"
            tip = f"{span}: {found}"
            body.append(
                box(left + index * wide + 0.5, floor - tall, wide - 1, tall, panel.tone, tip, 0)
            )
    bottom = len(panels) * each - 2
    for value in ticks(0, last, 6):
        if value < last:
            body.append(
                text(left + value / step * wide, bottom + 15, write_tick(value), "tick", "middle")
            )
    body.append(text(right - wide / 2, bottom + 15, f"≥{last:g}", "tick", "middle"))
    if mark is not None:
        x = left + mark / step * wide
        body.append(rule(x, 20, x, bottom, "best"))
    body.append(text(right, bottom + 30, unit, "unit", "end"))
    spoken = "; ".join(
        f"{panel.label}: {sum(bins[:-1])} below {last:g}, {bins[-1]} at or above"
        for panel, bins in zip(panels, counted, strict=True)
    )
    return figure(name, title, f"{spoken} ({unit}).", bottom + 35, body)


def _bins(values: Sequence[float], step: float, count: int) -> list[int]:
    bins = [0] * (count + 1)
    for value in values:
        bins[min(int(value / step + 1e-9), count)] += 1
    return bins


def stacked(
    name: str, title: str, stacks: Sequence[tuple[str, Sequence[Part]]], unit: str
) -> Markup:
    """Counts side by side in one bar for each label, with a legend of the parts above."""
    legend: dict[str, str] = {part.label: part.tone for _, parts in stacks for part in parts}
    left = label_width([label for label, _ in stacks]) if any(s for s, _ in stacks) else 0
    largest = max(sum(part.count for part in parts) for _, parts in stacks) or 1
    body: list[Markup] = []
    x, y = 0.0, 4.0
    for label, tone in legend.items():
        wide = len(label) * CHARACTER + 30
        if x and x + wide > WIDTH:
            x, y = 0.0, y + 18
        body.append(box(x, y, 11, 11, tone, label))
        body.append(text(x + 16, y + 10, label, "label"))
        x += wide
    y += 26
    for label, parts in stacks:
        body.append(text(left - 8, y + 15, label, "label", "end"))
        x = left
        for part in parts:
            wide = (WIDTH - left) * part.count / largest
            body.append(box(x, y, wide - 1, 22, part.tone, f"{part.label}: {part.count:,}", 0))
            if wide > len(f"{part.count:,}") * CHARACTER + 6:
                kind = f"inside on-{part.tone}"
                body.append(text(x + wide / 2, y + 15, f"{part.count:,}", kind, "middle"))
            x += wide
        y += 30
    spoken = "; ".join(
        f"{label}: " + ", ".join(f"{part.count} {part.label}" for part in parts)
        for label, parts in stacks
    )
    return figure(name, title, f"{spoken} ({unit}).", y - 4, body)

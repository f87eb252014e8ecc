"""The charts: well-formed SVG, marks where the numbers say, words for screen readers."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from dubash.report.charts import Bar, Line, Panel, Part, bars, histogram, lines, stacked
from dubash.report.pictures import thin
from dubash.report.scatter import Point, scatter
from dubash.report.svg import WIDTH, Axes, ticks

HOSTILE = "</svg><script>alert(1)</script>"


def parse(svg: Markup) -> ElementTree.Element:
    root = ElementTree.fromstring(str(svg))
    assert root.find("title") is not None
    assert root.find("desc") is not None
    return root


def inside(root: ElementTree.Element) -> bool:
    boxes = [(float(r.get("x", 0)), float(r.get("width", 0))) for r in root.iter("rect")]
    return all(x >= 0 and width >= 0 and x + width <= WIDTH + 1 for x, width in boxes)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
@example(-1e-5, 25026.0)
def test_ticks_enclose_the_range_and_are_few(low: float, span: float) -> None:
    found = ticks(low, low + span)
    unseen = 1e-6 * max(1, abs(low), span)  # less than a chart can show
    assert found[0] <= low + unseen
    assert found[-1] >= low + span - unseen
    assert 2 <= len(found) <= 9
    assert found == sorted(set(found))


def test_bar_lengths_stand_in_the_ratio_of_their_values() -> None:
    drawn = bars(
        "b", "B", [("", [Bar("S0", 20, "20.0"), Bar("S1", 40, "40.0", low=35, high=45)])], "u"
    )
    root = parse(drawn)
    first, second = (float(rect.get("width", 0)) for rect in root.iter("rect"))
    assert round(second / first, 2) == 2.0
    assert inside(root)
    assert len([line for line in root.iter("line") if line.get("class") == "whisker"]) == 3
    assert "S1: 40.0, interval 35.00 to 45.00" in str(drawn)


def test_bars_of_zeros_are_drawn() -> None:
    assert inside(parse(bars("b", "B", [("empty", [Bar("S0", 0, "0")])], "rows")))


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50))
def test_every_value_is_in_a_bin(values: list[float]) -> None:
    root = parse(histogram("h", "H", [Panel("S0", values)], "ratio", 0.1, 3.0))
    tips = [rect.findtext("title") or "" for rect in root.iter("rect")]
    assert sum(int(tip.rpartition(": ")[2]) for tip in tips) == len(values)
    assert tips[-1].startswith("≥3")


def test_lines_with_one_point_and_with_equal_values() -> None:
    parse(lines("l", "L", [Line("dev", [(10, 2.0)], marks=True)], "step", "loss", best=10))
    root = parse(lines("l", "L", [Line("dev", [(1, 2.0), (2, 2.0)], marks=True)], "step", "loss"))
    assert len({circle.get("cy") for circle in root.iter("circle")}) == 1


def test_stacked_parts_fill_the_bar() -> None:
    root = parse(
        stacked("s", "S", [("S0", [Part("end", 50, "accent"), Part("limit", 50, "warn")])], "rows")
    )
    first, second = [rect for rect in root.iter("rect") if float(rect.get("height", 0)) == 22]
    assert first.get("width") == second.get("width")
    assert inside(root)


def test_a_scatter_has_the_axes_of_the_lines_and_whiskers_inside_them() -> None:
    points = [
        Point("S0", 0.8, 20.0, 18.0, 22.0, "base"),
        Point("S1", 0.3, 60.0, 57.0, 63.0, "accent"),
    ]
    root = parse(scatter("q", "Q", points, "seconds", "chrF++"))
    assert inside(root)
    slow, fast = sorted(root.iter("circle"), key=lambda each: -float(each.get("cx", 0)))
    assert float(slow.get("cy", 0)) > float(fast.get("cy", 0))  # a lower score stands lower
    drawn = Axes([0, 0.5, 1], [0, 50, 100], 1.0, 190.0)
    assert (drawn.across(0), drawn.across(1)) == (drawn.left, drawn.right)
    assert (drawn.down(0), drawn.down(100)) == (drawn.bottom, drawn.top)
    grid = [each for each in root.iter("line") if each.get("class") == "grid"]
    assert len({each.get("y1") for each in grid}) == len(grid) > 2


def test_names_are_escaped() -> None:
    for drawn in (
        bars(HOSTILE, HOSTILE, [(HOSTILE, [Bar(HOSTILE, 1, HOSTILE)])], HOSTILE),
        lines(HOSTILE, HOSTILE, [Line(HOSTILE, [(1, 1)], marks=True)], HOSTILE, HOSTILE),
        histogram(HOSTILE, HOSTILE, [Panel(HOSTILE, [1.0])], HOSTILE, 0.1, 3),
        stacked(HOSTILE, HOSTILE, [(HOSTILE, [Part(HOSTILE, 1, "base")])], HOSTILE),
    ):
        assert "<script>" not in str(drawn)
        parse(drawn)


def test_thinning_keeps_the_mean_and_the_last_step() -> None:
    points = [(float(step), float(step % 7)) for step in range(1, 1001)]
    kept = thin(points, 200)
    assert len(kept) == 200
    assert kept[-1][0] == 1000
    assert abs(sum(y for _, y in kept) / 200 - sum(y for _, y in points) / 1000) < 1e-9
    assert thin(points[:5], 200) == points[:5]

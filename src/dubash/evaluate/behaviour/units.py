"""What a measure may turn into on its way into another language: 80 °F, 26 °C.

Factors: NIST Special Publication 811 (2008), appendix B. A converted figure is rounded as people
round, so it counts within `TOLERANCE` of the exact value or about one unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable

TOLERANCE = 0.05

Convert = Callable[[float], float]


def _times(*factors: float) -> tuple[Convert, ...]:
    return tuple((lambda value, factor=factor: value * factor) for factor in factors)


_FAHRENHEIT: tuple[Convert, ...] = (lambda value: (value - 32) / 1.8, lambda value: value / 1.8)
_CELSIUS: tuple[Convert, ...] = (lambda value: value * 1.8 + 32, lambda value: value * 1.8)

_UNITS: tuple[tuple[str, tuple[Convert, ...]], ...] = (
    (r"(?:sq(?:uare|\.)? |square-)(?:miles?|mi)\b|millas cuadradas", _times(2.59, 259.0)),
    (r"(?:sq(?:uare|\.)? |square-)(?:feet|foot|ft)\b|pies cuadrados", _times(0.0929)),
    (r"(?:square |sq )kilomet(?:re|er)s?|km²|km2", _times(0.386)),
    (r"(?:square |sq )met(?:re|er)s?|m²|m2\b", _times(10.76)),
    (r"acres?\b", _times(0.4047, 4047.0, 0.004047)),
    (r"hectares?\b|ha\b|hectáreas?", _times(2.471)),
    (r"miles?\b|mi\b|mph\b|millas?\b", _times(1.609, 1609.0)),
    (r"kilomet(?:re|er)s?\b|km\b|kmh\b|kph\b|km/h|kilómetros?\b", _times(0.6214, 1000.0)),
    (r"(?:feet|foot|ft)\b|pies?\b|['′’](?!\w)", _times(0.3048, 30.48)),
    (r"inch(?:es)?\b|in(?=[.,;)]|$)|pulgadas?\b|[\"″”]", _times(2.54, 25.4, 0.0254)),
    (r"yards?\b|yds?\b|yardas?\b", _times(0.9144)),
    (r"met(?:re|er)s?\b|m\b|metros?\b", _times(3.281, 1.094, 0.001)),
    (r"(?:centimet(?:re|er)s?|cm)\b|centímetros?", _times(0.3937, 0.01, 10.0)),
    (r"(?:pounds?|lbs?)\b|libras?\b", _times(0.4536)),
    (r"stones?\b|(?<=\s)st\b", _times(6.35)),
    (r"(?:kilo(?:gram)?s?|kgs?)\b|kilogramos?", _times(2.205, 1000.0)),
    (r"(?:ounces?|oz)\b|onzas?\b", _times(28.35, 29.57)),
    (r"(?:gallons?|gal)\b|galones?\b|galón", _times(3.785, 4.546)),
    (r"(?:pints?|quarts?)\b|pintas?\b", _times(0.473, 0.568, 0.946)),
    (r"lit(?:re|er)s?\b|litros?\b", _times(0.2642, 0.22)),
    (r"tons?\b|tonnes?\b|toneladas?\b", _times(0.9072, 1.016, 1.102, 1000.0)),
    (r"(?<![\s-])s\b", _FAHRENHEIT[:1]),  # "in the 80s", of the weather
    (r"minutes?\b|mins?\b|minutos?\b", _times(1 / 60)),
    (r"hours?\b|hrs?\b|horas?\b", _times(1 / 24)),
    (r"months?\b|mes(?:es)?\b", _times(1 / 12)),
    (r"°? ?F\b|degrees? (?:Fahrenheit|F\b)|grados Fahrenheit", _FAHRENHEIT[:1]),
    (r"°? ?C\b|degrees? (?:Celsius|C\b)|grados Celsius", _CELSIUS[:1]),
    (r"(?:-| )?degrees?\b|grados?\b|°", (*_FAHRENHEIT, *_CELSIUS)),
)
_PATTERNS = tuple((re.compile(r"[\s-]*(?:" + words + ")"), to) for words, to in _UNITS)
_FEET = r"(?:[\s-]*(?:feet|foot|ft)\b[\s,-]*(?:and )?|['′’] ?)"
_INCHES_AFTER = re.compile(_FEET + r"(\d{1,2})(?!\d)")
_FEET_BEFORE = re.compile(r"(?<!\d)(\d{1,2})" + _FEET + "$")


def conversions(value: float, before: str, after: str) -> list[float]:
    """What `value` may have become, by the unit that the text after it begins with.

    Both figures of a height (6 ft 2 in) become the same centimetres or metres.
    """
    if inches := _INCHES_AFTER.match(after):
        return _metric(value, float(inches[1]))
    if feet := _FEET_BEFORE.search(before):
        return _metric(float(feet[1]), value)
    for pattern, converts in _PATTERNS:
        if pattern.match(after):
            converted = [convert(value) for convert in converts]
            return [each for each in converted if each != 1]  # "a" is everywhere
    return []


def _metric(feet: float, inches: float) -> list[float]:
    return [(12 * feet + inches) * 2.54, (12 * feet + inches) * 0.0254]


def close(found: float, exact: float) -> bool:
    """Whether a figure is the rounded form of a converted one; people cut off as well as round."""
    least = 1.0 if exact >= 10 else 0.65 if found.is_integer() and exact >= 1 else 0.1
    return abs(found - exact) <= max(TOLERANCE * abs(exact), least)

"""A system with a memory, by how near the nearest match is: never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.evaluate.assisted import ASSISTED, RIVALS, STRATA, stratum
from dubash.evaluate.comparison import apart, metric_score
from dubash.evaluate.measure import measure
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import System


def strata(
    rows: Sequence[Pair],
    systems: Sequence[System],
    found: Sequence[Mapping[str, Any]],
    languages: LanguagePair,
    options: EvaluateOptions,
) -> list[dict[str, Any]]:
    """chrF++ of S2 and what it has to beat on the rows of each of `STRATA` that has any, with
    differences; `found` says by row what was retrieved."""
    wanted = (*RIVALS[ASSISTED], ASSISTED)
    kept = [each for each in systems if each.name in wanted]
    settings = options.model_copy(update={"metrics": ("chrf++",)})
    made = []
    for name, _ in STRATA:
        at = [number for number, each in enumerate(found) if stratum(each) == name]
        if not at:
            continue
        some = [rows[number] for number in at]
        parts = [
            System(
                each.name, each.label, [each.sources[number] for number in at],
                [each.hypotheses[number] for number in at], each.measured,
            )
            for each in kept
        ]  # fmt: skip
        [metric], _ = measure(some, parts, languages.target, settings)
        made.append(
            {
                "name": name,
                "rows": len(at),
                "scores": {each.name: metric_score(metric, each.name, options) for each in parts},
                "rivals": {
                    each.name: apart(ASSISTED, each.name, metric, options)
                    for each in parts
                    if each.name != ASSISTED
                },
            }
        )
    return made

"""Terminology accuracy: do translations keep to the glossary?

Of the occurrences of glossary terms in the sources, the share for which an approved translation
stands in the hypothesis: each occurrence needs a place of its own, so that a term said twice must
be translated so twice. It is the term success rate of WMT's terminology tasks (Semenov et al. 2023,
"Findings of the WMT 2023 Shared Task on Machine Translation with Terminologies"), counted by
occurrences and with the stated inflections of `memory.inflections` where they take lemmas. The
references are measured alike: where they do not follow the glossary, no system need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubash.core.progress import progress
from dubash.core.types import Pair
from dubash.evaluate.comparison import Comparison
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.significance import FloatArray, bootstrap, interval, paired_difference
from dubash.evaluate.systems import UNTUNED_FORMS, System, with_cut
from dubash.memory.glossary import Glossary
from dubash.memory.inflections import RULES
from dubash.memory.terms import Terms, Usage

METRIC = "terminology"

MISSED, FORBIDDEN = "term_missed", "term_forbidden"
"""Flags of a row, beside those of `behaviour`."""

MOST_TERMS = 1000
"""Terms in the table by term; those that occur most often."""


def signature(glossary: Glossary) -> str:
    """What a value hangs on: the file, the pair, the rules of matching, how it is counted."""
    pair = f"{glossary.languages.source.code}-{glossary.languages.target.code}"
    return (
        f"terms|glossary:{glossary.sha256[:16]}|pair:{pair}|rules:{RULES}|unit:occurrence"
        "|overlaps:longest"
    )


def usages(terms: Terms, wanted: Sequence[tuple[int, ...]], texts: Sequence[str]) -> list[Usage]:
    """How each text follows the terms in its source; `wanted` as `Terms.in_source` gives them."""
    return [terms.usage(each, text) for each, text in zip(wanted, texts, strict=True)]


def statistics(found: Sequence[Usage]) -> NDArray[np.int64]:
    """Occurrences translated right, and all occurrences, of each row: `[row, 2]`."""
    return np.array([[sum(each.right), len(each.wanted)] for each in found], dtype=np.int64)


def accuracy(totals: NDArray[Any]) -> float:
    """Percent right, from counts summed over rows, `[2]`, with at least one occurrence."""
    return float(100 * totals[0] / totals[1])


def add_terminology(
    compared: Comparison,
    rows: Sequence[Pair],
    systems: Sequence[System],
    glossary: Glossary,
    options: EvaluateOptions,
) -> Comparison:
    """A comparison of these systems on these rows with the terminology accuracy in it.

    `scores` get "terminology" at the top (glossary, references, a table by term), in each system
    and in each difference; `rows` get flags and the terms that were missed or are forbidden.
    Intervals are of resampled rows that hold a term, the same ones for every system. Where no term
    occurs, values are None and there is no difference.
    """
    terms = Terms(glossary.entries, glossary.languages)
    systems = with_cut(systems)
    with progress("terms", len(rows) * (len(systems) + 2)) as advance:
        wanted = [terms.in_source(row.source) for row in rows]
        advance(len(rows))
        references = usages(terms, wanted, [row.target for row in rows])
        advance(len(rows))
        found: dict[str, list[Usage]] = {}
        for system in systems:
            found[system.name] = usages(terms, wanted, [each.text for each in system.hypotheses])
            advance(len(rows))
    return Comparison(
        _scores(compared.scores, glossary, terms, references, found, options),
        [_row(record, at, terms, found) for at, record in enumerate(compared.rows)],
    )


def _scores(
    scores: dict[str, Any],
    glossary: Glossary,
    terms: Terms,
    references: Sequence[Usage],
    found: dict[str, list[Usage]],
    options: EvaluateOptions,
) -> dict[str, Any]:
    counts = {name: statistics(each) for name, each in found.items()}
    held = statistics(references)[:, 1] > 0
    drawn: dict[str, FloatArray] = {}
    if held.any():
        drawn = {
            name: bootstrap(each[held], accuracy, options.bootstrap_samples, options.seed)
            for name, each in counts.items()
        }
    signed = {"signature": signature(glossary)}
    systems = [
        each | {METRIC: _counted(found[name]) | _ends(drawn.get(name), options) | signed}
        for each in scores["systems"]
        if (name := each["name"])
    ]
    values = {each["name"]: each[METRIC]["value"] for each in systems}
    forms = [form for form in UNTUNED_FORMS if form in drawn]
    best = max(forms, key=lambda form: values[form] or 0.0, default="")
    differences = {
        name: each | _difference(name, best, values, drawn, options)
        for name, each in scores["differences"].items()
    }
    rivals = {
        name: {
            rival: found | _difference(name, rival, values, drawn, options)
            for rival, found in each.items()
        }
        for name, each in scores.get("rivals", {}).items()
    }
    about = {
        "glossary": Path(glossary.name).name,  # where it stands makes no difference
        "sha256": glossary.sha256,
        "entries": len(glossary.entries),
        "entries_set_aside": len(glossary.bad_rows),
        **signed,
        "rows_with_terms": int(held.sum()),
        "reference": _counted(references),
        "terms": _by_term(terms, references, found),
    }
    made = {METRIC: about, "systems": systems, "differences": differences}
    return scores | made | ({"rivals": rivals} if rivals else {})


def _counted(found: Sequence[Usage]) -> dict[str, Any]:
    right, occurrences = (int(each) for each in statistics(found).sum(axis=0))
    return {
        "value": accuracy(np.array([right, occurrences])) if occurrences else None,
        "occurrences": occurrences,
        "right": right,
        "forbidden": sum(len(each.forbidden) for each in found),
    }


def _ends(drawn: FloatArray | None, options: EvaluateOptions) -> dict[str, float | None]:
    low, high = interval(drawn, options.confidence) if drawn is not None else (None, None)
    return {"low": low, "high": high}


def _difference(
    name: str,
    against: str,
    values: dict[str, float | None],
    drawn: dict[str, FloatArray],
    options: EvaluateOptions,
) -> dict[str, Any]:
    """The difference of one system from another; from S0 it is that of the form which is better by
    this measure. Nothing where no term occurs."""
    if not drawn:
        return {}
    difference = paired_difference(
        values[name] or 0.0, values[against] or 0.0, drawn[name], drawn[against], options.confidence
    )
    return {METRIC: {"against": against, **asdict(difference)}}


def _by_term(
    terms: Terms, references: Sequence[Usage], found: dict[str, list[Usage]]
) -> list[dict[str, Any]]:
    """The terms that occur, the commonest first, each with what became of it."""
    occurrences = Counter(term for each in references for term in each.wanted)
    right = {name: _right(each) for name, each in {"": references, **found}.items()}
    bad = {name: Counter(term for use in each for term in use.forbidden)
           for name, each in found.items()}  # fmt: skip
    return [
        {
            "source": terms.terms[number].source,
            "targets": list(terms.terms[number].targets),
            "forbidden": list(terms.terms[number].forbidden),
            "origin": Path(terms.terms[number].entries[0].origin).name,
            "occurrences": count,
            "reference_right": right[""][number],
            "systems": {
                name: {"right": right[name][number], "forbidden": bad[name][number]}
                for name in found
            },
        }
        for number, count in occurrences.most_common(MOST_TERMS)
    ]


def _right(found: Sequence[Usage]) -> Counter[int]:
    return Counter(
        term
        for each in found
        for term, is_right in zip(each.wanted, each.right, strict=True)
        if is_right
    )


def _row(
    record: dict[str, Any], at: int, terms: Terms, found: dict[str, list[Usage]]
) -> dict[str, Any]:
    """A row's record with each system's flags, and which terms they are about."""
    systems = {}
    for name, content in record["systems"].items():
        use = found[name][at]
        missed = [n for n, right in zip(use.wanted, use.right, strict=True) if not right]
        noted = {
            flag: [terms.terms[number].source for number in numbers]
            for flag, numbers in ((MISSED, missed), (FORBIDDEN, use.forbidden))
            if numbers
        }
        systems[name] = content | {"flags": [*content["flags"], *noted], "terms": noted}
    return record | {"systems": systems}

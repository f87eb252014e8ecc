"""Models of monolingual text on the same frozen rows, by bits per character: lower is better.

Bits per character are the bits that a model needs to write the rows, over their characters. Unlike
a loss per token they do not hang on how a tokenizer cuts the text. The end token of each row
counts among the bits; what the tokenizer cannot spell (its unknown token) costs as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubash.core.errors import ComparisonError
from dubash.core.languages import Language
from dubash.core.types import Pair
from dubash.data.splits import fingerprint
from dubash.evaluate.comparison import Comparison
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.significance import bootstrap, interval, paired_difference
from dubash.evaluate.systems import UNTUNED

METRIC = "bits_per_character"

SIGNATURE = "bits per character|unit:code point|norm:nfc|end token:counted|rows:on their own"


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that has read the rows: the texts it read, and `[bits, characters]` of each."""

    name: str
    label: str
    texts: Sequence[str]
    statistics: NDArray[np.float64]


def bits_per_character(totals: NDArray[Any]) -> float:
    """Bits over characters, from their sums over rows, `[2]`."""
    return float(totals[0] / totals[1])


def compare_readers(
    rows: Sequence[Pair], readers: Sequence[Reader], language: Language, options: EvaluateOptions
) -> Comparison:
    """Score every reader on the same rows, and each later one against the untuned model, S0.

    A difference is the reader's value less that of S0: below 0 is better. A row's `gain` is how
    many bits per character the first later reader needs less than S0. Raises ComparisonError
    where the readers did not read these rows.
    """
    _refuse_unequal(rows, readers)
    drawn = {
        each.name: bootstrap(
            each.statistics, bits_per_character, options.bootstrap_samples, options.seed
        )
        for each in readers
    }
    values = {each.name: bits_per_character(each.statistics.sum(axis=0)) for each in readers}
    later = [each.name for each in readers if each.name != UNTUNED] if UNTUNED in values else []
    scores = {
        "task": "text",
        "rows": len(rows),
        "rows_fingerprint": fingerprint(rows),
        "target_language": language.code,
        "bootstrap": {
            "samples": options.bootstrap_samples,
            "seed": options.seed,
            "confidence": options.confidence,
        },
        "systems": [
            _summary(each, values[each.name], interval(drawn[each.name], options.confidence))
            for each in readers
        ],
        "baseline": UNTUNED if UNTUNED in values else None,
        "differences": {
            name: {
                METRIC: {
                    "against": UNTUNED,
                    **asdict(
                        paired_difference(
                            values[name], values[UNTUNED], drawn[name], drawn[UNTUNED],
                            options.confidence,
                        )
                    ),
                }
            }
            for name in later
        },
    }  # fmt: skip
    return Comparison(scores, _row_records(rows, readers, later))


def _summary(reader: Reader, value: float, ends: tuple[float, float]) -> dict[str, Any]:
    bits, characters = reader.statistics.sum(axis=0)
    score = {"value": value, "low": ends[0], "high": ends[1], "signature": SIGNATURE}
    return {
        "name": reader.name,
        "label": reader.label,
        "scores": {METRIC: score},
        "bits": float(bits),
        "characters": int(characters),
    }


def _row_records(
    rows: Sequence[Pair], readers: Sequence[Reader], later: Sequence[str]
) -> list[dict[str, Any]]:
    records = []
    for number, row in enumerate(rows):
        systems = {
            each.name: {
                "bits": float(each.statistics[number, 0]),
                METRIC: bits_per_character(each.statistics[number]),
            }
            for each in readers
        }
        gain = systems[UNTUNED][METRIC] - systems[later[0]][METRIC] if later else None
        records.append(
            {
                "row": number,
                "text": row.target,
                "document": row.document,
                "systems": systems,
                "gain": gain,
            }
        )
    return records


def _refuse_unequal(rows: Sequence[Pair], readers: Sequence[Reader]) -> None:
    if not rows or not readers:
        raise ComparisonError(f"there are no {'models' if rows else 'rows'} to compare.")
    if len({each.name for each in readers}) < len(readers):
        raise ComparisonError("two systems have the same name.")
    wanted = [row.target for row in rows]
    for each in readers:
        sizes = each.statistics[:, 1].tolist()
        if list(each.texts) != wanted or sizes != [len(text) for text in wanted]:
            raise ComparisonError(
                f"{each.name} read {len(each.texts)} rows that are not the {len(rows)} test rows.",
                fix="Systems are compared on the same rows only: score the test set again.",
            )

"""Every metric that was asked for, on every system: scores, and scores of the same drawn sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubash.core.languages import Language
from dubash.core.progress import progress, say
from dubash.core.types import Pair
from dubash.evaluate.metrics import IntArray, Metric, bleu_metric, chrf_metric, ter_metric
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.rowwise import Blank, RowMetric, Segment, mean_statistics
from dubash.evaluate.significance import FloatArray, Score, resample
from dubash.evaluate.systems import System

_BLOCK = 64
"""Rows whose n-grams are held at once."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric on all systems, by name: `values`, the scores of the drawn sets, `[sample]`, and
    the per-row counts, `[row, count]`, with the `score` that their sums make.

    Where the metric could not run `blank` says why, and the rest is empty.
    """

    key: str
    higher_is_better: bool
    signature: str
    values: Mapping[str, float]
    sampled: Mapping[str, FloatArray]
    counts: Mapping[str, NDArray[Any]]
    score: Score | None
    blank: str = ""


@dataclass(frozen=True, slots=True)
class _Counted:
    """One metric's per-row counts `[row, count]` of each system, and its score from their sums."""

    key: str
    higher_is_better: bool
    signature: str
    counts: list[NDArray[Any]]
    score: Score


def counted_metrics(target: Language, options: EvaluateOptions) -> dict[str, Metric | Blank]:
    """Those of the metrics asked for that are sacrebleu's, by key.

    Raises UserError where the BLEU tokenizer of the target language is not installed.
    """
    made: dict[str, Metric | Blank] = {}
    for key in options.metrics:
        if key == "bleu":
            made[key] = bleu_metric(target)
        elif key == "chrf++":
            made[key] = chrf_metric()
        elif key == "ter":
            words = f"TER counts words, and {target.name} is written without spaces between them."
            made[key] = ter_metric(target) or Blank(words)
    return made


def measure(
    rows: Sequence[Pair],
    systems: Sequence[System],
    target: Language,
    options: EvaluateOptions,
    others: Sequence[RowMetric] = (),
) -> tuple[list[Measured], list[list[float]]]:
    """Each metric on all systems, in the order asked for, `others` last; and the sentence chrF++
    of each system's rows.

    Raises UserError as `counted_metrics` and the `others` do.
    """
    made = counted_metrics(target, options)
    metrics = [each for each in made.values() if isinstance(each, Metric)]
    counted = {each.key: each for each in _count(rows, systems, metrics)}
    chrf = chrf_metric()
    sentences = [chrf.sentence_scores(counts) for counts in counted[chrf.key].counts]
    found: dict[str, _Counted | Blank] = {
        **{key: each if isinstance(each, Blank) else counted[key] for key, each in made.items()},
        **{other.key: _ask(other, rows, systems) for other in others},
    }
    done = [each for each in found.values() if isinstance(each, _Counted)]
    measured = {each.key: each for each in _sample(done, [each.name for each in systems], options)}
    for key, each in found.items():
        if isinstance(each, Blank):
            say(f"  {key} stays blank: {each.why}")
            measured[key] = Measured(key, True, "", {}, {}, {}, None, each.why)
    return [measured[key] for key in found], sentences


def _count(
    rows: Sequence[Pair], systems: Sequence[System], metrics: Sequence[Metric]
) -> list[_Counted]:
    """sacrebleu's per-row counts, a block of rows at a time."""
    parts: dict[str, list[list[IntArray]]] = {each.key: [] for each in metrics}
    with progress("score", len(rows)) as advance:
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            references = [row.target for row in rows[block]]
            texts = [[each.text for each in system.hypotheses[block]] for system in systems]
            for metric in metrics:
                parts[metric.key].append(metric.statistics_of(texts, references))
            advance(len(references))
    return [
        _Counted(
            each.key,
            each.higher_is_better,
            each.signature,
            [np.concatenate(blocks) for blocks in zip(*parts[each.key], strict=True)],
            each.score,
        )
        for each in metrics
    ]


def _ask(metric: RowMetric, rows: Sequence[Pair], systems: Sequence[System]) -> _Counted | Blank:
    """A row metric's numbers, each different segment asked for once, whichever systems have it."""
    segments = [
        [
            Segment(row.source, hypothesis.text, row.target)
            for row, hypothesis in zip(rows, system.hypotheses, strict=True)
        ]
        for system in systems
    ]
    different = list(dict.fromkeys(each for texts in segments for each in texts))
    found = metric.score(different)
    if isinstance(found, Blank):
        return found
    known = dict(zip(different, found.values, strict=True))
    values = [np.array([known[each] for each in texts]) for texts in segments]
    counts, score = mean_statistics(values)
    return _Counted(metric.key, metric.higher_is_better, found.signature, counts, score)


def _sample(
    counted: Sequence[_Counted], names: Sequence[str], options: EvaluateOptions
) -> list[Measured]:
    """The scores of the test set and of the drawn sets, which are drawn once for everything."""
    columns = [counts for each in counted for counts in each.counts]
    drawn = resample(np.hstack(columns), options.bootstrap_samples, options.seed)
    ends = np.cumsum([counts.shape[1] for counts in columns])[:-1]
    sums = iter(np.split(drawn, ends, axis=1))
    found = []
    for each in counted:
        values = {
            name: each.score(counts.sum(axis=0))
            for name, counts in zip(names, each.counts, strict=True)
        }
        sampled = {name: np.array([each.score(one) for one in next(sums)]) for name in names}
        counts = dict(zip(names, each.counts, strict=True))
        found.append(
            Measured(
                each.key, each.higher_is_better, each.signature, values, sampled, counts, each.score
            )
        )
    return found

"""Systems on the same frozen rows: scores, behaviour, and differences from the untuned baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from dubash.core.languages import Language, LanguagePair
from dubash.core.progress import progress
from dubash.core.types import Hypothesis, Pair, StopReason
from dubash.data.splits import fingerprint
from dubash.evaluate.assisted import DERIVED, RIVALS
from dubash.evaluate.behaviour import Expectation, findings, judged, usual_length_ratio
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.measure import Measured, measure
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.rowwise import RowMetric
from dubash.evaluate.significance import interval, paired_difference
from dubash.evaluate.systems import UNTUNED_FORMS, System, refuse_unequal, with_cut


@dataclass(frozen=True, slots=True)
class Comparison:
    """`scores` is the content of `scores.json`, `rows` that of `rows.jsonl`; `measured` are the
    metrics with all that they counted."""

    scores: dict[str, Any]
    rows: list[dict[str, Any]]
    measured: list[Measured] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class _Scored:
    """A system with what was found of each of its rows."""

    system: System
    sentences: list[float]
    findings: list[dict[str, str]]
    judged: tuple[str, ...]


def compare(
    rows: Sequence[Pair],
    systems: Sequence[System],
    languages: LanguagePair | Language,
    options: EvaluateOptions,
    prompt_pieces: Sequence[str] = (),
    others: Sequence[RowMetric] = (),
    training: Sequence[Pair] = (),
) -> Comparison:
    """Score every system on the same rows and each later one against the untuned baseline.

    `languages` is the pair, or the target alone where nobody knows the source. The untuned
    forms S0 and S0-shots each get another, each text cut at its first line. By each metric a
    difference is from the form that is best by that metric (the first where some are equal), named
    in its `against`; `rivals` hold differences of systems with help from those in `RIVALS`;
    `baseline` is the one by chrF++. Without an S0 there is no baseline and no difference.
    `prompt_pieces`: see `behaviour.Expectation`. A row's `gain` is the sentence chrF++ of the
    first system after S0, less the baseline's. `others` are metrics beside sacrebleu's; of one that
    cannot run, a score is `{"value": None, "why": …}` and there is no difference. `training` are
    the rows that the systems learnt from, without which nothing is said of mimicry.

    Raises ComparisonError where the systems are not of these rows, and UserError where the BLEU
    tokenizer of the target language is not installed, or as the `others` do.
    """
    refuse_unequal(rows, systems)
    systems = with_cut(systems)
    source = None if isinstance(languages, Language) else languages.source
    target = languages if isinstance(languages, Language) else languages.target
    metrics, sentences = measure(rows, systems, target, options, others)
    ratio = usual_length_ratio(rows)
    index = TrainingIndex(training, target, options.behaviour) if training else None
    expected = Expectation(target, ratio, tuple(prompt_pieces), options.behaviour, index, source)
    scored = _judge(systems, sentences, rows, expected)
    untuned = [each for each in scored if each.system.name in UNTUNED_FORMS]
    later = [each for each in scored if each.system.name not in UNTUNED_FORMS]
    by_key = {each.key: each for each in metrics}
    baseline = _better(untuned, by_key["chrf++"]) if untuned else None
    scores = {
        "rows": len(rows),
        "rows_fingerprint": fingerprint(rows),
        "source_language": source.code if source else None,
        "target_language": target.code,
        "bootstrap": {
            "samples": options.bootstrap_samples,
            "seed": options.seed,
            "confidence": options.confidence,
        },
        "systems": [_summary(each, rows, metrics, options) for each in scored],
        "baseline": baseline.system.name if baseline else None,
        "differences": _differences(later, untuned, metrics, options) if untuned else {},
    }
    if rivals := _rivals(systems, metrics, options):
        scores["rivals"] = rivals
    return Comparison(scores, _row_records(rows, scored, baseline, later), metrics)


def _judge(
    systems: Sequence[System],
    sentences: Sequence[list[float]],
    rows: Sequence[Pair],
    expected: Expectation,
) -> list[_Scored]:
    """What each system did in each row; a text that another one has there too (S0-cut often has
    S0's) is judged once. Nobody knows why the rows of a plain file ended: nothing is said of it."""
    scored: list[_Scored] = []
    known: dict[tuple[int, str], dict[str, str]] = {}
    with progress("behaviour", len(rows) * len(systems)) as advance:
        for system, chrf in zip(systems, sentences, strict=True):
            found = []
            for index, (row, each) in enumerate(zip(rows, system.hypotheses, strict=True)):
                key = index, each.text
                if key not in known:
                    known[key] = findings(row, Hypothesis(each.text, "end", 0, 0.0), expected)
                no_end = system.measured and each.stop == "limit"
                found.append({"no_end": ""} | known[key] if no_end else known[key])
            unknown = set() if system.measured else {"no_end"}
            looked_for = tuple(flag for flag in judged(expected) if flag not in unknown)
            scored.append(_Scored(system, chrf, found, looked_for))
            advance(len(rows))
    return scored


def _better(untuned: Sequence[_Scored], metric: Measured) -> _Scored:
    """The form of S0 that is better by that metric; the first where they are equal."""
    best = max if metric.higher_is_better else min
    return best(untuned, key=lambda each: metric.values[each.system.name])


def _differences(
    later: Sequence[_Scored],
    untuned: Sequence[_Scored],
    metrics: Sequence[Measured],
    options: EvaluateOptions,
) -> dict[str, Any]:
    """By system and metric, differences from the best form of S0; of mere rivals there are none."""
    return {
        each.system.name: _difference(each, untuned, metrics, options)
        for each in later
        if each.system.name not in DERIVED
    }


def _difference(
    scored: _Scored,
    untuned: Sequence[_Scored],
    metrics: Sequence[Measured],
    options: EvaluateOptions,
) -> dict[str, Any]:
    """By metric, the difference from the form of S0 that is better by that very metric."""
    return {
        metric.key: apart(scored.system.name, _better(untuned, metric).system.name, metric, options)
        for metric in metrics
        if not metric.blank
    }


def apart(ours: str, theirs: str, metric: Measured, options: EvaluateOptions) -> dict[str, Any]:
    """The difference of one system from another by a metric."""
    found = paired_difference(
        metric.values[ours],
        metric.values[theirs],
        metric.sampled[ours],
        metric.sampled[theirs],
        options.confidence,
    )
    return {"against": theirs, **asdict(found)}


def _rivals(
    systems: Sequence[System], metrics: Sequence[Measured], options: EvaluateOptions
) -> dict[str, Any]:
    """By system, by rival, by metric, how a system with help differs from what it has to beat."""
    there = {each.name for each in systems}
    return {
        name: {
            rival: {
                metric.key: apart(name, rival, metric, options)
                for metric in metrics
                if not metric.blank
            }
            for rival in rivals
            if rival in there
        }
        for name, rivals in RIVALS.items()
        if name in there
    }


def metric_score(metric: Measured, system: str, options: EvaluateOptions) -> dict[str, Any]:
    """A metric's entry of a system in `scores.json`."""
    if metric.blank:
        return {"value": None, "why": metric.blank}
    low, high = interval(metric.sampled[system], options.confidence)
    return {
        "value": metric.values[system],
        "low": low,
        "high": high,
        "signature": metric.signature,
        "higher_is_better": metric.higher_is_better,
    }


def _summary(
    scored: _Scored, rows: Sequence[Pair], metrics: Sequence[Measured], options: EvaluateOptions
) -> dict[str, Any]:
    """A system's entry in `scores.json`; of what could not be judged, counts are left out."""
    system, hypotheses = scored.system, scored.system.hypotheses
    counts = Counter(flag for each in scored.findings for flag in each)
    stops = Counter(each.stop for each in hypotheses)
    characters = sum(len(each.text.strip()) for each in hypotheses)
    return {
        "name": system.name,
        "label": system.label,
        "scores": {each.key: metric_score(each, system.name, options) for each in metrics},
        "stops": {stop: stops[stop] for stop in get_args(StopReason)} if system.measured else {},
        "behaviour": {flag: counts[flag] for flag in scored.judged},
        "length_ratio": characters / sum(len(row.target.strip()) for row in rows),
        **_speed(system),
    }


def _speed(system: System) -> dict[str, float | None]:
    """Tokens, seconds and rates; None where nothing was measured."""
    tokens = sum(each.tokens for each in system.hypotheses)
    seconds = sum(each.seconds for each in system.hypotheses)
    rows, timed = len(system.hypotheses), system.measured and seconds > 0
    return {
        "tokens": tokens if system.measured else None,
        "seconds": seconds if timed else None,
        "tokens_per_second": tokens / seconds if timed else None,
        "segments_per_second": rows / seconds if timed else None,
        "seconds_per_segment": seconds / rows if timed else None,
    }


def _row_records(
    rows: Sequence[Pair],
    scored: Sequence[_Scored],
    baseline: _Scored | None,
    later: Sequence[_Scored],
) -> list[dict[str, Any]]:
    records = []
    for index, row in enumerate(rows):
        systems = {}
        for each in scored:
            hypothesis = each.system.hypotheses[index]
            systems[each.system.name] = {
                "text": hypothesis.text,
                "stop": hypothesis.stop if each.system.measured else None,
                "flags": list(each.findings[index]),
                "evidence": {flag: seen for flag, seen in each.findings[index].items() if seen},
                "chrf": each.sentences[index],
            }
        gain = later[0].sentences[index] - baseline.sentences[index] if baseline and later else None
        records.append(
            {
                "row": index,
                "source": row.source,
                "reference": row.target,
                "document": row.document,
                "systems": systems,
                "gain": gain,
            }
        )
    return records

"""What could make a result untrustworthy, or a model bad in use: one list, the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dubash.data.leaks import leaked_test_rows, near_test_count
from dubash.evaluate.numbers import interval, number
from dubash.evaluate.options import VerdictOptions
from dubash.evaluate.terminology import FORBIDDEN, MISSED
from dubash.evaluate.terminology import METRIC as TERMS
from dubash.report import bits, words
from dubash.report.behaviour import behaviour, endings
from dubash.report.facts import Facts
from dubash.report.tables import blanks
from dubash.report.words import plural
from dubash.report.worry import Severity, Worry, share

CHRF_FALL = 1.0
"""chrF++ on the dev sample that the weights kept may lie below its highest; less is noise."""

AUDITED = ("leaks", "rows", "rows as trained", "model", "glossary")
"""What an audit says that the list would not have anyway."""

NEAR = "near"
"""The choice among the rows that shows test rows with a near-duplicate in training."""


def worries(facts: Facts) -> list[Worry]:
    """All of them, faults first; where `dubash verdict` draws a line, it is drawn there too."""
    evaluate = facts.recipe.get("evaluate") or {}
    rules = VerdictOptions.model_validate(evaluate.get("verdict") or {})
    found = [
        *_result(facts, rules),
        *_audit(facts),
        *_leaks(facts, rules),
        *endings(facts, rules),
        *behaviour(facts, rules),
        *_terms(facts),
        *_training(facts),
        *_data(facts),
        *(
            Worry("caution", "blank", f"{label} is blank: {why}")
            for label, why in blanks(facts).items()
        ),
        *_seed(facts, rules),
    ]
    return sorted(found, key=lambda each: each.severity != "fault")


def summary(facts: Facts, found: list[Worry]) -> str:
    """How many there are, in one line; plainly so where there are none."""
    when = "" if facts.scores else "Nothing is scored yet. "
    faults = sum(each.severity == "fault" for each in found)
    if not found:
        return f"{when}Nothing to worry about was found."
    rest = len(found) - faults
    kept = f"{plural(rest, 'thing')} to keep in mind"
    if not faults:
        return f"{when}No fault was found; {kept}."
    return f"{when}{plural(faults, 'fault')}{f', and {kept}' if rest else ''}."


def _gain(facts: Facts) -> dict[str, Any] | None:
    """The difference in chrF++ that the headline is about."""
    differences: dict[str, Any] = (facts.scores or {}).get("differences") or {}
    found: dict[str, Any] | None = differences.get(facts.tuned or "", {}).get("chrf++")
    return found


def _result(facts: Facts, rules: VerdictOptions) -> Iterator[Worry]:
    gain, rows = _gain(facts), (facts.scores or {}).get("rows", 0)
    if 0 < rows < rules.least_rows and not facts.is_text:
        text = f"{plural(rows, 'test row')} only: fewer than {rules.least_rows} decide nothing."
        yield Worry("fault", "few rows", text, "data")
    verdict = bits.verdict(facts) if facts.is_text else words.verdict(facts)
    if verdict.kind == "worse":
        yield Worry("fault", "worse", f"{verdict.headline}.", "result")
    if gain is None:
        return
    if gain["low"] <= 0 <= gain["high"]:
        half = number((gain["high"] - gain["low"]) / 2)
        text = (
            f"The interval of the gain holds 0: on {plural(rows, 'row')} a gain of less than about "
            f"{half} chrF++ cannot be told from none."
        )
        yield Worry("caution", "wide interval", text, "result")
    elif 0 < gain["value"] < rules.smallest_gain:
        text = f"The gain is below {number(rules.smallest_gain)} chrF++, too small to matter."
        yield Worry("caution", "small gain", text, "result")


def _terms(facts: Facts) -> Iterator[Worry]:
    tuned = facts.system(facts.tuned or "")
    if tuned is None or not tuned.get(TERMS) or tuned[TERMS]["value"] is None:
        return
    scores: dict[str, Any] = facts.scores or {}
    found, reference = tuned[TERMS], scores[TERMS]["reference"]
    change = (scores["differences"].get(facts.tuned) or {}).get(TERMS)
    right = f"{facts.tuned} has {number(found['value'])}% of {plural(found['occurrences'], 'term')}"
    if change is not None and change["high"] < 0:
        ends = interval(change["low"], change["high"], sign=True)
        text = f"{right} right, fewer than {change['against']}: {number(change['value'])} {ends}."
        yield Worry("fault", "terms", text, "terms", f"{facts.tuned} flag {MISSED}")
    elif found["value"] < reference["value"]:
        text = f"{right} right; the references have {number(reference['value'])}%."
        yield Worry("caution", "terms", text, "terms", f"{facts.tuned} flag {MISSED}")
    if found["forbidden"]:
        text = f"{facts.tuned} uses {plural(found['forbidden'], 'forbidden term')}."
        show = f"{facts.tuned} flag {FORBIDDEN}"
        yield Worry("caution", "forbidden terms", text, "terms", show)


def _leaks(facts: Facts, rules: VerdictOptions) -> Iterator[Worry]:
    account = facts.account or {}
    leaks = account.get("leaks") or {}
    for doubt in account.get("doubts", ()):  # rows that were prepared earlier have none
        yield Worry("caution", "languages", f"{doubt}.", "data")
    if close := near_test_count(leaks):
        rows = account["splits"]["test"]["rows"] - len(leaked_test_rows(leaks))
        many = close > rules.most_near_duplicates * rows
        text = (
            f"{share(close, rows, 'test row')} {'has' if close == 1 else 'have'} a near-duplicate "
            "in the training rows: the scores may flatter."
        )
        near = leaks["near_duplicates"]["train-test"]
        lines = tuple(f"{one['a']} ≈ {one['b']}" for one in near.get("examples", ()))
        severity: Severity = "fault" if many else "caution"
        yield Worry(severity, "near-duplicates", text, "data", NEAR, lines)
    shown = (facts.scores or {}).get("glossary_examples") or {}
    held = max((shown["near"]["either"], *shown["exact"].values())) if shown else 0
    if held:
        text = (
            f"At least {share(held, shown['rows'], 'test row')} stand among the glossary's "
            "examples, or near them."
        )
        yield Worry("caution", "glossary examples", text, "data")
    if (looked := facts.manifest.get("looks", 1)) > 1:
        text = (
            f"{looked} tuned models were scored on these test rows: the best of many tries is "
            "partly luck, so keep rows aside that none of them has seen."
        )
        yield Worry("caution", "looks", text)


def _audit(facts: Facts) -> Iterator[Worry]:
    """What an audit found that the list has not anyway."""
    for each in facts.audit:
        if each["about"] in AUDITED:
            section = "data" if each["about"] in ("leaks", "rows") else ""
            text = f"{each['text'][:1].upper()}{each['text'][1:].rstrip('.')}."
            lines = tuple(each.get("evidence", ()))
            yield Worry(each["severity"], each["about"], text, section, evidence=lines)


def _training(facts: Facts) -> Iterator[Worry]:
    training: dict[str, Any] = facts.manifest.get("training") or {}
    if not training:
        return
    if skipped := training.get("skipped_steps", 0):
        text = f"{share(skipped, training['steps'], 'training step')} could not be used."
        yield Worry("caution", "skipped steps", text, "training")
    looks = facts.of_kind("dev")
    if not looks:
        text = "No dev rows were looked at: nothing says when training should have stopped."
        yield Worry("caution", "no dev set", text, "training")
        return
    best, last = training.get("best_step"), training.get("steps")
    if len(looks) > 1 and best == looks[0]["step"]:
        text = (
            f"Of {len(looks)} looks at the dev set the first, at step {best:,}, was the best: "
            "training on made it worse."
        )
        yield Worry("caution", "best step", text, "training")
    elif len(looks) > 1 and best == last and not training.get("stopped_early"):
        text = "The dev set was best at the last step: training on may still help."
        yield Worry("caution", "best step", text, "training")
    if training.get("stopped_early") and training.get("epochs", 1) < 1:
        text = f"Training stopped early, after {training['epochs']:.0%} of the training rows."
        yield Worry("caution", "stopped early", text, "training")
    yield from _curves(looks, best)


def _curves(looks: list[dict[str, Any]], best: int | None) -> Iterator[Worry]:
    """The loss of the dev set falls, and the quality of its translations with it."""
    both = [each for each in looks if each.get("loss") is not None and each.get("chrf") is not None]
    kept = next((each for each in both if each["step"] == best), None)
    if kept is None:
        return
    top = max(both, key=lambda each: each["chrf"])
    fell = top["chrf"] - kept["chrf"]
    if top["step"] < kept["step"] and kept["loss"] < top["loss"] and fell > CHRF_FALL:
        text = (
            f"Dev chrF++ fell by {number(fell)} from step {top['step']:,} to the weights kept, "
            "while the dev loss went on falling: train.keep_best: chrf keeps the others."
        )
        yield Worry("caution", "curves", text, "training")


def _data(facts: Facts) -> Iterator[Worry]:
    long = facts.manifest.get("too_long") or {}
    splits = (facts.account or {}).get("splits") or {}
    for name in ("train", "dev"):
        if (count := long.get(name, 0)) and name in splits:
            noun = "training row" if name == "train" else "dev row"
            verb = "is" if count == 1 else "are"
            text = f"{share(count, splits[name]['rows'], noun)} {verb} too long and left out."
            yield Worry("caution", "too long", text, "data")


def _seed(facts: Facts, rules: VerdictOptions) -> Iterator[Worry]:
    """What the interval leaves out; every run is of one seed, and of a plain file nobody knows."""
    if facts.tuned is None:
        return
    interval_of = "the interval says how far the choice of test rows may move the"
    text = (
        f"One file of translations: {interval_of} score; if its system was trained, another seed "
        "may move it too"
        if facts.is_file(facts.tuned)
        else f"One training seed only: {interval_of} result; another seed may move it too"
    )
    gain = _gain(facts)
    if gain and 0 < gain["low"] <= rules.seed_margin:
        text += f", by up to {number(rules.seed_margin)} chrF++ as dubash verdict takes it"
    yield Worry("caution", "one seed", f"{text}.")

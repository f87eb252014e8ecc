"""What the behaviour checks say of human translations: NTREX's references taken as hypotheses.

    python -m experiments.behaviour FOLDER            # the tables of behaviour.md
    python -m experiments.behaviour FOLDER --hits     # every hit, with its label if it has one

FOLDER holds `en-es.ntrex128.tsv` and the others. The reference is withheld from the checks, since
it would silence them all; of the references only `behaviour-labels.tsv` keeps line numbers.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.data.language import likely_language
from dubash.evaluate.behaviour import FLAGS, Expectation, findings, usual_length_ratio
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.behaviour.text import letters
from dubash.evaluate.options import BehaviourOptions

LABELS = Path(__file__).with_name("behaviour-labels.tsv")
OPTIONS = BehaviourOptions()
TRAINING = {
    "en-es.ntrex128": ("en-es.manythings", "en-es.gnome-help"),
    "en-es.ntrex128-ref2": ("en-es.manythings", "en-es.gnome-help"),
    "en-hi.ntrex128": ("en-hi.manythings", "en-hi.storyweaver"),
    "en-ja.ntrex128": ("en-ja.manythings", "en-ja.gnome-help"),
    "hi-gu.ntrex128": ("hi-gu.software-ui", "hi-gu.mozilla-web", "hi-gu.storyweaver"),
    "en-kn.ntrex128": ("en-kn.manythings", "en-kn.storyweaver"),
}
"""The files of references, and the training rows that they are held against for mimicry."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One flag of one reference: the file, its line from 1, the check, what it says, the row."""

    file: str
    line: int
    check: str
    evidence: str
    row: Pair


def read(folder: Path, name: str) -> list[Pair]:
    """The pairs of a file, line by line."""
    text = (folder / f"{name}.tsv").read_text(encoding="utf-8")
    return [Pair(*line.split("\t")[:2]) for line in text.split("\n") if line]


def expectation(folder: Path, name: str) -> Expectation:
    """What the rows of a file are held to, with the training rows at hand."""
    target = language(name.split(".")[0].split("-")[1])
    training = [row for each in TRAINING[name] for row in read(folder, each)]
    index = TrainingIndex(training, target, OPTIONS)
    return Expectation(target, usual_length_ratio(read(folder, name)), (), OPTIONS, index)


def hits(folder: Path, name: str) -> Iterator[Hit]:
    """The flags of the references of a file, each without its reference."""
    expected = expectation(folder, name)
    for line, row in enumerate(read(folder, name), start=1):
        text = Hypothesis(row.target, "end", 1, 0.1)
        for check, evidence in findings(Pair(row.source, ""), text, expected).items():
            yield Hit(name, line, check, evidence, row)


def false_alarms(folder: Path, name: str, other: str) -> Counter[str]:
    """The flags of one file's references as hypotheses beside another's, nothing withheld."""
    expected, found = expectation(folder, name), Counter[str]()
    for row, second in zip(read(folder, name), read(folder, other), strict=True):
        found.update(list(findings(row, Hypothesis(second.target, "end", 1, 0.1), expected)))
    return found


def labels() -> dict[tuple[str, int, str], tuple[str, str]]:
    """By file, line and check: `right` or `wrong`, and why."""
    lines = LABELS.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {(file, int(line), check): (verdict, why) for file, line, check, verdict, why in rows}


def print_hits(folder: Path, name: str) -> None:
    """Every hit on a file, with its label and its row, which is not to be kept."""
    known = labels()
    for hit in hits(folder, name):
        verdict = known.get((name, hit.line, hit.check), ("unlabelled", ""))
        print(name, hit.line, hit.check, *verdict, hit.evidence, sep="\t")
        print(f"    {hit.row.source}\n    {hit.row.target}")


def print_rates(folder: Path) -> None:
    """By check: hits in each file, and how many of them are labelled right."""
    known = labels()
    found = {name: list(hits(folder, name)) for name in TRAINING}
    print("| check |", " | ".join(TRAINING), "| right | wrong | unlabelled | precision |")
    print("|---|" + "---:|" * (len(TRAINING) + 4))
    for flag in FLAGS:
        counts = Counter(
            known.get((name, hit.line, flag), ("unlabelled",))[0]
            for name, each in found.items()
            for hit in each
            if hit.check == flag
        )
        cells = [sum(hit.check == flag for hit in each) for each in found.values()]
        cells += [counts[each] for each in ("right", "wrong", "unlabelled")]
        share = f"{counts['right'] / counts.total():.0%}" if counts else "–"
        print(f"| {flag} |", " | ".join(map(str, cells)), "|", share, "|")


def print_languages(folder: Path) -> None:
    """What the identifier says of NTREX's segments of 30 letters or more."""
    print("| language | segments | right | right, p ≥ 0.7 | wrong, p ≥ 0.7 | µs a segment |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, side in (
        ("en-es", 0), ("en-es", 1), ("en-hi", 1), ("hi-gu", 1), ("en-kn", 1), ("en-ja", 1),
    ):  # fmt: skip
        code = name.split("-")[side]
        rows = read(folder, f"{name}.ntrex128")
        texts = [row.target if side else row.source for row in rows]
        texts = [text for text in texts if len(letters(text)) >= OPTIONS.language_letters]
        likely_language(texts[0])
        start = time.perf_counter()
        found = [likely_language(text) for text in texts]
        each = (time.perf_counter() - start) / len(texts)
        sure = [said == code for said, p in found if p >= OPTIONS.language_probability]
        right = sum(said == code for said, _ in found) / len(texts)
        print(
            f"| {code} | {len(texts)} | {right:.1%} | {sum(sure) / len(texts):.1%} "
            f"| {len(sure) - sum(sure)} | {1e6 * each:.0f} |"
        )


def print_mimicry(folder: Path) -> None:
    """Rows of 2,000 sources kept aside, their own references as hypotheses: nothing is recited, but
    some stand in the training rows, as translations of another source."""
    print("| file | into | training rows | held out | index, s | flagged | beside the reference |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, into in (
        ("en-es.manythings", 1), ("en-es.manythings", 0), ("en-ja.manythings", 1),
        ("en-ja.manythings", 0), ("hi-gu.software-ui", 1),
    ):  # fmt: skip
        rows = [row if into else Pair(row.target, row.source) for row in read(folder, name)]
        target = language(name.split(".")[0].split("-")[into])
        sources = sorted({row.source for row in rows})
        held = set(random.Random(7).sample(sources, 2000))
        learnt = [row for row in rows if row.source not in held]
        test = list({row.source: row for row in rows if row.source in held}.values())
        start = time.perf_counter()
        index = TrainingIndex(learnt, target, OPTIONS)
        seconds = time.perf_counter() - start
        alone = sum(bool(index.uncalled(row.target, Pair(row.source, ""))) for row in test)
        beside = sum(bool(index.uncalled(row.target, row)) for row in test)
        print(
            f"| {name} | {target.code} | {len(learnt):,} | {len(test):,} | {seconds:.2f} "
            f"| {alone} | {beside} |"
        )


def main(folder: Path, *, show: bool) -> None:
    """Print the tables, or all hits."""
    if show:
        for name in TRAINING:
            print_hits(folder, name)
        return
    print_rates(folder)
    pair = ("en-es.ntrex128", "en-es.ntrex128-ref2")
    for name, other in (pair, pair[::-1]):
        found = false_alarms(folder, name, other)
        print(f"\n{other} as hypotheses, {name} as references, 1,997 rows:", dict(found))
    print()
    print_languages(folder)
    print()
    print_mimicry(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), show="--hits" in sys.argv)

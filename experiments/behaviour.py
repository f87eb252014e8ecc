"""What the behaviour checks say of human translations: NTREX's references taken as hypotheses.

    python -m experiments.behaviour FOLDER            # the tables of behaviour.md
    python -m experiments.behaviour FOLDER --hits     # every hit, with its label if it has one

FOLDER holds `en-es.ntrex128.tsv` and the others. The reference is withheld from the checks, since
it would silence them all; of the references only `behaviour-labels.tsv` keeps line numbers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.behaviour import FLAGS, Expectation, findings, usual_length_ratio
from dubash.evaluate.behaviour.mimicry import TrainingIndex
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


def main(folder: Path, *, show: bool) -> None:
    """Print the tables, or all hits."""
    known = labels() if LABELS.exists() else {}
    rates: dict[str, Counter[str]] = {}
    verdicts: dict[str, Counter[str]] = {flag: Counter() for flag in FLAGS}
    for name in TRAINING:
        rates[name] = Counter()
        for hit in hits(folder, name):
            verdict, why = known.get((name, hit.line, hit.check), ("unlabelled", ""))
            rates[name][hit.check] += 1
            verdicts[hit.check][verdict] += 1
            if show:
                print(name, hit.line, hit.check, verdict, why, repr(hit.evidence), sep="\t")
                print(f"    {hit.row.source}\n    {hit.row.target}")
    if show:
        return
    print("| check |", " | ".join(TRAINING), "| right | wrong | unlabelled | precision |")
    print("|---|" + "---:|" * (len(TRAINING) + 4))
    for flag in FLAGS:
        counts = verdicts[flag]
        seen = counts["right"] + counts["wrong"]
        share = f"{counts['right'] / seen:.0%}" if seen else "–"
        cells = [rates[name][flag] for name in TRAINING]
        cells += [counts[each] for each in ("right", "wrong", "unlabelled")]
        print(f"| {flag} |", " | ".join(map(str, cells)), "|", share, "|")
    pair = ("en-es.ntrex128", "en-es.ntrex128-ref2")
    for name, other in (pair, pair[::-1]):
        found = false_alarms(folder, name, other)
        print(f"\n{other} as hypotheses, {name} as references, 1,997 rows:", dict(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), show="--hits" in sys.argv)

"""Real documents for S2: blocks held out, a glossary from the training part, two conditions.

    python -m experiments.retrieval FILE.tsv --work runs/gnome [--glossary FILE] [--languages en-es]

FILE holds a pair a line in the order of its documents, source and target first; runs of 40 lines
count as one. It writes train.tsv, dev.tsv and test.tsv twice, into `memory` (training rows of other
documents may resemble test rows) and `leak-free` (none is 70% or more like a test source), each
with terms.csv and random.csv (as many words that are no terms, as in WMT25's terminology task).

Terms are runs of one to three words of the training sources that go with one run of words of their
targets: in at least five rows, with a Dice coefficient of 0.8 or more (Smadja et al. 1996), neither
side holding a function word. Random words are those with 0.3 to 0.8. No test row is looked at.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from dubash.core.files import write_text
from dubash.data.normalise import key, normalise
from dubash.memory.stopwords import stop_words

BLOCK, TEST, DEV = 40, 400, 100
SEED = 7
LEAST_ROWS, TERM_DICE, WORD_DICE = 5, 0.8, 0.3

Row = tuple[str, str, str]
"""Source, target, document."""


def read(path: Path) -> list[Row]:
    """The rows of a file, each in the document that its block is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t")[:2] for line in lines]
    return [
        (normalise(source), normalise(target), f"block{at // BLOCK}")
        for at, (source, target) in enumerate(cells)
        if normalise(source) and normalise(target)
    ]


def held_out(rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    """Train, dev and test: whole blocks; what shares a side with a held-out row is in no train."""
    blocks = sorted({row[2] for row in rows})
    random.Random(SEED).shuffle(blocks)
    test, dev = set(blocks[: TEST // BLOCK]), set(blocks[TEST // BLOCK : (TEST + DEV) // BLOCK])
    out = [row for row in rows if row[2] in test | dev]
    known = {key(side) for row in out for side in row[:2]}
    others = [row for row in rows if row[2] not in test | dev]
    train = [row for row in others if not known & {key(row[0]), key(row[1])}]
    tested = list({key(row[0]): row for row in out if row[2] in test}.values())
    of_test = {key(side) for row in tested for side in row[:2]}
    dev_rows = [row for row in out if row[2] in dev and not of_test & {key(row[0]), key(row[1])}]
    return train, dev_rows, tested


def unlike(train: Sequence[Row], test: Sequence[Row]) -> list[Row]:
    """Training rows whose source is less than 70% like every test source."""
    sources = [row[0] for row in test]
    like = process.cdist(
        [row[0] for row in train], sources, scorer=Levenshtein.normalized_similarity
    ).max(axis=1)
    return [row for row, near in zip(train, like, strict=True) if near < 0.7]


def partners(train: Sequence[Row], codes: Sequence[str]) -> list[tuple[str, str, float]]:
    """Each run of words with the run that it goes with best and their Dice coefficient, the
    commonest first."""
    sources: dict[str, set[int]] = defaultdict(set)
    targets: dict[str, set[int]] = defaultdict(set)
    for at, row in enumerate(train):
        for side, found, code in ((row[0], sources, codes[0]), (row[1], targets, codes[1])):
            for run in set(runs(side, code)):
                found[run].add(at)
    common = {run: rows for run, rows in targets.items() if len(rows) >= LEAST_ROWS}
    by_row: dict[int, list[str]] = defaultdict(list)
    for run, rows in common.items():
        for at in rows:
            by_row[at].append(run)
    made: list[tuple[str, str, float]] = []
    for run, rows in sorted(sources.items(), key=lambda each: -len(each[1])):
        if len(rows) < LEAST_ROWS:
            continue
        shared = Counter(other for at in rows for other in by_row[at])
        scored = (
            (2 * both / (len(rows) + len(common[other])), len(other), other)
            for other, both in shared.items()
        )
        dice, _, best = max(scored, default=(0.0, 0, ""))
        made.append((run, best, dice))
    return made


def runs(text: str, code: str) -> Iterator[str]:
    """Runs of one to three words without a function word or a single letter."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.lower())
    stop = stop_words(code)
    good = [word if len(word) > 1 and word not in stop else "" for word in words]
    for length in (1, 2, 3):
        for each in zip(*(islice(good, at, None) for at in range(length)), strict=False):
            if all(each):
                yield " ".join(each)


def write(path: Path, rows: Sequence[Sequence[str]], separator: str) -> None:
    """A table with a header."""
    held = io.StringIO()
    writer = csv.writer(held, delimiter=separator, lineterminator="\n")
    writer.writerows(rows)
    write_text(path, held.getvalue())


def main() -> None:
    """Write the files of both conditions, and print what they hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--glossary", type=Path, help="a glossary of the user's own")
    parser.add_argument("--languages", default="en-es")
    given = parser.parse_args()
    train, dev, test = held_out(read(given.file))
    codes = given.languages.split("-")
    for name, rows in (("memory", train), ("leak-free", unlike(train, test))):
        folder = given.work / name
        folder.mkdir(parents=True, exist_ok=True)
        for split, some in (("train", rows), ("dev", dev), ("test", test)):
            write(folder / f"{split}.csv", [("source", "target", "document"), *some], ",")
        found = partners(rows, codes)
        if given.glossary:
            lines = given.glossary.read_text(encoding="utf-8").splitlines()
            pairs = [(cells[0], cells[1]) for line in lines if len(cells := line.split("\t")) > 1]
        else:
            pairs = [(run, best) for run, best, dice in found if dice >= TERM_DICE]
        write(folder / "terms.csv", [("source", "target"), *pairs], ",")
        known = {word for run, _ in pairs for word in run.split()}
        words = [
            (run, best)
            for run, best, dice in found
            if WORD_DICE <= dice < TERM_DICE and " " not in run and run not in known
        ]
        drawn = random.Random(SEED).sample(words, min(len(words), len(pairs)))
        write(folder / "random.csv", [("source", "target"), *drawn], ",")
        counts = f"{len(rows)} train, {len(dev)} dev, {len(test)} test rows"
        print(f"{name}: {counts}, {len(pairs)} terms, {len(drawn)} random words")


if __name__ == "__main__":
    main()

"""Time and memory of an evaluation beside sacrebleu's own paired bootstrap, on the same rows.

    python -m benchmarks.evaluate

Both score the same two systems on the same 4,254 rows by BLEU, chrF++ and TER with 1,000 drawn
sets, each in a process of its own from its start to its end, five times in turns. Ours also cuts
S0 at its first line, looks for seven kinds of behaviour in every row, scores each row by itself,
and writes `scores.json` and `rows.jsonl`. Nothing is imported or read beforehand.

The rows are NTREX-128's English–Spanish ones, again and again until there are enough; a system's
text is the second reference with words dropped, swapped and replaced, anew in each repetition.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.rows import data_folder
from dubash.core.files import read_json
from dubash.core.run import machine, versions

ROWS, PAIRS, SAMPLES, SEED = 4254, 5, 1000, 1
NOISE = {"S0": 0.12, "S1": 0.10}
"""The share of words that is dropped, and that is swapped, and that is replaced."""

METRICS = ("bleu", "chrf++", "ter")


def column(name: str, place: int) -> list[str]:
    """A column of a file of pairs."""
    lines = (data_folder() / name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t")[place] for line in lines if line]


def noisy(text: str, share: float, words: list[str], chance: random.Random) -> str:
    """The text with that share of its words dropped, swapped with the next, and replaced."""
    kept = text.split()
    found: list[str] = []
    for word in kept:
        kind = chance.random() / share
        if kind < 1:
            continue
        if kind < 2 and found:
            found.insert(-1, word)
        else:
            found.append(chance.choice(words) if 2 <= kind < 3 else word)
    return " ".join(found or kept)


def write_rows(folder: Path, rows: int = ROWS) -> None:
    """Sources, references and the two systems' texts, one a line."""
    sources, references = (column("en-es.ntrex128.tsv", place) for place in (0, 1))
    others = column("en-es.ntrex128-ref2.tsv", 1)
    words = sorted({word for text in references for word in text.split()})
    chance = random.Random(SEED)
    order = [row % len(sources) for row in range(rows)]
    files = {
        "source": [sources[row] for row in order],
        "reference": [references[row] for row in order],
        **{n: [noisy(others[row], s, words, chance) for row in order] for n, s in NOISE.items()},
    }
    for name, texts in files.items():
        (folder / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def ours(folder: Path) -> None:
    """What `dubash evaluate` does with the translations of a run."""
    from dubash.core.files import write_json, write_jsonl
    from dubash.core.languages import LanguagePair, language
    from dubash.core.types import Hypothesis, Pair
    from dubash.evaluate.comparison import compare
    from dubash.evaluate.options import EvaluateOptions
    from dubash.evaluate.systems import System

    sources, references, *texts = (
        (folder / name).read_text(encoding="utf-8").splitlines()
        for name in ("source", "reference", *NOISE)
    )
    rows = [Pair(source, target) for source, target in zip(sources, references, strict=True)]
    systems = [
        System(name, name, sources, [Hypothesis(text, "end", 20, 0.1) for text in each])
        for name, each in zip(NOISE, texts, strict=True)
    ]
    options = EvaluateOptions(metrics=METRICS, bootstrap_samples=SAMPLES)
    pair = LanguagePair(language("en"), language("es"))
    found = compare(rows, systems, pair, options, ["Spanish:", "assistant"])
    write_jsonl(folder / "rows.jsonl", found.rows)
    write_json(folder / "scores.json", found.scores)


def measured(command: list[str]) -> tuple[float, float, float, str]:
    """Seconds, seconds of the processor and peak MB of a process, and what it printed."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        out.seek(0)
        printed = out.read().decode("utf-8")
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed


def same_scores(folder: Path, printed: str) -> bool:
    """Whether the scores that sacrebleu's table shows are ours, as far as it shows them."""
    theirs = re.findall(r"([\d.]+) \([\d.]+ ± [\d.]+\)", printed)
    systems = {
        each["name"]: each["scores"] for each in read_json(folder / "scores.json")["systems"]
    }
    return theirs == [f"{systems[name][key]['value']:.1f}" for name in NOISE for key in METRICS]


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder)
        mine = [sys.executable, "-m", "benchmarks.evaluate", "ours", name]
        files = [str(folder / each) for each in ("reference", *NOISE)]
        peer = [
            sys.executable, "-m", "sacrebleu", files[0], "-i", *files[1:], "-m", "bleu", "chrf",
            "ter", "--chrf-word-order", "2", "--paired-bs", "--paired-bs-n", str(SAMPLES),
            "-f", "text",
        ]  # fmt: skip
        print("| pair | ours (of the processor) | sacrebleu | ratio | ours, peak MB | sacrebleu |")
        print("|---|---|---|---|---|---|")
        ratios, work, peaks = [], [], []
        for pair in range(1, PAIRS + 1):
            seconds, busy, peak, _ = measured(mine)
            other, theirs, most, printed = measured(peer)
            if not same_scores(folder, printed):
                raise SystemExit(f"the scores differ:\n{printed}")
            ratios.append(seconds / other)
            work.append(busy / theirs)
            peaks.append(peak)
            print(
                f"| {pair} | {seconds:.1f} s ({busy:.1f}) | {other:.1f} s ({theirs:.1f}) "
                f"| {ratios[-1]:.2f} | {peak:,.0f} | {most:,.0f} |",
                flush=True,
            )
    print(
        f"\nmedian ratio {median(ratios):.2f}, of the processor's time {median(work):.2f}; ", end=""
    )
    print(f"our peak at most {max(peaks):,.0f} MB; {ROWS:,} rows")
    print(f"{machine()}\n{versions()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        ours(Path(sys.argv[2]))
    else:
        main()

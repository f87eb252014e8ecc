"""A translation memory of a million segments: import, fuzzy search, and what it misses.

    python -m experiments.tm pairs.tsv [--segments 1000000] [--queries 200] [--server ADDRESS]

Segments are made of a file's pairs: the beginning of one sentence and the end of another. A query
is a segment with some of its words changed, of which brute force knows the best match.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from dubash.memory.tm.match import Query, fuzzy
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.search import search
from dubash.memory.tm.unit import TranslationUnit

LEAST = 70


def made(pairs: Sequence[tuple[str, str]], count: int, seed: int) -> Iterator[TranslationUnit]:
    """So many different units: halves of two pairs' sentences joined."""
    drawn, seen = random.Random(seed), set()
    while len(seen) < count:
        (one, first), (other, last) = drawn.choices(pairs, k=2)
        source = " ".join(_first(one) + _last(other))
        if source and source not in seen:
            seen.add(source)
            target = " ".join(_first(first) + _last(last))
            yield TranslationUnit(source, target, "en", "es", document=f"d{len(seen) % 1000}")


def _first(text: str) -> list[str]:
    words = text.split()
    return words[: (len(words) + 1) // 2]


def _last(text: str) -> list[str]:
    words = text.split()
    return words[(len(words) + 1) // 2 :]


def changed(text: str, words: Sequence[str], drawn: random.Random) -> str:
    """The text with a tenth to a third of its words replaced, at least one."""
    parts = text.split()
    for at in drawn.sample(range(len(parts)), max(1, round(len(parts) * drawn.uniform(0.1, 0.33)))):
        parts[at] = drawn.choice(words)
    return " ".join(parts)


def asked(sources: Sequence[str], count: int, seed: int) -> list[tuple[str, int]]:
    """Segments with words changed, each with the percentage of the best match there is."""
    drawn = random.Random(seed)
    words = [word for source in drawn.sample(sources, 2000) for word in source.split()]
    found: list[tuple[str, int]] = []
    while len(found) < count:
        text = changed(drawn.choice(sources), words, drawn)
        nearest = process.extractOne(text, sources, scorer=Levenshtein.normalized_similarity)
        if (best := fuzzy(text, nearest[0], LEAST)) >= LEAST:
            found.append((text, best))
    return found


def measure(address: str, units: Sequence[TranslationUnit], queries: list[tuple[str, int]]) -> None:
    """Fill a memory, search it, and print how long both took and what was missed."""
    with open_memory(address, new=True) as memory:
        began = time.perf_counter()
        added = sum(each.new for each in memory.add(units))
        print(f"  import: {added / (time.perf_counter() - began):,.0f} segments/s")
        seconds, found = [], 0
        for text, best in queries:
            began = time.perf_counter()
            matches = search(memory, Query(text), LEAST, 5)
            seconds.append(time.perf_counter() - began)
            found += bool(matches) and matches[0].percent >= best
    seconds.sort()
    print(
        f"  search: median {statistics.median(seconds) * 1000:.0f} ms, "
        f"p95 {seconds[int(0.95 * len(seconds))] * 1000:.0f} ms; "
        f"the best match found in {found} of {len(queries)} queries"
    )


def main() -> None:
    """Make units and queries, and measure a file and, where its address is given, a server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server", help="a new database: postgresql://HOST/NAME")
    given = parser.parse_args()
    lines = given.pairs.read_text(encoding="utf-8").splitlines()
    pairs = [(cells[0], cells[1]) for line in lines if len(cells := line.split("\t")) >= 2]
    units = list(made(pairs, given.segments, given.seed))
    sources = [unit.source for unit in units]
    print(f"{len(units):,} segments of {sum(map(len, sources)) / len(units):.0f} characters")
    queries = asked(sources, given.queries, given.seed + 1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.db"
        print("SQLite")
        measure(str(file), units, queries)
        print(f"  {file.stat().st_size / 2**20:,.0f} MB")
    if given.server:
        print("PostgreSQL")
        measure(given.server, units, queries)


if __name__ == "__main__":
    main()

"""Known benchmarks by what stands in them: hashes of their segments, and no text.

A benchmark is recognised under any file name, in any direction, and beside other rows. What is
hashed is `normalise.key` of a segment, so case, punctuation and Unicode form make no difference.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from dubash.core.errors import DataError, LeakError
from dubash.core.files import read_json, write_json
from dubash.core.types import Pair
from dubash.data.normalise import key
from dubash.data.splits import SHORT_TARGET

WIDTH = 8
"""Bytes of SHA-256 kept of a segment: a million rows and a million segments have one in common by
chance in one of some ten million cases."""

MOST = 10_000_000
"""Segments of one benchmark at most."""

SHOWN = 5
"""Rows that an error shows."""

_KNOWN = resources.files("dubash.data") / "known"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A test set by the hashes of its segments; shorter ones than `SHORT_TARGET` characters are
    common property and not among them."""

    name: str
    segments: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row with a side that stands in a benchmark."""

    benchmark: str
    side: Literal["source", "target"]
    row: Pair


def fingerprint_of(text: str) -> bytes | None:
    """The hash of a segment; None for one too short to be anybody's."""
    folded = key(text)
    if len(folded) < SHORT_TARGET:
        return None
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()[:WIDTH]


def make(name: str, texts: Iterable[str]) -> Benchmark:
    """The benchmark of these segments. Raises DataError where none is long enough, or too many."""
    found = {digest for text in texts if (digest := fingerprint_of(text))}
    if not found:
        raise DataError(
            f"no segment of at least {SHORT_TARGET} characters, so nothing could be recognised.",
            where=name,
        )
    if len(found) > MOST:
        raise DataError(f"more than {MOST:,} segments.", where=name)
    return Benchmark(name, frozenset(found))


def write(benchmark: Benchmark, path: Path) -> None:
    """Write it as JSON; the hashes in order, so that the same segments give the same file."""
    joined = b"".join(sorted(benchmark.segments))
    content = {
        "benchmark": benchmark.name,
        "hash": f"SHA-256 of the segment's key, its first {WIDTH} bytes",
        "segments": len(benchmark.segments),
        "hashes": base64.b64encode(joined).decode("ascii"),
    }
    write_json(path, content)


def read(path: Path) -> Benchmark:
    """What `write` wrote; DataError for a file of another kind."""
    fix = "Make one with: dubash benchmark fingerprint FILE --name NAME --out fingerprint.json"
    try:
        content: Any = read_json(path)
        name, hashes = content["benchmark"], base64.b64decode(content["hashes"], validate=True)
        whole = len(hashes) == WIDTH * content["segments"] > 0 and isinstance(name, str)
    except FileNotFoundError:
        raise DataError("no such file.", where=str(path), fix=fix) from None
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise DataError("no fingerprint of a benchmark.", where=str(path), fix=fix) from error
    if not whole:
        raise DataError("a damaged fingerprint of a benchmark.", where=str(path), fix=fix)
    parts = (hashes[start : start + WIDTH] for start in range(0, len(hashes), WIDTH))
    return Benchmark(name, frozenset(parts))


def shipped() -> list[Benchmark]:
    """The benchmarks that dubash knows by itself: NTREX-128 in the languages it is tested with."""
    files = (each for each in _KNOWN.iterdir() if each.name.endswith(".json"))
    return [read(cast(Path, each)) for each in sorted(files, key=lambda each: each.name)]


def find(rows: Sequence[Pair], benchmarks: Sequence[Benchmark]) -> list[Hit]:
    """Every row with a side that stands in one of the benchmarks, once for each of those."""
    found: list[Hit] = []
    for row in rows:
        source, target = fingerprint_of(row.source), fingerprint_of(row.target)
        for benchmark in benchmarks:
            if source in benchmark.segments:
                found.append(Hit(benchmark.name, "source", row))
            elif target in benchmark.segments:
                found.append(Hit(benchmark.name, "target", row))
    return found


def refuse_known(
    rows: Sequence[Pair], benchmarks: Sequence[Benchmark], allowed: Collection[str]
) -> None:
    """Raise LeakError where training rows stand in a benchmark that `allowed` does not name."""
    permitted = {each.casefold() for each in allowed}
    wanted = [each for each in benchmarks if each.name.casefold() not in permitted]
    hits = find(rows, wanted)
    if not hits:
        return
    counts = Counter(each.benchmark for each in hits)
    named = ", ".join(f"{count} of '{name}'" for name, count in counts.most_common())
    shown = "\n".join(
        f"  {hit.row.origin}: its {hit.side} stands in '{hit.benchmark}'" for hit in hits[:SHOWN]
    )
    more = f"\n  … and {len(hits) - SHOWN} more" if len(hits) > SHOWN else ""
    raise LeakError(
        f"training rows stand in known benchmarks ({named}), whatever the file is called:\n"
        f"{shown}{more}\n",
        where="data.train",
        fix="A model trained on a benchmark cannot be scored on it, nor compared with others. Take "
        f"these rows out, or name it on purpose: data.allow_benchmarks: [{hits[0].benchmark}].",
    )

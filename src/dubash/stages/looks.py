"""How often a test set was looked at: each tuned model that was scored on it is one look.

Whoever tries many models on one test set and keeps the best keeps the luckiest as well. The looks
are kept beside the runs, and outlive a run that is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from dubash.core.files import cache_root, lock, sha256_file, sha256_text, write_jsonl
from dubash.core.run import RunFolder

LOOKS = "looks.jsonl"


def note_look(run: RunFolder, rows: str) -> int:
    """Note that this run's tuned model was scored on the rows with that fingerprint; returns how
    many different models were, this one counted. Scoring the same translations again is no look."""
    path = _beside(run)
    entry = {
        "rows": rows,
        "run": run.path.resolve().name,
        "made": sha256_file(run.hypotheses("S1")),
    }
    name = sha256_text(str(path.absolute()))
    with lock(cache_root() / "locks" / f"{name}.looks"):
        if entry not in _read(path):
            write_jsonl(path, [*_read(path), entry])
    return looks([run], rows)


def looks(runs: Iterable[RunFolder], rows: str) -> int:
    """How many different tuned models were scored on these rows beside those runs, in whatever
    folders they lie."""
    found = [entry for path in {_beside(run) for run in runs} for entry in _read(path)]
    return len({each.get("made") for each in found if each.get("rows") == rows})


def _beside(run: RunFolder) -> Path:
    return run.path.resolve().parent / LOOKS


def _read(path: Path) -> list[dict[str, str]]:
    """What is there; a line that is none, cut by a kill, is left out."""
    found = []
    for line in (
        path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ()
    ):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found

"""How often a test set was looked at: each tuned model that was scored on it is one look.

Whoever tries many models on one test set and keeps the best keeps the luckiest as well. The looks
are kept beside the runs, and outlive a run that is removed.
"""

from __future__ import annotations

import json
from pathlib import Path

from dubash.core.files import cache_root, lock, read_jsonl, sha256_file, sha256_text
from dubash.core.run import RunFolder

LOOKS = "looks.jsonl"


def note_look(run: RunFolder, rows: str) -> int:
    """Note that this run's tuned model was scored on the rows with that fingerprint; returns how
    many different models were, this one counted. Scoring the same translations again is no look."""
    path = run.path.parent / LOOKS
    entry = {"rows": rows, "run": run.path.name, "made": sha256_file(run.hypotheses("S1"))}
    name = sha256_text(str(path.absolute()))
    with lock(cache_root() / "locks" / f"{name}.looks"):
        if entry not in _read(path):
            with path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(entry) + "\n")
    return looks(run, rows)


def looks(run: RunFolder, rows: str) -> int:
    """How many different tuned models were scored on these rows beside that run."""
    found = _read(run.path.parent / LOOKS)
    return len({each["made"] for each in found if each["rows"] == rows})


def _read(path: Path) -> list[dict[str, str]]:
    return list(read_jsonl(path)) if path.exists() else []

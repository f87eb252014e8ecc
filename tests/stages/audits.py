"""An audit of a finished run's files, for the tests of `dubash audit`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dubash.core.files import read_json
from dubash.core.run import RunFolder
from dubash.stages.audit.asked import Asked

QUICK = ["generate.max_new_tokens=24", "model.device=cpu", "model.dtype=fp32"]


def asked(run: RunFolder, out: Path, **given: Any) -> Asked:
    known = {"test": run.split("test"), "train": (run.split("train"),)}
    return Asked("en", "es", out, **{**known, **given})


def findings(out: Path, about: str | None = None) -> list[str]:
    found = read_json(out / "audit.json")["findings"]
    return [each["text"] for each in found if about in (None, each["about"])]


def lines(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path

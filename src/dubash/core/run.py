"""The run folder: where everything a run makes stands, and what it was made of."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from dubash import __version__
from dubash.core.errors import DataError
from dubash.core.files import fsync_folder, read_json, write_json, write_text
from dubash.core.progress import is_main
from dubash.core.types import HeldOut

_TRACED = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "tokenizers",
    "sacrebleu",
    "bitsandbytes",
    "ctranslate2",
)


class RunFolder:
    """The layout of `runs/<name>/`; every path that a stage reads or writes is named here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.manifest = path / "manifest.json"
        self.data = path / "data"
        self.base = path / "base"
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self.translations = path / "translations"
        self.memory = path / "memory.db"
        self.scores = path / "scores.json"
        self.rows = path / "rows.jsonl"
        self.probe = path / "probe.json"
        self.probe_page = path / "probe.html"
        self.report = path / "report.html"
        self.summary = path / "report.md"

    def split(self, name: str) -> Path:
        """The rows of a split: `data/train.jsonl`."""
        return self.data / f"{name}.jsonl"

    def hypotheses(self, system: str, on: HeldOut = "test") -> Path:
        """The hypotheses of a system: `translations/S0.jsonl` of the test rows,
        `translations/dev/S0.jsonl` of the dev rows; with `task: text`, where nothing is translated,
        the bits that each row cost it."""
        folder = self.translations if on == "test" else self.translations / on
        return folder / f"{system}.jsonl"

    def retrieved(self, on: HeldOut = "test") -> Path:
        """What was found in memory and glossary for each row of a split."""
        return self.hypotheses("S2", on).with_suffix(".retrieved.jsonl")

    def answers(self, system: str) -> Path:
        """A system's answers to the questions of `dubash probe`: `probe/S0.jsonl`."""
        return self.path / "probe" / f"{system}.jsonl"

    def read_manifest(self) -> dict[str, Any]:
        """What is known of the run so far; empty for a new one."""
        found = read_json(self.manifest) if self.manifest.exists() else {}
        if not isinstance(found, dict):
            raise DataError("not a manifest of a run.", where=str(self.manifest))
        return found

    def note(self, **facts: Any) -> None:
        """Add facts to the manifest; a fact of the same name is replaced. Of several processes
        only the first writes."""
        if not is_main():
            return
        write_json(self.manifest, {**self.read_manifest(), **facts})

    def append_metric(self, record: dict[str, Any]) -> None:
        """Append one line to `metrics.jsonl` and push it to the disk."""
        new = not self.metrics.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        with self.metrics.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(record, allow_nan=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        if new:
            fsync_folder(self.path)

    def read_metrics(self) -> list[dict[str, Any]]:
        """All whole lines of `metrics.jsonl`; a line cut by a kill is left out."""
        if not self.metrics.exists():
            return []
        records = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records

    def keep_metrics_until(self, step: int) -> None:
        """Drop what was logged after `step`, before a run resumes from there."""
        kept = [each for each in self.read_metrics() if each.get("step", 0) <= step]
        text = "".join(json.dumps(each, allow_nan=False) + "\n" for each in kept)
        write_text(self.metrics, text)


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    found = {"dubash": __version__, "python": platform.python_version()}
    for package in _TRACED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The git commit of dubash's own source tree, where it is run from one.

    A dubash installed beneath somebody else's repository is not part of it, so its commit says
    nothing: this file must be one that the repository tracks.
    """
    here = Path(__file__)
    asked = (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"])
    answer = ""
    for question in asked:
        try:
            found = subprocess.run(
                ["git", "-C", str(here.parent), *question],
                capture_output=True, text=True, timeout=10, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        if found.returncode != 0:
            return None
        answer = found.stdout.strip()
    return answer or None


def machine() -> dict[str, Any]:
    """What the run ran on; no host name and no user name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

"""COMET (Rei et al. 2020, 2022), by Unbabel's own package in an environment of its own.

Its requirements do not go with ours, so it runs as another program (`workers/comet.py`), asked and
answering in JSON. What was scored once is kept, so that only new rows are scored. Whatever stands
in its way (not installed, no weights, a model whose owner asks for terms, no network, a checkpoint
that would run code) leaves its score blank with the reason.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from dubash.core.environment import Environment
from dubash.core.errors import MetricError
from dubash.core.files import cache_root, sha256_file, sha256_text, write_json
from dubash.core.process import PastLimitError, Streams, run
from dubash.core.progress import progress, say
from dubash.evaluate.kept import KeptScores
from dubash.evaluate.rowwise import Blank, RowScores, Segment

NAMES = {
    "wmt22-comet-da": "Unbabel/wmt22-comet-da",
    "wmt22-cometkiwi-da": "Unbabel/wmt22-cometkiwi-da",
}
"""Models that go by a short name, with their hub ids."""

STEPS = (("torch==2.13.0",), ("unbabel-comet==2.2.7", "setuptools==80.10.2"))
"""What its environment is made of, torch first; the rest is pinned in `workers/comet.txt`."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

_FETCH_SECONDS, _START_SECONDS, _ROW_SECONDS = 6 * 3600, 1800, 60
"""Limits: a model of some gigabytes fetched; one loaded; a row scored on a slow machine."""

_LEAST_BYTES, _ROW_BYTES = 1 << 26, 200


def environment() -> Environment:
    """The environment that COMET runs in, there or not."""
    return Environment("comet", Path(str(resources.files("dubash.workers"))) / "comet.txt")


def install() -> dict[str, str]:
    """Make COMET's environment unless it is there, and return its versions.

    Raises UserError where that cannot be done.
    """
    made = environment()
    return made.make(STEPS, lambda: _versions(made))


def _versions(made: Environment) -> dict[str, str]:
    found: dict[str, str] = {}
    problem = _ask(made, {"task": "versions"}, lambda answer: found.update(answer["versions"]), 600)
    if not found:
        raise MetricError(
            f"COMET was installed but cannot be loaded: {problem}", fix="Run the command again."
        )
    return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model on this machine: its file, and the settings (`hparams.yaml`) that go with it."""

    path: Path

    @property
    def settings(self) -> Path:
        """Beside the folder of the checkpoint, as COMET looks for it."""
        return self.path.parent.parent / "hparams.yaml"

    def kind(self) -> str | None:
        """The class of COMET's that it is of; None where its settings do not say."""
        try:
            content = yaml.safe_load(self.settings.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return None
        named = content.get("class_identifier") if isinstance(content, dict) else None
        return named if isinstance(named, str) else None


class CometMetric:
    """A COMET model as a metric; one that needs no references does not look at them."""

    higher_is_better = True

    def __init__(self, key: str, model: str, batch_size: int, env: Environment | None = None):
        """`model` is a name of `NAMES`, a hub id, or a checkpoint's folder or file."""
        self.key, self.model, self.batch_size = key, model, batch_size
        self._env = env or environment()

    def check(self) -> Blank | None:
        """Whether it can run, its weights fetched where they are not there yet."""
        found = self._find()
        return found if isinstance(found, Blank) else None

    def score(self, segments: Sequence[Segment]) -> RowScores | Blank:
        """A score for each segment. What was scored before the work ended is kept, however it
        ended."""
        if not any(each.source.strip() for each in segments):
            return Blank("COMET reads the sources, and there are none.")
        checkpoint = self._find()
        if isinstance(checkpoint, Blank):
            return checkpoint
        signature, identity = self._sign(checkpoint)
        kept = KeptScores(cache_root() / "metrics" / "comet.sqlite3", f"{signature}|{identity}")
        known = kept.known(segments)
        missing = [each for each in segments if each not in known]
        if missing:
            with progress(self.key, len(segments), done=len(known)) as advance:

                def take(answer: dict[str, Any]) -> None:
                    found = [(missing[row], value) for row, value in answer["scores"]]
                    found = [(each, value) for each, value in found if math.isfinite(value)]
                    kept.keep(found)
                    known.update(found)
                    advance(len(found))

                problem = self._run(checkpoint, missing, take)
            if any(each not in known for each in missing):
                return Blank(f"{self.model}: {problem or 'a score was no finite number.'}")
        return RowScores([known[each] for each in segments], signature)

    def _run(
        self,
        checkpoint: Checkpoint,
        rows: Sequence[Segment],
        take: Callable[[dict[str, Any]], None],
    ) -> str:
        request = {
            "task": "score",
            "checkpoint": str(checkpoint.path),
            "batch_size": self.batch_size,
            "rows": [{"src": r.source, "mt": r.hypothesis, "ref": r.reference} for r in rows],
        }
        return _ask(self._env, request, take, _START_SECONDS + _ROW_SECONDS * len(rows))

    def _sign(self, checkpoint: Checkpoint) -> tuple[str, str]:
        """The signature, and a hash of the whole model."""
        identity = sha256_text(sha256_file(checkpoint.path), sha256_file(checkpoint.settings))
        name = self.model if _HUB_ID.fullmatch(self.model) else Path(self.model).name
        versions = self._env.versions() or {}
        parts = {
            "model": NAMES.get(self.model, name),
            "sha256": identity[:12],
            "class": checkpoint.kind(),
            "precision": "fp32",
            "comet": versions["unbabel-comet"],
            "torch": versions["torch"],
        }
        return "|".join(f"{key}:{value}" for key, value in parts.items()), identity

    def _find(self) -> Checkpoint | Blank:
        """The model's checkpoint on this machine, with settings that can be read."""
        if self._env.versions() is None:
            return Blank("COMET is not installed. Install it: dubash metrics install comet")
        path, name = Path(self.model).expanduser(), NAMES.get(self.model, self.model)
        local = path.exists() or name.startswith(".") or not _HUB_ID.fullmatch(name)
        found = self._local(path) if local else self._from_hub(name)
        if isinstance(found, Checkpoint) and found.kind() is None:
            return Blank(f"{self.model}: there is no hparams.yaml that names its class_identifier.")
        return found

    def _from_hub(self, name: str) -> Checkpoint | Blank:
        found: dict[str, str] = {}

        def take(answer: dict[str, Any]) -> None:
            if "fetching" in answer:
                say(f"  {self.model}: fetching it from the hub, some gigabytes, once …")
            found.update(answer)

        problem = _ask(self._env, {"task": "find", "model": name}, take, _FETCH_SECONDS)
        if "checkpoint" not in found:
            return Blank(f"{self.model}: {problem}")
        return Checkpoint(Path(found["checkpoint"]))

    def _local(self, path: Path) -> Checkpoint | Blank:
        """A checkpoint's file, or the only one of a folder as COMET lays it out."""
        if path.is_dir():
            files = sorted((path / "checkpoints").glob("*.ckpt"))
            if len(files) != 1:
                return Blank(f"{self.model}: {len(files)} files checkpoints/*.ckpt, not one.")
            path = files[0]
        elif not path.is_file():
            return Blank(f"{self.model}: there is no such folder or file.")
        return Checkpoint(path.absolute())


def _ask(
    env: Environment,
    request: dict[str, Any],
    take: Callable[[dict[str, Any]], None],
    seconds: float,
) -> str:
    """Ask the worker, and hand each of its answers to `take` as it comes.

    Returns why not all was answered, in words ("" where the worker found nothing wrong).
    """
    worker = Path(str(resources.files("dubash.workers"))) / "comet.py"
    with tempfile.TemporaryDirectory(prefix="dubash-comet-") as folder:
        files = Streams(*(Path(folder) / name for name in ("request", "answers", "errors")))
        write_json(files.stdin, request)
        answers = _Answers(files.stdout, take)
        most = _LEAST_BYTES + _ROW_BYTES * len(request.get("rows", ()))
        try:
            status = run(
                [str(env.python), "-I", str(worker)],
                files,
                seconds=seconds,
                most_bytes=most,
                watch=answers.look,
            )
        except OSError as error:
            return f"its environment cannot be used ({error.strerror or error})."
        except PastLimitError as limit:
            return f"{limit}, and was ended."
        if answers.why or status == 0:
            return answers.why
        return f"COMET ended with status {status}. It said: {files.last_words()}"


class _Answers:
    """The lines of a file that still grows, each taken once it is whole."""

    def __init__(self, path: Path, take: Callable[[dict[str, Any]], None]) -> None:
        self._path, self._take, self._read, self._part = path, take, 0, b""
        self.why = ""

    def look(self) -> None:
        """Take what has come since the last look."""
        if self._path.stat().st_size == self._read:
            return
        with self._path.open("rb") as handle:
            handle.seek(self._read)
            new = handle.read()
        self._read += len(new)
        *lines, self._part = (self._part + new).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            if "why" in answer:
                self.why = f"{answer['why']}."
            else:
                self._take(answer)

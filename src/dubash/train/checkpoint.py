"""Checkpoints that are whole or ignored: temporary folder, fsync, manifest of hashes, rename."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from dubash.core.errors import DataError, TrainingError
from dubash.core.files import new_folder, read_json, sha256_file
from dubash.core.progress import say

PARTS = ("trainable", "optimizer")
"""The tensor files of a checkpoint: what is trained, and the optimizer's state."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run resumes from: named tensors by part, and the loop's own state."""

    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]


def step_folder(checkpoints: Path, step: int) -> Path:
    """`checkpoints/step-000120`."""
    return checkpoints / f"step-{step:06d}"


def save(checkpoints: Path, step: int, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; a kill at any moment leaves it whole or absent.

    The manifest with the hashes of all other files is written last, and the folder gets its name
    only when everything is on the disk.
    """
    path = step_folder(checkpoints, step)
    with new_folder(path) as folder:
        for part in PARTS:
            save_file(checkpoint.tensors[part], folder / f"{part}.safetensors")
        (folder / "state.json").write_text(json.dumps(checkpoint.state, indent=2) + "\n")
        hashes = {file.name: sha256_file(file) for file in sorted(folder.iterdir())}
        (folder / "manifest.json").write_text(json.dumps(hashes, indent=2) + "\n")
    return path


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU; TrainingError where it is not whole."""
    if not is_whole(path):
        raise TrainingError(
            "this checkpoint is damaged.", where=str(path), fix="Remove the folder and run again."
        )
    tensors = {part: load_file(path / f"{part}.safetensors") for part in PARTS}
    return Checkpoint(tensors, read_json(path / "state.json"))


def is_whole(path: Path) -> bool:
    """Whether every file is there and is what the manifest says."""
    try:
        hashes: dict[str, str] = read_json(path / "manifest.json")
        return set(hashes) >= {"state.json", *(f"{part}.safetensors" for part in PARTS)} and all(
            sha256_file(path / name) == digest for name, digest in hashes.items()
        )
    except (OSError, DataError, AttributeError):
        return False


def sweep(checkpoints: Path) -> None:
    """Remove what a kill left half-written. To be called where no other process writes."""
    for leftover in checkpoints.glob(".step-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def newest(checkpoints: Path) -> Path | None:
    """The newest whole checkpoint; broken ones are named and passed over."""
    for path in sorted(checkpoints.glob("step-*"), key=_step, reverse=True):
        if is_whole(path):
            return path
        say(f"  {path.name} is not whole and is passed over")
    return None


def _step(path: Path) -> int:
    number = path.name.removeprefix("step-")
    return int(number) if number.isdecimal() else -1


def prune(checkpoints: Path, keep: set[int]) -> None:
    """Remove all checkpoints but those of the given steps."""
    kept = {step_folder(checkpoints, step).name for step in keep}
    for path in checkpoints.glob("step-*"):
        if path.name not in kept:
            shutil.rmtree(path)

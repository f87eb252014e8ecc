"""An environment in which COMET's place is taken by a module of a few lines: what is tested with it
is all around COMET, in real processes. COMET itself is in test_comet_real.py."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

MODULE = """\
import os
from pathlib import Path

import torch

HERE = Path(__file__).parent


class Model:
    def __init__(self, settings):
        self.settings = settings

    def to(self, device):
        return self

    def eval(self):
        return self

    def prepare_sample(self, rows, stage):
        assert stage == "predict"
        with (HERE / "batches").open("a") as log:
            log.write(f"{len(rows)}\\n")
        return rows

    def transfer_batch_to_device(self, batch, device, index):
        return batch

    def predict_step(self, rows):
        print("chatter on standard output")
        if any(row["src"] == "die" for row in rows):
            os._exit(3)
        texts = [row["mt"] for row in rows]
        found = [float("nan") if text == "nan" else len(text) for text in texts]
        return {"scores": self.settings["weight"] * torch.tensor(found, dtype=torch.float32)}


def load_from_checkpoint(path):
    # as unsafe as anybody could ask for
    return Model(torch.load(path, weights_only=False))
"""

PYTHON = """\
#!{python}
import runpy, sys
assert sys.argv[1] == "-I"
sys.path.insert(0, {folder!r})
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class StandIn:
    """An environment as `core.environment` has it, made of this Python and that module."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "comet.py").write_text(MODULE, encoding="utf-8")
        self.python, self.folder = folder / "python", folder
        self.python.write_text(PYTHON.format(python=sys.executable, folder=str(folder)))
        self.python.chmod(0o755)

    def versions(self) -> dict[str, str]:
        return {"unbabel-comet": "2.2.7", "torch": torch.__version__}

    def batches(self) -> list[int]:
        """The sizes of the batches that were scored so far."""
        log = self.folder / "batches"
        return [int(line) for line in log.read_text().split()] if log.exists() else []


def checkpoint(folder: Path, content: object) -> Path:
    """A checkpoint laid out as COMET's are."""
    (folder / "checkpoints").mkdir(parents=True)
    torch.save(content, folder / "checkpoints" / "model.ckpt")
    (folder / "hparams.yaml").write_text("class_identifier: regression_metric\n", encoding="utf-8")
    return folder


class Marker:
    """What would run code when it is unpickled: it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")

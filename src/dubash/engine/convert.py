"""A transformers model as CTranslate2's, in a cache folder: converted once, checked, kept."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from dubash.core.errors import DataError, ModelError
from dubash.core.files import (
    cache_root,
    lock,
    new_folder,
    read_json,
    sha256_file,
    sha256_text,
    write_json,
)
from dubash.core.memory import free_memory
from dubash.core.progress import say
from dubash.engine.smooth import Peaks, activation_peaks
from dubash.engine.verify import Sample, Verdict, fitting, pick, verify
from dubash.engine.write import merged, write
from dubash.model.load import LoadedModel, count_weights

MOST_BYTES = 8 << 30
"""Conversions kept, the last used first; the one in use stays whatever its size."""

KEPT_SECONDS = 3600
"""No conversion that was used this lately is removed: another process may be reading it."""

_MANIFEST = "manifest.json"
_LAYOUT = 6  # raise it when the conversion or its check changes, and old folders are left alone


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted model and what the check found; where that is wrong, no model is there."""

    folder: Path
    verdict: Verdict


def conversion(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    compute_type: str,
    decoder_prefix: Sequence[int] = (),
) -> Conversion:
    """The conversion of this model with its adapters merged, from the cache or made now.

    `prompts` are ids of the work at hand: some of them it is made ready for int8 with, others it is
    checked on, and with other ones it is another conversion. The model itself is not changed.
    Raises ModelError where CTranslate2's own converter gives up, and where there is not the memory
    (`memory_needed`).
    """
    root = cache_root() / "ctranslate2"
    checked, others = pick(prompts)
    made_of = [content_hash(loaded.model), checked, others, list(decoder_prefix)]
    folder = root / f"{sha256_text(json.dumps(made_of))[:32]}-{compute_type}"
    with lock(root / "lock"):
        found = _kept(folder)
        if found is None:
            say(f"  converting {loaded.display_name} for ctranslate2, once")
            for left in root.glob(".*"):  # by a kill; whoever makes one holds the lock
                shutil.rmtree(left, ignore_errors=True)
            _refuse_without_memory(loaded, checked)
            sample, peaks = _look(loaded, checked, others, compute_type, decoder_prefix)
            found = _make(folder, loaded, sample, peaks, compute_type)
            prune(root, folder)
    return found


def content_hash(model: Any) -> str:
    """Hex SHA-256 of what a conversion depends on: every weight, adapters and how they are scaled,
    the configuration, and the versions of what converts."""
    digest = hashlib.sha256()
    packages = ("ctranslate2", "transformers", "peft")
    config = {
        key: value
        for key, value in model.config.to_dict().items()
        if key not in ("_name_or_path", "transformers_version", "use_cache")
    }
    scales = {
        name: sorted(module.scaling.items())
        for name, module in model.named_modules()
        if isinstance(getattr(module, "scaling", None), dict)
    }
    facts = [_LAYOUT, [metadata.version(each) for each in packages], config, scales]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    seen: set[int] = set()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        if tensor.data_ptr() in seen and tensor.numel():  # tied
            continue
        seen.add(tensor.data_ptr())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _kept(folder: Path) -> Conversion | None:
    """What the cache has under that name, whole; None where it has to be made (again)."""
    try:
        manifest = read_json(folder / _MANIFEST)
        whole = all(sha256_file(folder / name) == sum_ for name, sum_ in manifest["files"].items())
    except FileNotFoundError:
        return None
    except (DataError, KeyError):
        whole = False
    if not whole:
        say("  a conversion in the cache is damaged; it is made again")
        return None
    (folder / _MANIFEST).touch()  # last used now
    return Conversion(folder, Verdict(**manifest["verdict"]))


def memory_needed(model: Any, positions: int) -> int:
    """Bytes that a conversion takes beside the model, at its peak: its weights twice in fp32, and
    the logits of so many positions. Measured: experiments/int8.md."""
    weights = sum(count_weights(each) for each in model.parameters())
    logits = 4 * model.get_input_embeddings().num_embeddings * positions
    return int(8 * weights + 2 * logits)


def _refuse_without_memory(loaded: LoadedModel, checked: Sequence[Sequence[int]]) -> None:
    size = loaded.model.get_input_embeddings().num_embeddings
    needed = memory_needed(loaded.model, sum(map(len, fitting(checked, size))))
    free = free_memory()
    if free is not None and needed > free:
        raise ModelError(
            f"converting it takes {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB "
            "are free"
        )


def _look(
    loaded: LoadedModel,
    checked: Sequence[Sequence[int]],
    others: Sequence[Sequence[int]],
    compute_type: str,
    decoder_prefix: Sequence[int],
) -> tuple[Sample, Peaks]:
    """What the conversion must give on the prompts checked, and how large the activations are on
    the others. The copy in fp32 that this may take is gone afterwards."""
    with _resting(loaded):
        reference = _reference(loaded.model)
        size = reference.get_input_embeddings().num_embeddings
        peaks = activation_peaks(reference, others) if compute_type == "int8" else {}
        sample = Sample(reference, loaded.kind, fitting(checked, size), decoder_prefix)
    return sample, peaks


def _make(
    folder: Path, loaded: LoadedModel, sample: Sample, peaks: Peaks, compute_type: str
) -> Conversion:
    """Convert at float32 and check that; then at the type asked for, and check that too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    kinds = list(dict.fromkeys(("float32", compute_type)))
    with TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch, _resting(loaded):
        made = Path(scratch)
        write(merged(loaded.model), made, kinds, peaks, keep=loaded.model)
        for each in kinds:
            verdict = verify(made / each, each, sample)
            if verdict.wrong:
                break
        with new_folder(folder) as fresh:
            if not verdict.wrong:
                for file in (made / compute_type).iterdir():
                    shutil.move(str(file), fresh / file.name)
            sums = {file.name: sha256_file(file) for file in sorted(fresh.iterdir())}
            facts = {"verdict": asdict(verdict), "model": loaded.display_name, "files": sums}
            write_json(fresh / _MANIFEST, facts)
    return Conversion(folder, verdict)


@contextmanager
def _resting(loaded: LoadedModel) -> Iterator[None]:
    """The model in eval mode, for this long."""
    before = loaded.model.training
    loaded.model.eval()
    try:
        yield
    finally:
        loaded.model.train(before)


def _reference(model: Any) -> Any:
    """The model itself where it computes in fp32, else a copy that does."""
    if all(each.dtype == torch.float32 for each in model.parameters()):
        return model
    found = copy.deepcopy(model).float()
    for module in found.modules():
        scale = getattr(module, "scalar_embed_scale", None)
        if scale is not None:  # Gemma's √width, which was rounded with the weights
            module.embed_scale.fill_(scale)
    return found


def prune(root: Path, stays: Path) -> None:
    """Remove the conversions used longest ago until `MOST_BYTES` are left."""
    used = {each.parent: each.stat().st_mtime for each in root.glob(f"*/{_MANIFEST}")}
    total = 0
    for folder in sorted(used, key=lambda each: (each != stays, -used[each])):
        total += sum(file.stat().st_size for file in folder.iterdir())
        idle = time.time() - used[folder] > KEPT_SECONDS
        if total > MOST_BYTES and idle and folder != stays:
            shutil.rmtree(folder, ignore_errors=True)

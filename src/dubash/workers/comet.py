"""COMET, run by the Python of its own environment: a request in, answers out, all JSON.

Standard input is one JSON object, `{"task": …}`; on standard output comes a JSON object a line.

- `versions`: `{"versions": {…}}`, once COMET could be imported.
- `find`, with `model`, a hub id: `{"checkpoint": path}` of the hub's cache, after `{"fetching": …}`
  where it has to be fetched first.
- `score`, with `checkpoint`, `batch_size` and `rows` (`src`, `mt`, `ref`): `{"scores": [[row,
  score], …]}` for each batch, shortest sources first.

Instead of an answer may come `{"why": …}`: what could not be done, in words for the user.

Checkpoints of COMET are pickles. Nothing in this process may load more of one than tensors and
plain settings: torch refuses every other global before any code of the file could run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

# read by torch at every load, over whatever the caller of it asks for
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

FILES = ("checkpoints/model.ckpt", "hparams.yaml")
PACKAGES = ("unbabel-comet", "torch", "transformers", "pytorch-lightning")


def versions(_request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The versions that a score depends on."""
    import comet  # noqa: F401  # an environment that cannot do this is not whole

    yield {"versions": {name: metadata.version(name) for name in PACKAGES}}


def find(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The checkpoint of a model of the hub, fetched where it is not in the hub's cache."""
    from huggingface_hub import snapshot_download

    folder = _cached(request["model"])
    if folder is None:
        yield {"fetching": request["model"]}
        try:
            folder = snapshot_download(request["model"], allow_patterns=list(FILES))
        except Exception as error:
            yield {"why": _explain_hub(error)}
            return
    checkpoint, settings = (os.path.join(folder, *name.split("/")) for name in FILES)
    if os.path.isfile(checkpoint) and os.path.isfile(settings):
        yield {"checkpoint": checkpoint}
    else:
        yield {"why": f"it has no {FILES[0]} with {FILES[1]}, as a whole COMET model has"}


def _cached(model: str) -> str | None:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(model, allow_patterns=list(FILES), local_files_only=True)
    except Exception:  # many kinds; whatever it is, the try with the network says it
        return None
    whole = all(os.path.isfile(os.path.join(folder, *name.split("/"))) for name in FILES)
    return str(folder) if whole else None


def _explain_hub(error: BaseException) -> str:
    kinds = {type(each).__name__ for each in _chain(error)}
    if "GatedRepoError" in kinds:
        return "its owner asks to accept terms first: do so on its page, then set HF_TOKEN"
    if "RepositoryNotFoundError" in kinds:
        return "the hub has no such model, or it is private"
    if "OfflineModeIsEnabled" in kinds or os.environ.get("HF_HUB_OFFLINE", "0").lower() in _TRUE:
        return "its weights are not in the hub's cache on this machine, and HF_HUB_OFFLINE is set"
    if kinds & {"LocalEntryNotFoundError", "ConnectionError", "ConnectTimeout", "ReadTimeout"}:
        return "its weights are not in the hub's cache, and the hub cannot be reached"
    return f"its weights cannot be fetched ({_first_line(error)})"


_TRUE = ("1", "true", "yes", "on")


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _first_line(error: BaseException) -> str:
    return next((line.strip()[:300] for line in str(error).splitlines() if line.strip()), "")


def score(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The scores of all rows, a batch at a time."""
    import torch
    from comet import load_from_checkpoint

    parent = os.getppid()
    try:
        model = load_from_checkpoint(request["checkpoint"])
    except Exception as error:
        yield {"why": _explain_load(error)}
        return
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()
    rows, size = request["rows"], request["batch_size"]
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]["src"]))
    with torch.inference_mode():
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            inputs = model.prepare_sample([rows[row] for row in batch], stage="predict")
            inputs = model.transfer_batch_to_device(inputs, device, 0)
            found = model.predict_step(inputs)["scores"].float().cpu().tolist()
            yield {"scores": list(zip(batch, found, strict=True))}
            if os.getppid() != parent:  # whoever asked is gone
                return


def _explain_load(error: Exception) -> str:
    kinds = {type(each).__name__ for each in _chain(error)}
    if "UnpicklingError" in kinds:
        return (
            "its checkpoint holds more than tensors and plain settings; loading that could run "
            "code of the file, so it is refused"
        )
    return f"its checkpoint cannot be loaded ({type(error).__name__}: {_first_line(error)})"


def main() -> None:
    """Read the request, give the answers."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    request = json.load(sys.stdin.buffer)
    tasks = {"versions": versions, "find": find, "score": score}
    for answer in tasks[request["task"]](request):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

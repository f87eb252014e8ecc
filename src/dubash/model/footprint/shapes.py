"""A model's configuration where none of its weights are: a folder, the hub, or what ships here."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from safetensors import safe_open
from transformers import AutoConfig, PretrainedConfig

from dubash.core.errors import ModelError
from dubash.model.embedded import DISPLAY_NAME, converted
from dubash.model.options import EMBEDDED, Kind, ModelOptions
from dubash.model.plain import plain_errors
from dubash.model.source import local_folder

_EMBEDDED_LIKE = "HuggingFaceTB/SmolLM2-135M-Instruct"


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's configuration, and where it was found, in words.

    `here` is the folder that holds the weights already, None where they are yet to be fetched.
    `own_head` says that the head has weights of its own whatever the configuration says.
    `stored_bytes` are the bytes of a parameter as its maker stores it.
    """

    name: str
    config: Any
    origin: str
    here: Path | None
    own_head: bool
    stored_bytes: float

    @property
    def kind(self) -> Kind:
        """Decoder-only or encoder-decoder."""
        return "seq2seq" if getattr(self.config, "is_encoder_decoder", False) else "causal"


def find_shape(options: ModelOptions) -> Shape:
    """The configuration of a recipe's model, without its weights.

    A local folder, the converted embedded model, the hub's cache, what ships with dubash, and only
    then the hub (its config.json alone): one that cannot be reached is asked for half a minute.
    Raises ModelError.
    """
    if options.name == EMBEDDED:
        if folder := converted():
            return _from_folder(DISPLAY_NAME, folder, "its converted checkpoint", options)
        return _shipped(_EMBEDDED_LIKE, DISPLAY_NAME)
    if folder := local_folder(options.name):
        if not (folder / "config.json").is_file():
            raise ModelError("no config.json in this folder, so it is no model.", where=str(folder))
        return _from_folder(options.name, folder, "its folder", options)
    return _from_hub(options)


def shipped_names() -> list[str]:
    """The models whose configuration ships with dubash."""
    folder = Path(str(resources.files("dubash.model"))) / "shapes"
    return sorted(path.stem.replace("__", "/", 1) for path in folder.glob("*.json"))


def _from_folder(name: str, folder: Path, origin: str, options: ModelOptions) -> Shape:
    raw = _read(folder / "config.json")
    config = _config(str(folder), options)
    files = sorted(folder.glob("*.safetensors"))
    found: dict[str, float] = {}
    for file in files:
        with plain_errors(str(file)), safe_open(file, framework="pt") as opened:
            found |= dict.fromkeys(opened.keys(), 0.0)
    # a checkpoint that holds both keeps both, whatever its configuration says of tying them
    own_head = "lm_head.weight" in found if files else _own_head(raw)
    return Shape(name, config, origin, folder if files else None, own_head, _stored_bytes(raw))


def _from_hub(options: ModelOptions) -> Shape:
    name, revision = options.name, options.revision
    cached = try_to_load_from_cache(name, "config.json", revision=revision)
    if not isinstance(cached, str) and revision is None and name in shipped_names():
        return _shipped(name, name)
    try:
        config = _config(name, options)
    except ModelError as error:
        what = f"{error.what} Its configuration does not ship with dubash either."
        raise ModelError(what, where=error.where, fix=error.fix) from error
    raw, _ = PretrainedConfig.get_config_dict(name, revision=revision)
    origin = "the hub's cache" if isinstance(cached, str) else "the hub"
    return Shape(name, config, origin, _cached_weights(options), _own_head(raw), _stored_bytes(raw))


def _shipped(name: str, called: str) -> Shape:
    file = f"shapes/{name.replace('/', '__')}.json"
    raw = json.loads(resources.files("dubash.model").joinpath(file).read_text(encoding="utf-8"))
    with plain_errors(name):
        config = AutoConfig.for_model(**raw)
    return Shape(called, config, "what ships with dubash", None, _own_head(raw), _stored_bytes(raw))


def _cached_weights(options: ModelOptions) -> Path | None:
    for file in ("model.safetensors", "model.safetensors.index.json"):
        found = try_to_load_from_cache(options.name, file, revision=options.revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _config(location: str, options: ModelOptions) -> Any:
    with plain_errors(options.name):
        return AutoConfig.from_pretrained(
            location, revision=options.revision, trust_remote_code=options.trust_remote_code
        )


def _read(path: Path) -> dict[str, Any]:
    with plain_errors(str(path)):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _own_head(raw: dict[str, Any]) -> bool:
    """T5's configuration forgets that its maker said so; the weights in the checkpoint do not."""
    return raw.get("tie_word_embeddings") is False


def _stored_bytes(raw: dict[str, Any]) -> float:
    text = raw.get("text_config") or {}
    named = next(
        (each[key] for each in (raw, text) for key in ("dtype", "torch_dtype") if each.get(key)), ""
    )
    return 2.0 if str(named).endswith("float16") else 4.0


def with_vocabulary(shape: Shape, tokens: int) -> Shape:
    """The same shape with so many tokens, as trimming leaves it."""
    config = copy.deepcopy(shape.config)
    for each in (config, config.get_text_config(decoder=True)):
        each.vocab_size = tokens
    return replace(shape, config=config)

"""What a checkpoint or an adapter of another tool says of itself, without loading its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, GenerationConfig
from transformers.utils import GENERATION_CONFIG_NAME, cached_file

from dubash.model.adapter import check_adapter
from dubash.model.options import ModelOptions
from dubash.model.plain import plain_errors, quiet_loading
from dubash.model.source import read_config, resolve


@dataclass(frozen=True, slots=True)
class Given:
    """`ends` are the ids at which other tools' generation stops; `pad` and `end`, the tokenizer's
    own tokens as text; `tokens`, its size."""

    ends: frozenset[int]
    pad: str | None
    end: str | None
    chat_template: str | None
    tokens: int


@dataclass(frozen=True, slots=True)
class GivenAdapter:
    """`base` is the model that it says it belongs to; `embeddings`, whether it brings trained ones;
    `tokenizer`, the one that lies beside it, if any."""

    base: str
    embeddings: bool
    tokenizer: Given | None


def given_model(options: ModelOptions) -> Given:
    """Of a whole model. Raises ModelError as `load.load_base` does."""
    source = resolve(options)
    arguments = source.arguments(options)
    with plain_errors(options.name), quiet_loading():
        tokenizer = AutoTokenizer.from_pretrained(source.location, **arguments)
        file = cached_file(
            source.location, GENERATION_CONFIG_NAME, revision=source.revision,
            _raise_exceptions_for_missing_entries=False,
        )  # fmt: skip
        if file:
            generation = GenerationConfig.from_pretrained(source.location, revision=source.revision)
        else:  # as transformers then does
            generation = GenerationConfig.from_model_config(read_config(source, options))
    return _given(tokenizer, generation.eos_token_id)


def given_adapter(folder: Path, trust_remote_code: bool = False) -> GivenAdapter:
    """Of an adapter's folder. Raises ModelError unless it holds a whole LoRA adapter."""
    check_adapter(folder)
    settings = folder / "adapter_config.json"
    with plain_errors(str(settings)):
        content = json.loads(settings.read_text(encoding="utf-8"))
    saved = [str(each) for each in content.get("modules_to_save") or []]
    targets = content.get("target_modules") or []
    touched = [*saved, *([targets] if isinstance(targets, str) else map(str, targets))]
    tokenizer = None
    if (folder / "tokenizer_config.json").exists():
        with plain_errors(str(folder)), quiet_loading():
            found = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
        tokenizer = _given(found, found.eos_token_id)
    return GivenAdapter(
        str(content.get("base_model_name_or_path") or ""),
        any("embed" in each or each in ("wte", "shared") for each in touched),
        tokenizer,
    )


def _given(tokenizer: Any, ends: int | list[int] | None) -> Given:
    ids = ends if isinstance(ends, list) else [ends]
    return Given(
        frozenset(each for each in ids if each is not None),
        tokenizer.pad_token,
        tokenizer.eos_token,
        tokenizer.chat_template,
        len(tokenizer),
    )

"""Trimming: a checkpoint with fewer tokens, the same in all else.

Tokenizer, embeddings, head and every id in the configuration are cut together. `old_ids.json`
beside them holds, for each new id, the old one; `trim.json` what was done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from dubash.core.errors import ModelError
from dubash.core.files import new_folder, write_json, write_text
from dubash.model.load import check_complete, find_kind
from dubash.model.options import Kind, ModelOptions
from dubash.model.plain import plain_errors, quiet_loading
from dubash.model.source import Source, read_config, resolve
from dubash.model.vocabulary import UNCUT, Vocabulary

OLD_IDS = "old_ids.json"
ACCOUNT = "trim.json"

_SHARD = "1GB"  # while it is saved a shard may stand in memory twice
_ID_KEY = re.compile(r"(_token_ids?|_token_index|suppress_tokens|_words_ids)$")
_GENERIC = "TokenizersBackend"  # the class that takes tokenizer.json as it stands


@dataclass(frozen=True, slots=True)
class Original:
    """A model before it is trimmed: where it is, its kind, and what its files name."""

    options: ModelOptions
    source: Source
    kind: Kind
    tokenizer: Any
    vocabulary: Vocabulary
    named_ids: frozenset[int]


def read_original(options: ModelOptions, tokenizer: Any) -> Original:
    """Read what decides which tokens must stay, without the weights; `tokenizer` is the model's.

    Raises ModelError where the tokenizer is none that can be cut, or the checkpoint is quantised.
    """
    source = resolve(options)
    config = read_config(source, options)
    if getattr(config, "quantization_config", None) is not None:
        raise ModelError(
            "this checkpoint is quantised; its vocabulary is not cut.",
            where=options.name,
            fix="Name the original.",
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            "its tokenizer has no tokenizer.json form (a fast tokenizer), so it is not cut.",
            where=options.name,
            fix=UNCUT,
        )
    vocabulary = Vocabulary(json.loads(backend.to_str()), options.name)
    named = {*ids_named(config.to_dict()), *ids_named(_generation(source, options))}
    named |= {each for each in tokenizer.all_special_ids if each is not None}
    written = json.dumps(tokenizer.chat_template, ensure_ascii=False)
    named |= {
        token
        for token, each in vocabulary.added.items()
        if json.dumps(each["content"], ensure_ascii=False)[1:-1] in written
    }
    return Original(options, source, find_kind(options), tokenizer, vocabulary, frozenset(named))


def write_trimmed(
    original: Original, kept: Iterable[int], folder: Path, account: dict[str, Any]
) -> dict[str, Any]:
    """Write the checkpoint with these tokens only, whole or not at all; returns its account.

    The weights keep the precision they are stored in. Raises ModelError where the model or its
    tokenizer turns out to be other than what can be cut, and OSError.
    """
    vocabulary, tokenizer, kept = original.vocabulary, original.tokenizer, set(kept)
    model = _load(original)
    rows = model.get_input_embeddings().num_embeddings
    order = vocabulary.order(kept)
    # what a configuration names without a token for it keeps its row, behind the tokens
    order += sorted(each for each in original.named_ids - {*order} if 0 <= each < rows)
    before = _count(model)
    cut_tables(model, rows, torch.tensor(order))
    found = {
        **account,
        "tokens": {"before": rows, "after": len(order)},
        "parameters": {"before": before, "after": _count(model)},
        "never_unknown": vocabulary.never_unknown,
    }
    new = {old: at for at, old in enumerate(order)}
    with new_folder(folder) as fresh:
        with quiet_loading():
            model.save_pretrained(str(fresh), max_shard_size=_SHARD)
        del model
        for name in ("config.json", "generation_config.json"):
            if (path := fresh / name).exists():
                content = json.loads(path.read_text(encoding="utf-8"))
                write_json(path, renumbered(content, new, rows, len(order)))
        save_tokenizer(tokenizer, vocabulary, order, fresh, original.options.name)
        write_json(fresh / OLD_IDS, order)
        write_json(fresh / ACCOUNT, found)
        for file in fresh.iterdir():
            file.chmod(0o644)
    return found


# -- configuration ---------------------------------------------------------------------------------


def ids_named(content: Any, key: str = "") -> set[int]:
    """The token ids in a configuration, parts and lists included."""
    if isinstance(content, dict):
        return {found for name, each in content.items() for found in ids_named(each, name)}
    if isinstance(content, list | tuple):
        return {found for each in content for found in ids_named(each, key)}
    is_id = isinstance(content, int) and not isinstance(content, bool) and _ID_KEY.search(key)
    return {content} if is_id else set()


def renumbered(content: Any, new: dict[int, int], rows: int, kept: int, key: str = "") -> Any:
    """The configuration with new ids, and `kept` where a vocabulary of `rows` is spoken of."""
    if isinstance(content, dict):
        return {name: renumbered(each, new, rows, kept, name) for name, each in content.items()}
    if isinstance(content, list):
        return [renumbered(each, new, rows, kept, key) for each in content]
    if key == "vocab_size" and content == rows:
        return kept
    return new[content] if ids_named(content, key) & new.keys() else content


def _generation(source: Source, options: ModelOptions) -> dict[str, Any]:
    """The generation settings that the checkpoint brings; empty where it brings none."""
    from transformers import GenerationConfig

    with quiet_loading():
        try:
            found = GenerationConfig.from_pretrained(source.location, revision=source.revision)
        except OSError:
            return {}
    return dict(found.to_dict())


# -- weights ---------------------------------------------------------------------------------------


def _load(original: Original) -> Any:
    """The model on the CPU, in the precision of its files whatever its configuration says."""
    options, source = original.options, original.source
    config = read_config(source, options)
    for each in (config, config.get_text_config(decoder=True)):
        each.dtype = None
    auto = AutoModelForCausalLM if original.kind == "causal" else AutoModelForSeq2SeqLM
    with plain_errors(options.name), quiet_loading():
        model, info = auto.from_pretrained(
            source.location, config=config, use_safetensors=True, dtype="auto",
            output_loading_info=True, **source.arguments(options),
        )  # fmt: skip
    check_complete(info, options.name)
    return model


def cut_tables(model: Any, rows: int, order: torch.Tensor) -> None:
    """Keep the rows `order` `[token]` of the embeddings, of the head with its bias, and of
    `final_logits_bias`; what was shared stays shared.

    Raises ModelError where a table of the vocabulary's size is left that none of these is.
    """
    cut: dict[int, nn.Parameter] = {}

    def few(parameter: Any) -> nn.Parameter:
        if id(parameter) not in cut:
            found = nn.Parameter(parameter.data[order].clone(), parameter.requires_grad)
            cut[id(parameter)] = found
            cut[id(found)] = found  # a module met a second time
        return cut[id(parameter)]

    head = model.get_output_embeddings()
    tables = {"embed_tokens", "shared", "wte", "word_embeddings", "embed_in"}
    for name, module in model.named_modules():
        if not isinstance(module, nn.Embedding) or module.num_embeddings != rows:
            continue
        if module is not model.get_input_embeddings() and name.rsplit(".", 1)[-1] not in tables:
            raise ModelError(
                f"it has a further table of its vocabulary, '{name}', which is not cut.",
                where=getattr(model, "name_or_path", ""), fix=UNCUT,
            )  # fmt: skip
        module.weight, module.num_embeddings = few(module.weight), len(order)
        module.padding_idx = None
    if head is not None:
        head.weight, head.out_features = few(head.weight), len(order)
        if getattr(head, "bias", None) is not None:
            head.bias = few(head.bias)
    bias = getattr(model, "final_logits_bias", None)
    if bias is not None:
        model.final_logits_bias = bias[:, order].clone()
    for config in (model.config, model.config.get_text_config(decoder=True)):
        config.vocab_size = len(order)


def _count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


# -- tokenizer -------------------------------------------------------------------------------------


def save_tokenizer(
    tokenizer: Any, vocabulary: Vocabulary, order: Sequence[int], folder: Path, name: str
) -> None:
    """Write the cut tokenizer beside a config.json, and see that it comes back as it was cut.

    Its class is kept where that builds the same again, since some have more to them than
    tokenizer.json says (NLLB's languages). Raises ModelError for the model `name` where none does.
    """
    content = vocabulary.cut(order)
    text = json.dumps(content, ensure_ascii=False)
    with quiet_loading():
        tokenizer.save_pretrained(str(folder))
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    new = {str(old): str(at) for at, old in enumerate(order)}
    if added := settings.get("added_tokens_decoder"):
        settings["added_tokens_decoder"] = {new[k]: v for k, v in added.items() if k in new}
    own = settings.get("tokenizer_class", _GENERIC)
    for kind in dict.fromkeys((own, _GENERIC)):
        write_text(folder / "tokenizer.json", text)
        write_json(path, {**settings, "tokenizer_class": kind})
        with plain_errors(name), quiet_loading():
            loaded = AutoTokenizer.from_pretrained(str(folder))
        if _same(loaded, tokenizer, content):
            return
    raise ModelError("its tokenizer does not come back as it was cut.", where=name, fix=UNCUT)


def _same(loaded: Any, tokenizer: Any, content: dict[str, Any]) -> bool:
    found = json.loads(loaded.backend_tokenizer.to_str())
    parts = ("normalizer", "pre_tokenizer", "decoder", "post_processor", "added_tokens")
    return (
        _rounded(found["model"]) == _rounded(content["model"])
        and all(found[part] == content[part] for part in parts)
        and loaded.special_tokens_map == tokenizer.special_tokens_map
        and loaded.chat_template == tokenizer.chat_template
    )


def _rounded(model: dict[str, Any]) -> dict[str, Any]:
    """The library's reader of JSON is off by a last bit in some of Unigram's scores."""
    if model["type"] != "Unigram":
        return model
    return model | {"vocab": [(piece, round(score, 9)) for piece, score in model["vocab"]]}

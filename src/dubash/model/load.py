"""Loading and saving: full, LoRA, QLoRA and int8-LoRA differ in this file and `adapter` only.

What runs where (tests/model/test_methods.py holds it on tiny checkpoints of each family):

| family               | full | lora | qlora | lora-int8 |
|----------------------|------|------|-------|-----------|
| Llama, Qwen2, Qwen3  | yes  | yes  | yes   | yes       |
| Qwen3.5 text         | yes  | yes  | yes   | yes       |
| Gemma 3 text         | yes  | yes  | yes   | yes       |
| mT5, T5              | yes  | yes  | yes   | yes       |
| M2M-100, NLLB        | yes  | yes  | yes   | yes       |

On a CPU as on a GPU, with two exceptions: fp16 is refused on a CPU, and for T5's family anywhere.
Quantised bases on a CPU are slower than fp32; they save memory, not time.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from dubash.core.errors import ModelError
from dubash.core.files import new_folder
from dubash.model import adapter
from dubash.model.device import DTYPES, place
from dubash.model.options import Kind, MethodOptions, ModelOptions, Precision
from dubash.model.plain import plain_errors, quiet_loading
from dubash.model.source import Source, display_name, read_config, resolve
from dubash.model.tokens import prepare_tokenizer


@dataclass(slots=True)
class LoadedModel:
    """A model with its tokenizer.

    `device` is `cpu` or `cuda:N`. `compute_dtype` is the precision of the matrix products: where
    it is not fp32, training runs under autocast of it. `display_name` is what tables call it.
    `adapted` says whether `model` is a peft model around a frozen base.
    """

    model: Any
    tokenizer: Any
    kind: Kind
    device: str
    compute_dtype: Precision
    name: str
    display_name: str
    adapted: bool = False

    @property
    def total_parameters(self) -> int:
        """All parameters, adapters included; those packed in 4 bits are counted one by one."""
        return sum(count_weights(each) for each in self.model.parameters())

    @property
    def trainable_parameters(self) -> int:
        """The parameters that training changes."""
        return sum(count_weights(each) for each in self.model.parameters() if each.requires_grad)

    @property
    def context(self) -> int | None:
        """The model's context in tokens, as `find_context` has it."""
        return _context(self.model.config)


def load_tokenizer(options: ModelOptions) -> Any:
    """The model's tokenizer, with a padding token chosen where it has none.

    Raises ModelError as `load_base` does, and loads no weights.
    """
    return _tokenizer(resolve(options), options)


def find_kind(options: ModelOptions) -> Kind:
    """Whether the model is decoder-only or encoder-decoder, from its configuration alone.

    Raises ModelError as `load_base` does, and loads no weights.
    """
    return _kind(options, read_config(resolve(options), options))


def find_context(options: ModelOptions) -> int | None:
    """The model's context in tokens (each side's, for an encoder-decoder), from its configuration
    alone; None where that names none, as T5's relative positions need none.

    Raises ModelError as `load_base` does, and loads no weights.
    """
    return _context(read_config(resolve(options), options))


def load_base(options: ModelOptions) -> LoadedModel:
    """The model as it is, in eval mode and in the precision it computes in.

    Raises ModelError, in one line, for whatever is missing, broken or not allowed.
    """
    loaded = _load(options, None, weights=None)
    loaded.model.requires_grad_(False)
    return loaded


def load_trainable(options: ModelOptions, method: MethodOptions, seed: int = 0) -> LoadedModel:
    """The model ready for training, in train mode.

    `full`: every weight of the text model trainable, in fp32. The others: fresh fp32 adapters,
    drawn from `seed`, on a frozen base in the compute precision or quantised. Without cache; with
    gradient checkpointing where asked for, and with every layer in every step: M2M-100 would leave
    one out now and then, and several processes would wait for its gradients. Raises ModelError.
    """
    full = method.name == "full"
    loaded = _load(options, method, weights="fp32" if full else None)
    model = loaded.model
    if full:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(re.fullmatch(adapter.OTHER_TOWERS, name) is None)
    else:
        loaded.model = adapter.add_adapter(model, loaded.kind, method, seed, options.revision)
        loaded.adapted = True
    for config in _configs(model):
        config.use_cache = False
    for module in model.modules():
        if getattr(module, "layerdrop", 0):
            module.layerdrop = 0.0
    if options.gradient_checkpointing:
        # re-entrant checkpointing would find no input that requires a gradient under adapters
        with warnings.catch_warnings(), plain_errors(options.name):
            warnings.simplefilter("ignore", FutureWarning)
            model.gradient_checkpointing_enable({"use_reentrant": False})
    loaded.model.train()
    return loaded


def load_tuned(options: ModelOptions, method: MethodOptions, folder: Path) -> LoadedModel:
    """What `save_tuned` wrote, in eval mode: a full checkpoint, or an adapter onto its base.

    A quantised method gets its quantised base again, so that it computes what was trained.
    Raises ModelError.
    """
    if method.name == "full":
        tuned = options.model_copy(update={"name": str(folder.absolute()), "revision": None})
        loaded = _load(tuned, None, weights=None)
        loaded.name, loaded.display_name = options.name, display_name(options)
    else:
        adapter.check_adapter(folder)  # before the base, which may take minutes
        loaded = _load(options, method, weights=None)
        loaded.model = adapter.load_adapter(loaded.model, folder)
        loaded.adapted = True
    loaded.model.requires_grad_(False)
    loaded.model.eval()
    return loaded


def load_merged(options: ModelOptions, method: MethodOptions, folder: Path) -> LoadedModel:
    """As `load_tuned`, with the adapter merged into its base, in the precision that has: of a
    quantised base the sum is rounded to it again. Raises ModelError, also where there is none."""
    if method.name == "full":
        raise ModelError(
            "all weights were trained: there is no adapter to merge.", where=str(folder)
        )
    loaded = load_tuned(options, method, folder)
    with warnings.catch_warnings(), plain_errors(str(folder)):
        warnings.simplefilter("ignore", UserWarning)  # that rounding is said above
        loaded.model = loaded.model.merge_and_unload()
    loaded.model.requires_grad_(False)
    loaded.model.eval()
    loaded.adapted = False
    return loaded


def save_tuned(loaded: LoadedModel, folder: Path) -> None:
    """Write the trained model whole or not at all: peft's files, or a full fp32 checkpoint.

    The tokenizer and its chat template go along. safetensors only.
    """
    configs = _configs(loaded.model)
    before = [config.use_cache for config in configs]
    with new_folder(folder) as fresh, quiet_loading():
        try:
            for config in configs:
                config.use_cache = True  # training's setting would make its users generate slowly
            if loaded.adapted:
                adapter.save_adapter(loaded.model, fresh)
            else:
                loaded.model.save_pretrained(str(fresh))
            loaded.tokenizer.save_pretrained(str(fresh))
        finally:
            for config, value in zip(configs, before, strict=True):
                config.use_cache = value
        for file in fresh.iterdir():
            file.chmod(0o644)


def _load(
    options: ModelOptions, method: MethodOptions | None, weights: Precision | None
) -> LoadedModel:
    """Load in eval mode; `weights` None takes the compute precision."""
    source = resolve(options)
    config = read_config(source, options)
    placement = place(options, config.model_type)
    kind = _kind(options, config)
    quantized = None
    if method is not None:
        if getattr(config, "quantization_config", None) is not None:
            raise ModelError(
                "this checkpoint is already quantised and cannot be tuned as it is.",
                where=options.name,
                fix="Name the original; method.name qlora quantises it while loading.",
            )
        quantized = adapter.quantization(method, placement.compute_dtype)
    arguments = source.arguments(options)
    arguments["dtype"] = DTYPES[weights or placement.compute_dtype]
    if quantized is not None:
        arguments["quantization_config"] = quantized
    if quantized is not None or placement.device != "cpu":
        arguments["device_map"] = {"": placement.device}
    tokenizer = _tokenizer(source, options)
    auto = AutoModelForCausalLM if kind == "causal" else AutoModelForSeq2SeqLM
    with plain_errors(options.name), quiet_loading():
        model, info = auto.from_pretrained(
            source.location, use_safetensors=True, output_loading_info=True, **arguments
        )
    check_complete(info, options.name)
    if quantized is not None and placement.device == "cpu":
        adapter.keep_trainable_on_cpu(model)
    _join(model, tokenizer, options.name)
    model.eval()
    return LoadedModel(
        model, tokenizer, kind, placement.device, placement.compute_dtype,
        options.name, display_name(options),
    )  # fmt: skip


def _tokenizer(source: Source, options: ModelOptions) -> Any:
    with plain_errors(options.name), quiet_loading():
        tokenizer = AutoTokenizer.from_pretrained(source.location, **source.arguments(options))
    return prepare_tokenizer(tokenizer)


def _kind(options: ModelOptions, config: Any) -> Kind:
    found: Kind = "seq2seq" if getattr(config, "is_encoder_decoder", False) else "causal"
    if options.kind not in ("auto", found):
        raise ModelError(
            f"model.kind is {options.kind}, but this model is {found}.", where=options.name
        )
    return found


def _context(config: Any) -> int | None:
    found = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
    return int(found) if found else None


def check_complete(info: dict[str, Any], name: str) -> None:
    """ModelError for weights that the file lacks: they would be filled with random numbers, with a
    warning only. `info` is what loading said (`output_loading_info`)."""
    lacking = sorted(info.get("missing_keys") or [])
    unfit = sorted(str(key) for key in info.get("mismatched_keys") or [])
    if lacking or unfit:
        first = (lacking or unfit)[0]
        raise ModelError(
            f"{len(lacking or unfit)} weights are missing or of another shape ({first}).",
            where=name,
        )


def _join(model: Any, tokenizer: Any, name: str) -> None:
    """Check that model and tokenizer belong together, and tell the model its padding token."""
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise ModelError(
            f"its tokenizer has {len(tokenizer)} tokens, but the model only {rows}.", where=name
        )
    for config in (*_configs(model), model.generation_config):
        if getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = tokenizer.pad_token_id


def _configs(model: Any) -> list[Any]:
    """The configurations of the model and its parts; T5's decoder goes by a copy of its own."""
    found = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}
    return [config for config in found.values() if hasattr(config, "use_cache")]


def count_weights(parameter: torch.nn.Parameter) -> int:
    """The numbers in a parameter; those packed in 4 bits are counted one by one."""
    if getattr(parameter, "quant_state", None) is not None:
        return parameter.numel() * parameter.element_size() * 2
    return parameter.numel()

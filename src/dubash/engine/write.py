"""A transformers model written as CTranslate2's files, by CTranslate2's own converters.

They read the weights out of a loaded model, in memory; nothing is fetched and no model's own code
is run. The vocabulary is the ids' own digits, since prompts come as ids: no tokenizer has a say.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from ctranslate2.converters import transformers as converters
from ctranslate2.specs import model_spec

from dubash.core.errors import ModelError
from dubash.engine.ctranslate2 import ANY_START
from dubash.engine.families import mend
from dubash.engine.smooth import Peaks, smooth

_SAVED = {"int8": "int8_float32", "float32": "float32"}


def merged(model: Any) -> Any:
    """A copy with its adapters merged in fp32. It shares every weight that merging leaves alone
    with the model, so none of them may be changed in place."""
    layers = [each for each in model.modules() if isinstance(getattr(each, "scaling", None), dict)]
    changed = {id(each) for layer in layers for each in layer.parameters()}
    shared = {id(each): each for each in model.parameters() if id(each) not in changed}
    found = copy.deepcopy(model, shared)
    if not layers:
        return found
    for layer in found.modules():
        if isinstance(getattr(layer, "scaling", None), dict):
            layer.float()
    return found.merge_and_unload()


def write(
    model: Any,
    folder: Path,
    compute_types: Sequence[str],
    peaks: Peaks | None = None,
    keep: Any = None,
) -> None:
    """Convert a plain transformers model into a folder for each type, the least precise last. With
    `peaks` of its layers' inputs it is made ready for int8.

    The weights of `keep` stay as they are, those of the model itself unless it is given; others may
    be changed in place, as CTranslate2 does when it quantises.
    """
    stay = {id(each) for each in (keep or model).parameters()} if "int8" in compute_types else set()
    shared = {id(each): each for each in model.parameters() if id(each) not in stay}
    copied = copy.deepcopy(model, shared)
    del model, shared  # what smoothing replaces goes at once
    mend(copied)
    if "int8" in compute_types and peaks:
        smooth(copied, peaks)
    loader = copy.copy(converters._MODEL_LOADERS[type(copied.config).__name__])
    size = copied.get_input_embeddings().num_embeddings
    gc.freeze()  # the loader collects garbage after every layer, half a second each time
    try:
        with torch.no_grad():
            spec = loader.get_model_spec(copied)
        loader.set_config(spec.config, copied, _Digits())
        loader.set_vocabulary(spec, [str(number) for number in range(size)])
        spec.validate()
    except (NotImplementedError, ValueError, LookupError, AttributeError) as error:
        raise ModelError(f"its converter gives up on this model ({error})") from error
    finally:
        gc.unfreeze()
    _alias(spec)
    for each in compute_types:
        spec._quantize(_SAVED[each])
        (folder / each).mkdir(parents=True)
        spec.save(str(folder / each))


def _alias(spec: Any) -> None:
    """Let weights that are one tensor be stored once, as tied embeddings are.

    `spec.optimize` would compare every weight with every other: ten seconds for SmolLM2.
    """
    seen: dict[Any, str] = {}
    for name, value in spec.variables(ordered=True):
        tensor = getattr(value, "tensor", None)
        if tensor is None or tensor.ndim == 0:
            continue
        first = seen.setdefault((tensor.data_ptr(), tuple(tensor.shape)), name)
        if first != name:
            scope, _, attribute = name.rpartition("/")
            setattr(model_spec.index_spec(spec, scope), attribute, first)


class _Digits:
    """A tokenizer whose tokens are the ids' own digits, as far as converters ask."""

    bos_token = eos_token = unk_token = pad_token = str(ANY_START)
    chat_template = None

    def convert_ids_to_tokens(self, number: int) -> str:
        return str(number)

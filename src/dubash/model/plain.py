"""The libraries' many errors as one plain line, and their chatter turned down."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from huggingface_hub.constants import is_offline_mode
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from dubash.core.errors import ModelError


@contextmanager
def plain_errors(name: str) -> Iterator[None]:
    """Turn whatever a library raises inside into one ModelError that names the model.

    To be put around library calls only: those raise many kinds, bare Exception among them.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise _explain(error, name) from error


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No bars for weights that load in a second (downloads keep theirs), and no warnings about
    missing weights, which are refused here instead."""

    def hidden(bar: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return bar(*args, **{**kwargs, "disable": True})

    previous = transformers_logging.set_tqdm_hook(hidden)
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        transformers_logging.set_tqdm_hook(previous)
        transformers_logging.set_verbosity(level)


def _explain(error: Exception, name: str) -> ModelError:
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(below)

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in chain)

    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if has(torch.OutOfMemoryError):
        return ModelError(
            "it does not fit into the device's memory.",
            where=name,
            fix="Take method.name qlora, model.gradient_checkpointing, or a smaller model.",
        )
    if has(SafetensorError):
        return ModelError(f"cut short or not safetensors ({error}).", where=name)
    if has(GatedRepoError):
        return ModelError(
            "its owner asks to accept terms first.",
            where=name,
            fix="Accept them on the model's page, then set HF_TOKEN.",
        )
    if has(RevisionNotFoundError):
        return ModelError("the hub has no such model.revision.", where=name)
    if has(RepositoryNotFoundError):
        return ModelError("the hub has no such model, or it is private.", where=name)
    if has(OfflineModeIsEnabled) or (has(LocalEntryNotFoundError) and is_offline_mode()):
        return ModelError(
            "not in the hub's cache on this machine, and HF_HUB_OFFLINE is set.",
            where=name,
            fix="Unset it, name a local folder, or take the embedded model.",
        )
    if has(LocalEntryNotFoundError, HfHubHTTPError, ConnectionError, TimeoutError):
        return ModelError(
            f"the hub cannot be reached ({line}).",
            where=name,
            fix="Check the connection, name a local folder, or take the demo's model, "
            "embedded:smollm2-135m-instruct.",
        )
    if "cannot be loaded with `safetensors`" in str(error):
        return ModelError(
            "on the hub its weights are only there as pickle, which can run code.",
            where=name,
            fix="Set model.revision to a converted one (often refs/pr/N), if its page offers one.",
        )
    if "trust_remote_code" in str(error):
        return ModelError(
            "it brings its own code.",
            where=name,
            fix="Read that code, then set model.trust_remote_code: true.",
        )
    return ModelError(f"cannot be loaded: {line or type(error).__name__}", where=name)

"""What the tests of generation compare: the engine, and transformers' own `generate`."""

import torch

from dubash.engine.options import GenerateOptions
from dubash.engine.transformers import TransformersEngine

NEW = 10
"""New tokens at most, unless a test says otherwise."""


def engine(loaded, ends=(), **settings):
    """An engine on the model; a tiny model never ends by itself, so `ends` names end tokens."""
    options = GenerateOptions(**{"max_new_tokens": NEW, **settings})
    return TransformersEngine(
        loaded.model, loaded.tokenizer, loaded.kind, ends or [loaded.tokenizer.eos_token_id],
        options,
    )  # fmt: skip


def own_ids(loaded, prompt, ends=(), **settings):
    """What transformers' own `generate` makes of one unpadded prompt: the new ids alone."""
    output = loaded.model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=NEW,
        eos_token_id=list(ends) or loaded.tokenizer.eos_token_id,
        pad_token_id=loaded.tokenizer.pad_token_id,
        **{"do_sample": False, **settings},
    )
    return output[0, len(prompt) if loaded.kind == "causal" else 1 :].tolist()


def read(loaded, ids):
    return loaded.tokenizer.decode(ids, skip_special_tokens=True).strip()


def texts(hypotheses):
    return [hypothesis.text for hypothesis in hypotheses]

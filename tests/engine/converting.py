"""Conversions for tests: a model of a family, its CTranslate2 engine at float32."""

import torch

from dubash.engine.choose import ChosenEngine
from dubash.engine.options import GenerateOptions
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from engine.generating import NEW


def chosen(loaded, ends=(), prefix=(), typical=(), **settings):
    """The engine that a run would take, CTranslate2 at float32 unless told otherwise."""
    options = GenerateOptions(
        **{"max_new_tokens": NEW, "compute_type": "float32", "engine": "auto", **settings}
    )
    ends = ends or [loaded.tokenizer.eos_token_id]
    return ChosenEngine(loaded, ends, options, prefix, typical=typical)


def rows_of(hypotheses):
    return [(each.text, each.stop, each.tokens) for each in hypotheses]


def rows(count=5, size=120):
    """Prompts of drawn ids, each three longer than the one before."""
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randint(3, size, (length,), generator=generator).tolist()
        for length in range(6, 6 + 3 * count, 3)
    ]


def unmended(monkeypatch, keep=()):
    """The converter as it is, but for the functions named."""
    from dubash.engine import write

    monkeypatch.setattr(write, "mend", lambda model: [each(model) for each in keep])


def with_adapters(loaded, dtype):
    """A model with adapters that change what it says."""
    model = ModelOptions(name=loaded.name, device="cpu", dtype=dtype)
    trained = load_trainable(model, MethodOptions(rank=4, alpha=8), seed=1)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in trained.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    return trained

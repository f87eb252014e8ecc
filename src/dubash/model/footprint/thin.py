"""Models of few layers and their true width: what each further layer adds is what two differ by."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dubash.model.footprint.shapes import Shape

_SIDES = (("num_layers", "num_decoder_layers"), ("encoder_layers", "decoder_layers"))
"""How encoder-decoders name their numbers of layers: T5's family, and BART's with M2M-100."""


def layer_counts(config: Any) -> dict[str, int]:
    """How many layers of each sort a model has: `encoder` and `decoder`, or by the sort of their
    attention where a configuration tells them apart (`sliding_attention`), or `layers`."""
    for encoder, decoder in _SIDES:
        if getattr(config, "is_encoder_decoder", False) and hasattr(config, encoder):
            return {"encoder": getattr(config, encoder), "decoder": getattr(config, decoder)}
    text = config.get_text_config(decoder=True)
    sorts = getattr(text, "layer_types", None)
    return dict(Counter(sorts)) if sorts else {"layers": text.num_hidden_layers}


def thinned(shape: Shape, counts: Mapping[str, int]) -> Shape:
    """The same shape with so many layers of each sort."""
    config = copy.deepcopy(shape.config)
    for encoder, decoder in _SIDES:
        if "encoder" in counts and hasattr(config, encoder):
            setattr(config, encoder, counts["encoder"])
            setattr(config, decoder, counts["decoder"])
            return replace(shape, config=config)
    text = config.get_text_config(decoder=True)
    text.num_hidden_layers = sum(counts.values())
    if getattr(text, "layer_types", None):
        text.layer_types = [sort for sort, count in counts.items() for _ in range(count)]
    return replace(shape, config=config)

"""Conversions for tests: a model of a family, its CTranslate2 engine at float32."""

from dubash.engine.choose import ChosenEngine
from dubash.engine.options import GenerateOptions
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

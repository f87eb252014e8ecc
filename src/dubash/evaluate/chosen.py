"""The metrics that a recipe asks for beside sacrebleu's, and whether all of them can run here."""

from __future__ import annotations

from dubash.core.languages import Language
from dubash.core.progress import say
from dubash.evaluate.comet import CometMetric
from dubash.evaluate.command import CommandMetric
from dubash.evaluate.measure import counted_metrics
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.rowwise import Blank, RowMetric


def row_metrics(options: EvaluateOptions) -> list[RowMetric]:
    """COMET's models and the user's own commands, in the order in which they are named."""
    comet = options.comet
    models = {"comet": comet.model, "cometkiwi": comet.reference_free}
    return [
        *(
            CometMetric(key, models[key], comet.batch_size)
            for key in options.metrics
            if key in models
        ),
        *(CommandMetric(each) for each in options.commands),
    ]


def check_metrics(target: Language, options: EvaluateOptions) -> None:
    """Say beforehand which metrics will stay blank, and why.

    Raises UserError where the BLEU tokenizer of the target language is not installed, or a
    command's program is not there. A COMET that cannot run is no error: its score stays blank, as
    it would where it fails later.
    """
    found = {**counted_metrics(target, options)}
    blanks = {key: each for key, each in found.items() if isinstance(each, Blank)}
    for other in row_metrics(options):
        if blank := other.check():
            blanks[other.key] = blank
    for key, each in blanks.items():
        say(f"  {key} will stay blank: {each.why}")

"""The source given back instead of a translation."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from dubash.core.types import Pair
from dubash.evaluate.behaviour.text import bare
from dubash.evaluate.options import BehaviourOptions

_LETTERS, _DIFFERENT = 6, 4
_ALIKE = 20
"""Letters from which a text is a copy that is only like the source: shorter ones in two languages
may be like each other ("Documents", "Documentos")."""


def is_copy(text: str, row: Pair, options: BehaviourOptions) -> bool:
    """The source given back instead of a translation, whole or inside other text.

    Compared are letters, digits and marks only, without case. Whole: the same, or from 20 letters
    on a Levenshtein similarity to the source of at least `copied_source`. Inside: a source of at
    least `copied_characters` stands in the hypothesis. Not flagged where the same holds for the
    reference: a name, a number, a word that both languages share; nor a source of fewer than 6
    letters, or of fewer than 4 different ones, that two languages may well share ("Oh, no.").
    """
    source = bare(row.source)
    return (
        len(source) >= _LETTERS
        and len(set(source)) >= _DIFFERENT
        and _copies(bare(text), source, options)
        and not _copies(bare(row.target), source, options)
    )


def _copies(text: str, source: str, options: BehaviourOptions) -> bool:
    if text == source or (len(source) >= options.copied_characters and source in text):
        return True
    least = options.copied_source
    return len(source) >= _ALIKE and (
        Levenshtein.normalized_similarity(text, source, score_cutoff=least) >= least
    )

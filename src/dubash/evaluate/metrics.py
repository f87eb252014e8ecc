"""BLEU and chrF++ as sacrebleu counts them, from its own statistics, with its own signatures.

BLEU: Papineni et al. 2002. chrF++: Popović 2017 (character 6-grams, word 2-grams, beta 2).
Signatures and comparable scores: Post 2018, "A Call for Clarity in Reporting BLEU Scores".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF

from dubash.core.errors import ComparisonError, UserError
from dubash.core.languages import Language

IntArray = NDArray[np.int64]

_LINE_BREAK = re.compile(r"\r\n|\r|\n")

_MECAB = {"ja-mecab": "pip install -e '.[ja]'", "ko-mecab": "pip install 'sacrebleu[ko]'"}


class Metric:
    """One metric of sacrebleu on one reference a row.

    A corpus score is computed from sums of per-row counts, so a resampled test set is scored
    without counting n-grams again.
    """

    def __init__(self, key: str, scorer: Any) -> None:
        """`key` is the name in `scores.json`; `scorer` a sacrebleu metric."""
        self.key, self._scorer = key, scorer
        # What sacrebleu itself sets once it has seen references; its signature asks for it.
        self._scorer.num_refs = 1

    @property
    def signature(self) -> str:
        """sacrebleu's signature, as its own command prints it."""
        return str(self._scorer.get_signature())

    def statistics(self, hypotheses: Sequence[str], references: Sequence[str]) -> IntArray:
        """The counts of each row, `[row, count]`.

        Line breaks inside a text count as blanks: a file for sacrebleu's command holds one
        segment a line. Raises ComparisonError on unequal lengths or no rows.
        """
        if len(hypotheses) != len(references):
            raise ComparisonError(
                f"{len(hypotheses)} hypotheses against {len(references)} references."
            )
        if not hypotheses:
            raise ComparisonError("there are no rows to score.")
        ours = [one_line(text) for text in hypotheses]
        theirs = [one_line(text) for text in references]
        counts = self._scorer._extract_corpus_statistics(ours, [theirs])
        return np.array(counts, dtype=np.int64)

    def score(self, totals: IntArray) -> float:
        """The corpus score, 0 to 100, of counts summed over rows, `[count]`."""
        # sacrebleu's formulas are plain Python, several times faster on a list than on an array
        return float(self._scorer._compute_score_from_stats(totals.tolist()).score)

    def sentence_scores(self, statistics: IntArray) -> list[float]:
        """The score of each row on its own. Meant for chrF++: BLEU needs a whole set."""
        return [self.score(row) for row in statistics]


def bleu_metric(target: Language) -> Metric:
    """BLEU with the tokenizer that goes with the target language.

    Raises UserError where that tokenizer is not installed: no other one takes its place.
    """
    try:
        return Metric("bleu", BLEU(tokenize=target.bleu))
    except (RuntimeError, ImportError) as error:
        command = _MECAB.get(target.bleu)
        if command is None:
            raise
        raise UserError(
            f"BLEU for {target.name} needs sacrebleu's {target.bleu} tokenizer, "
            "which is not installed.",
            fix=f"Install it: {command}",
        ) from error


def chrf_metric() -> Metric:
    """chrF++: chrF with word unigrams and bigrams, the same for every language."""
    return Metric("chrf++", CHRF(word_order=2))


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The chrF++ of a whole set, 0 to 100; raises as `Metric.statistics` does."""
    metric = chrf_metric()
    return metric.score(metric.statistics(hypotheses, references).sum(axis=0))


def one_line(text: str) -> str:
    """The text as one line: each line break a blank, nothing blank at its end."""
    return _LINE_BREAK.sub(" ", text).rstrip()

"""BLEU, chrF++ and TER as sacrebleu counts them, from its own statistics, with its own signatures.

BLEU: Papineni et al. 2002. chrF++: Popović 2017 (character 6-grams, word 2-grams, beta 2). TER:
Snover et al. 2006 (edits and shifts of words for 100 reference words; lower is better).
Signatures and comparable scores: Post 2018, "A Call for Clarity in Reporting BLEU Scores".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER

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

    def __init__(self, key: str, scorer: Any, higher_is_better: bool = True) -> None:
        """`key` is the name in `scores.json`; `scorer` a sacrebleu metric."""
        self.key, self._scorer, self.higher_is_better = key, scorer, higher_is_better
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
        return self.statistics_of([hypotheses], references)[0]

    def statistics_of(
        self, systems: Sequence[Sequence[str]], references: Sequence[str]
    ) -> list[IntArray]:
        """The same for several systems: a reference is looked at once, and so is a hypothesis
        that several systems have for a row."""
        for texts in systems:
            if len(texts) != len(references):
                raise ComparisonError(
                    f"{len(texts)} hypotheses against {len(references)} references."
                )
        if not references:
            raise ComparisonError("there are no rows to score.")
        rows = [[*enumerate(map(one_line, texts))] for texts in systems]
        different = list(dict.fromkeys(each for texts in rows for each in texts))
        known = self._scorer._cache_references([[one_line(text) for text in references]])
        self._scorer._ref_cache = [known[row] for row, _ in different]
        counts = self._scorer._extract_corpus_statistics([text for _, text in different], None)
        self._scorer._ref_cache = None
        found = dict(zip(different, counts, strict=True))
        return [np.array([found[each] for each in texts], dtype=np.int64) for texts in rows]

    def score(self, totals: NDArray[Any]) -> float:
        """The corpus score of counts summed over rows, `[count]`: 0 to 100, TER also above."""
        # sacrebleu's formulas are plain Python, several times faster on a list than on an array
        return float(self._scorer._compute_score_from_stats(totals.tolist()).score)

    def single_precision_scores(self, totals: NDArray[np.float32]) -> NDArray[Any]:
        """The same of several sums, `[set, count]`, with sacrebleu's formula left in single
        precision where it is, as sacrebleu itself scores drawn sets."""
        return np.array([self._scorer._compute_score_from_stats(each).score for each in totals])

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


def ter_metric(target: Language) -> Metric | None:
    """TER as Tercom counts it, without case; with its splitting of characters for Chinese and
    Japanese. None for a language without spaces that Tercom cannot split: TER counts words."""
    if target.bleu == "char":
        return None
    asian = target.bleu in ("zh", "ja-mecab")
    return Metric("ter", TER(normalized=asian, asian_support=asian), higher_is_better=False)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The chrF++ of a whole set, 0 to 100; raises as `Metric.statistics` does."""
    metric = chrf_metric()
    return metric.score(metric.statistics(hypotheses, references).sum(axis=0))


def one_line(text: str) -> str:
    """The text as one line: each line break a blank, nothing blank at its end."""
    return _LINE_BREAK.sub(" ", text).rstrip()

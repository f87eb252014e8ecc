"""The untuned model asked with a few training rows before the question: its best fair chance.

A tuned model has seen the training rows, so a comparison with a base that saw none of them would
credit tuning with what three examples in the prompt may do (Brown et al. 2020, arXiv:2005.14165).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from dubash.core.files import sha256_text
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template, Tokenizer

MOST_CHARACTERS = 200
"""Of either side of a shot: longer rows would crowd out the question."""


def choose(rows: Sequence[Pair], count: int, seed: int) -> list[Pair]:
    """`count` training rows of usual length, drawn by the seed whatever their order.

    Usual is between half and twice the median length of the sources, at most `MOST_CHARACTERS`;
    where too few rows are, any will do.
    """
    usual = median([len(row.source) for row in rows]) if rows else 0
    fit = [
        row
        for row in rows
        if usual / 2 <= len(row.source) <= min(2 * usual, MOST_CHARACTERS)
        and len(row.target) <= MOST_CHARACTERS
    ]
    enough = fit if len(fit) >= count else rows
    return sorted(enough, key=lambda row: sha256_text(str(seed), row.source, row.target))[:count]


class FewShot(Template):
    """A template whose prompts begin with answered questions, the same ones each time."""

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        pair: LanguagePair,
        task: str,
        shots: Sequence[Pair],
    ) -> None:
        """For decoder-only models: an encoder-decoder's prompt has no place for answers.

        Raises as `Template` does.
        """
        super().__init__(options, tokenizer, "causal", pair, task)
        self.answered = tuple((self._ask(each.source), self.neutral(each.target)) for each in shots)

    def prompt_text(self, source: str) -> str:
        """The whole prompt as text: the shots with their answers, then the question."""
        asked = super().prompt_text(source)
        if self.style == "chat":
            return asked
        lead = self._plain_lead()
        return "".join(f"{ask}{lead}{answer}\n\n" for ask, answer in self.answered) + asked

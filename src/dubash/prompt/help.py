"""Prompts with help: similar segments with their translations, and terms, as quoted data.

Each text stands in quotation marks as JSON has it, so that nothing in a memory or a glossary can
end its line or speak to the model as we do; what spells a control token is broken up, as in every
source. Showing a match to the model, and tuning it on rows that show theirs, both raise quality
(Bulte & Tezcan 2019; Moslem et al. 2023, arXiv:2301.13294; Vieira et al. 2024, arXiv:2409.03454).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from dubash.core.errors import RecipeError
from dubash.core.languages import LanguagePair
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template, Tokenizer

MATCHES = "Similar translations:"
TERMS = "Terms:"
"""What stands above the lines of matches, and of terms."""


@dataclass(frozen=True, slots=True)
class Help:
    """What the model is shown with a source: pairs of source and target, the best match first."""

    matches: Sequence[tuple[str, str]] = ()
    terms: Sequence[tuple[str, str]] = ()


class HelpedTemplate(Template):
    """A template that puts what `find` has for a source before it, within `tokens`."""

    _find: Callable[[str], Help] | None = None
    """None while the template finds out what the model's own template is like."""

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        kind: Literal["causal", "seq2seq"],
        pair: LanguagePair,
        task: str,
        find: Callable[[str], Help],
        tokens: int,
    ) -> None:
        """Raises RecipeError for a model that translates all it is given, and as `Template`."""
        super().__init__(options, tokenizer, kind, pair, task)
        if self._language_tokens:
            raise RecipeError(
                "this model translates whatever it is given, so that it cannot be shown anything.",
                where="retrieval", fix="Leave retrieval out, or take another model.",
            )  # fmt: skip
        self._find, self._tokens = find, tokens

    def shown(self, source: str) -> Help:
        """What of the help for a source goes into the budget: terms first, then matches."""
        found = self._find(source) if self._find else Help()
        left = self._tokens if self._find else 0
        kept: list[list[tuple[str, str]]] = []
        for title, pairs in ((TERMS, found.terms), (MATCHES, found.matches)):
            fitting: list[tuple[str, str]] = []
            for pair in pairs:
                line = f"{self._line(pair)}\n"
                needed = len(self._bare(line if fitting else f"{title}\n{line}"))
                if needed <= left:
                    left -= needed
                    fitting.append(pair)
            kept.append(fitting)
        terms, matches = kept
        return Help(matches, terms)

    def _ask(self, source: str) -> str:
        """The terms stand next to the source."""
        asked, kept = super()._ask(source), self.shown(source)
        lines = [
            line
            for title, pairs in ((MATCHES, kept.matches), (TERMS, kept.terms))
            if pairs
            for line in (title, *map(self._line, pairs))
        ]
        return "\n".join([*lines, asked])

    def _line(self, pair: tuple[str, str]) -> str:
        return " = ".join(json.dumps(self.neutral(side), ensure_ascii=False) for side in pair)

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

    def _ask(self, source: str) -> str:
        asked = super()._ask(source)
        if self._find is None:
            return asked
        lines = self._lines(self._find(source))
        return "\n".join([*lines, asked]) if lines else asked

    def _lines(self, found: Help) -> list[str]:
        """The lines that go into the budget: terms first, then matches; written the other way
        round, so that the terms stand next to the source."""
        left = self._tokens
        kept: list[list[str]] = []
        for title, pairs in ((TERMS, found.terms), (MATCHES, found.matches)):
            lines: list[str] = []
            for pair in pairs:
                line = " = ".join(
                    json.dumps(self.neutral(side), ensure_ascii=False) for side in pair
                )
                needed = len(self._bare(f"{line}\n" if lines else f"{title}\n{line}\n"))
                if needed <= left:
                    left -= needed
                    lines.append(line)
            kept.append([title, *lines] if lines else [])
        terms, matches = kept
        return matches + terms

"""A conversation with a model: what was said before stands before the question."""

from __future__ import annotations

from typing import Literal

from dubash.core.languages import LanguagePair
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template, Tokenizer


class Conversation(Template):
    """A template that remembers its turns, for chat models; others are asked anew each time."""

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        kind: Literal["causal", "seq2seq"],
        pair: LanguagePair,
        task: str,
    ) -> None:
        """Raises as `Template` does."""
        self._said: list[tuple[str, str]] = []  # none while the template finds out about itself
        super().__init__(options, tokenizer, kind, pair, task)

    @property
    def turns(self) -> int:
        """How many questions and answers are remembered."""
        return len(self._said)

    def remember(self, source: str, answer: str) -> None:
        """Keep a question with its answer."""
        if self.style == "chat":
            self._said.append((self._ask(source), self.neutral(answer)))

    def forget(self, oldest: bool = False) -> None:
        """Forget everything, or the oldest turn alone."""
        del self._said[: 1 if oldest else None]

    def _turns_before(self) -> list[dict[str, str]]:
        return [
            {"role": role, "content": text}
            for asked, answer in self._said
            for role, text in (("user", asked), ("assistant", answer))
        ]

"""A conversation with a model: what was said before stands before the question."""

from __future__ import annotations

from dubash.prompt.template import Template


class Conversation(Template):
    """A template that remembers its turns, for chat models; others are asked anew each time."""

    @property
    def turns(self) -> int:
        """How many questions and answers are remembered."""
        return len(self.answered)

    def remember(self, source: str, answer: str) -> None:
        """Keep a question with its answer."""
        if self.style == "chat":
            self.answered += ((self._ask(source), self.neutral(answer)),)

    def forget(self, oldest: bool = False) -> None:
        """Forget everything, or the oldest turn alone."""
        self.answered = self.answered[1:] if oldest else ()

"""The template of monolingual text: nothing is asked, the model reads on from its beginning."""

from __future__ import annotations

from typing import Literal

from dubash.core.errors import RecipeError
from dubash.core.languages import LanguagePair
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Template, Tokenizer


class TextTemplate(Template):
    """Renders a text as: the beginning token as prompt, the text as target, the end token.

    Where the tokenizer has no beginning token, the end token stands before the text, as it does
    between two documents of a pretraining corpus. The text's ids are those that the tokenizer
    gives it on its own.
    """

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        kind: Literal["causal", "seq2seq"],
        pair: LanguagePair,
        task: str = "text",
    ) -> None:
        """Raises RecipeError for an encoder-decoder, and PreflightError where the tokenizer has
        no end token.
        """
        if kind == "seq2seq":
            raise RecipeError(
                "task: text continues one text, but this model is an encoder-decoder.",
                where="task",
                fix="Take a decoder-only model.",
            )
        plain = options.model_copy(update={"style": "plain", "system": None, "text": "{source}"})
        super().__init__(plain, tokenizer, kind, pair, task)

    def prompt_ids(self, source: str) -> list[int]:
        """The one token before any text; the source is empty and not looked at."""
        begin = self.tokenizer.bos_token_id
        return [self.end_id if begin is None else int(begin)]

    def prompt_text(self, source: str) -> str:
        """That token as it is written."""
        return str(self.tokenizer.convert_ids_to_tokens(self.prompt_ids(source)[0]))

    def _find_join(self, lead: str) -> tuple[str, str]:
        return "", ""  # a text of its own follows nothing

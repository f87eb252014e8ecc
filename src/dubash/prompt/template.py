"""The one template: a source segment becomes token ids, the same ones in training and serving.

An example is built from spans, never by tokenizing two strings and subtracting: the prompt's ids
are those that serving hands the model; the target is tokenized on its own; the end token is the
one with which the template itself closes the assistant's turn. The three are joined as ids, so
each boundary is exact and the training prompt is the serving prompt by construction. Preflight
checks it all the same, on what really reaches the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from dubash.core.errors import PreflightError, RecipeError
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.prompt.options import DEFAULT_TEXT, PromptOptions

Tokenizer = Any
"""A transformers tokenizer. This room never imports transformers: it is handed one."""

Style = Literal["chat", "plain", "seq2seq"]

# A target that no text holds, to find where the template puts the real one.
_MARK = "⁂target⁂"


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: `prompt` is what is served, `target` ends with the end token."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    origin: str

    @property
    def longest(self) -> int:
        """Tokens of a decoder-only model's row: prompt, target and end."""
        return len(self.prompt) + len(self.target)


class Template:
    """Renders prompts and examples for one tokenizer, one language pair and one task."""

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        kind: Literal["causal", "seq2seq"],
        pair: LanguagePair,
        task: str,
    ) -> None:
        """Raises RecipeError where the style does not go with the model."""
        self.options, self.tokenizer, self.kind = options, tokenizer, kind
        self.style: Style = _choose_style(options, tokenizer, kind)
        text = options.text or ("{source}" if task == "instruction" else DEFAULT_TEXT[self.style])
        self._languages = {
            "source_language": pair.source.name,
            "target_language": pair.target.name,
        }
        self.text = _fill(text, self._languages)
        self.system = _fill(options.system, self._languages) if options.system else None
        specials = sorted(set(tokenizer.all_special_tokens), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, specials))) if specials else None
        self.end_id: int = self._find_end()
        self._target_lead = self._find_target_lead()

    # -- texts ---------------------------------------------------------------------------------

    def neutral(self, text: str) -> str:
        """The text with a blank put into whatever spells a special token of the model.

        Without it a source that says `<|im_end|>` would end its own turn.
        """
        if self._special is None:
            return text
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def prompt_text(self, source: str) -> str:
        """The whole prompt as text, as the model is served it."""
        user = _fill(self.text, {"source": self.neutral(source)})
        return self._chat(user, None) if self.style == "chat" else user

    def _chat(self, user: str, assistant: str | None) -> str:
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages.append({"role": "user", "content": user})
        if assistant is not None:
            messages.append({"role": "assistant", "content": assistant})
        try:
            text: str = self.tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                add_generation_prompt=assistant is None,
                enable_thinking=False,
            )
        except Exception as error:  # the template is the model's own Jinja code: anything may come
            raise PreflightError(
                f"the model's chat template refuses this conversation ({error}).",
                where="prompt.system" if self.system else "prompt.style",
                fix="Leave prompt.system out, or set prompt.style: plain.",
            ) from error
        return text

    # -- ids -----------------------------------------------------------------------------------

    def prompt_ids(self, source: str) -> list[int]:
        """The ids that the model is served, `[time]`, without padding."""
        text = self.prompt_text(source)
        # a chat template writes the beginning token itself
        ids: list[int] = self.tokenizer(text, add_special_tokens=self.style != "chat").input_ids
        if self.style == "plain" and ids and ids[-1] == self.tokenizer.eos_token_id:
            return ids[:-1]
        return ids

    def target_ids(self, target: str) -> list[int]:
        """The target's ids with the end token, `[time]`."""
        text = self._target_lead + self.neutral(target)
        return [*self._bare(text), self.end_id]

    def example(self, pair: Pair) -> Example:
        """The pair as it is trained on."""
        return Example(
            tuple(self.prompt_ids(pair.source)), tuple(self.target_ids(pair.target)), pair.origin
        )

    def fits(self, example: Example) -> bool:
        """Whether the example is within `max_tokens`; longer ones are set aside, never cut."""
        limit = self.options.max_tokens
        if self.kind == "seq2seq":
            return len(example.prompt) <= limit and len(example.target) <= limit
        return example.longest <= limit

    def labels(self, source: str) -> list[str]:
        """Pieces of the prompt that have no business in a hypothesis, besides the source."""
        pieces = [line.strip() for line in self.text.replace("{source}", "\n").splitlines()]
        specials = [str(token) for token in self.tokenizer.all_special_tokens]
        return [piece for piece in pieces if len(piece) > 3 and piece not in source] + specials

    def _bare(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _find_end(self) -> int:
        """The token that closes the answer: from the template's own span after the target."""
        if self.style == "chat":
            _, mark, closing = self._chat("?", _MARK).rpartition(_MARK)
            if not mark:
                raise PreflightError(
                    "the model's chat template loses the assistant's text.",
                    where="prompt.style",
                    fix="Set prompt.style: plain.",
                )
            special = set(self.tokenizer.all_special_ids)
            special |= set(getattr(self.tokenizer, "added_tokens_decoder", {}))
            for token in self._bare(closing):
                if token in special:
                    return token
        end = self.tokenizer.eos_token_id
        if end is None:
            raise PreflightError(
                "the tokenizer has no end token, so the model could never learn to stop.",
                where="model.name",
                fix="Choose a model whose tokenizer has an eos_token.",
            )
        return int(end)

    def _find_target_lead(self) -> str:
        """A blank before the target where the plain prompt ends without one.

        Some tokenizers put that blank there themselves; which it is shows in what the joined
        ids decode to.
        """
        if self.style != "plain" or self.text.endswith(("{source}", " ", "\n", "\t")):
            return ""
        prompt = self.prompt_ids("x")
        wanted = self.tokenizer.decode([*prompt, *self._bare(" x")], skip_special_tokens=True)
        bare = self.tokenizer.decode([*prompt, *self._bare("x")], skip_special_tokens=True)
        natural = self.prompt_text("x") + " x"
        return "" if bare == natural and wanted != natural else " "


def _fill(text: str, values: dict[str, str]) -> str:
    """Put values in place of placeholders, in one pass, so that a value is never read again."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _choose_style(options: PromptOptions, tokenizer: Tokenizer, kind: str) -> Style:
    has_template = bool(getattr(tokenizer, "chat_template", None))
    style = options.style
    if style == "auto":
        style = "seq2seq" if kind == "seq2seq" else "chat" if has_template else "plain"
    if (style == "seq2seq") != (kind == "seq2seq"):
        raise RecipeError(
            f"prompt.style {style} does not go with a {kind} model.",
            where="prompt.style",
            fix="Leave it at auto.",
        )
    if style == "chat" and not has_template:
        raise RecipeError(
            "the model's tokenizer has no chat template.",
            where="prompt.style",
            fix="Set prompt.style: plain.",
        )
    if options.system and style != "chat":
        raise RecipeError(
            f"a system message needs the chat style; this model is asked in {style} style.",
            where="prompt.system",
            fix="Put it into prompt.text.",
        )
    return style

"""The one template: a source segment becomes token ids, the same ones in training and serving.

An example is built from spans, never by tokenizing two strings and subtracting: the prompt's ids
are those that serving hands the model; the target is tokenized on its own; the end token is the
one with which the template itself closes the assistant's turn. The three are joined as ids, so
each boundary is exact and the training prompt is the serving prompt by construction. Preflight
checks it all the same, on what really reaches the model.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from dubash.core.errors import PreflightError
from dubash.core.languages import LanguagePair
from dubash.core.types import Pair
from dubash.prompt.codes import language_tokens
from dubash.prompt.options import DEFAULT_TEXT, PromptOptions
from dubash.prompt.style import Style, choose_style

Tokenizer = Any
"""A transformers tokenizer. This room never imports transformers: it is handed one."""

# Texts that no template holds, to find where it puts the real ones.
_SOURCE_MARK, _TARGET_MARK = "⁂source⁂", "⁂target⁂"


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: `prompt` is what is served, `target` ends with the end token.

    A multilingual encoder-decoder's target begins with its `decoder_prefix`, served too.
    """

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    origin: str

    @property
    def longest(self) -> int:
        """Tokens of a decoder-only model's row: prompt, target and end."""
        return len(self.prompt) + len(self.target)


class Template:
    """Renders prompts and examples for one tokenizer, one language pair and one task."""

    answered: tuple[tuple[str, str], ...] = ()
    """Questions with their answers that stand before the question; none in training."""

    def __init__(
        self,
        options: PromptOptions,
        tokenizer: Tokenizer,
        kind: Literal["causal", "seq2seq"],
        pair: LanguagePair,
        task: str,
    ) -> None:
        """Raises RecipeError where the style or the mask does not go with the model or the model
        lacks a language, and PreflightError where its chat template or its tokenizer cannot make
        a right example.
        """
        self.options, self.tokenizer, self.kind = options, tokenizer, kind
        self.style: Style = choose_style(options, tokenizer, kind)
        self._language_tokens = language_tokens(tokenizer, pair) if kind == "seq2seq" else None
        said = task == "instruction" or self._language_tokens  # what is asked, without our words
        text = options.text or ("{source}" if said else DEFAULT_TEXT[self.style])
        self._languages = {
            "source_language": pair.source.name,
            "target_language": pair.target.name,
        }
        self.text = _fill(text, self._languages)
        self.system = _fill(options.system, self._languages) if options.system else None
        lead, closing = self._turn() if self.style == "chat" else (self._plain_lead(), "")
        self._control = self._find_control()
        self.end_id: int = self._find_end(closing)
        self._control[str(tokenizer.convert_ids_to_tokens(self.end_id))] = self.end_id
        longest_first = sorted(self._control, key=len, reverse=True)
        self._spelled = re.compile("|".join(map(re.escape, longest_first)))
        self._anchor, self._lead = self._find_join(lead)

    @property
    def stop_ids(self) -> frozenset[int]:
        """The tokens that generation stops at: the trained end token, and the model's own."""
        return frozenset({self.end_id, self.tokenizer.eos_token_id} - {None})

    @property
    def decoder_prefix(self) -> tuple[int, ...]:
        """What serving makes the decoder begin with, after its start token: the target language's
        token of a multilingual encoder-decoder; empty for all others.

        In training the same ids begin the target, and the loss sees them, as transformers has it.
        """
        return (self._language_tokens.target,) if self._language_tokens else ()

    # -- texts ---------------------------------------------------------------------------------

    def neutral(self, text: str) -> str:
        """The text with a blank put into whatever spells a control token of the model.

        Without it a source that says `<|im_end|>` would end its own turn.
        """
        kept = self._break(text)
        # Some tokenizers make full-width letters plain first, and `＜/s＞` becomes `</s>`.
        plain = unicodedata.normalize("NFKC", kept)
        if self._spelled.search(plain):
            meant = {*self._control.values()} - {self.tokenizer.unk_token_id}
            return self._break(plain) if meant & {*self._bare(kept)} else kept
        return kept

    def _break(self, text: str) -> str:
        while found := self._spelled.search(text):  # breaking one may leave another that overlaps
            word = found[0].strip()
            first = word[0] if len(word) > 1 else ""  # a token of one letter gives way to a blank
            text = f"{text[: found.start()]}{first} {word[1:]}{text[found.end() :]}"
        return text

    def prompt_text(self, source: str) -> str:
        """The whole prompt as text, as the model is served it."""
        user = self._ask(source)
        return self._chat(user, None) if self.style == "chat" else user

    def _ask(self, source: str) -> str:
        return _fill(self.text, {"source": self.neutral(source)})

    def _turns_before(self) -> list[dict[str, str]]:
        """Messages between the system's and the question."""
        return [
            {"role": role, "content": text}
            for asked, answer in self.answered
            for role, text in (("user", asked), ("assistant", answer))
        ]

    def _chat(self, user: str, assistant: str | None, open_turn: bool = True) -> str:
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages += [*self._turns_before(), {"role": "user", "content": user}]
        if assistant is not None:
            messages.append({"role": "assistant", "content": assistant})
        try:
            text: str = self.tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                add_generation_prompt=open_turn and assistant is None,
                enable_thinking=False,
            )
        except Exception as error:  # the template is the model's own Jinja code: anything may come
            raise PreflightError(
                f"the model's chat template refuses this conversation ({error}).",
                where="prompt.system" if self.system else "prompt.style",
                fix="Leave prompt.system out, or set prompt.style: plain.",
            ) from error
        opened = text.rstrip()
        if assistant is None and opened.endswith("<think>"):
            # it always thinks, whatever is said: the answer itself is what is trained and served
            return f"{opened}\n\n</think>\n\n"
        return text

    # -- ids -----------------------------------------------------------------------------------

    def prompt_ids(self, source: str) -> list[int]:
        """The ids that the model is served, `[time]`, without padding."""
        text = self.prompt_text(source)
        if self._language_tokens:  # as its tokenizer would, were it told the source language
            return [self._language_tokens.source, *self._bare(text), self.end_id]
        # a chat template writes the beginning token itself
        ids: list[int] = self.tokenizer(text, add_special_tokens=self.style != "chat").input_ids
        if self.style == "plain" and ids and ids[-1] == self.tokenizer.eos_token_id:
            return ids[:-1]
        return ids

    def target_ids(self, target: str) -> list[int]:
        """The target's ids with the decoder's prefix and the end token, `[time]`."""
        target_ids = self._after(self._anchor, self._lead + self.neutral(target))
        return [*self.decoder_prefix, *target_ids, self.end_id]

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

    def _bare(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids

    def _after(self, anchor: str, text: str) -> list[int]:
        """The ids of `text` as it is written behind `anchor`, by the tokenizer's own spans."""
        if anchor:
            found = self.tokenizer(
                anchor + text, add_special_tokens=False, return_offsets_mapping=True
            )
            spans, edge = found.offset_mapping, len(anchor)
            if not any(start < edge < end for start, end in spans):  # no token holds both
                ids = zip(found.input_ids, spans, strict=True)
                return [token for token, (_, end) in ids if end > edge]
        return self._bare(text)

    # -- what the template and the tokenizer are like ------------------------------------------

    def _turn(self) -> tuple[str, str]:
        """What the chat template writes before the answer, past the prompt, and after it."""
        head, mark, closing = self._chat(_SOURCE_MARK, _TARGET_MARK).rpartition(_TARGET_MARK)
        served = self._chat(_SOURCE_MARK, None)
        lost = [
            words
            for words, there in (
                ("system message", (self.system or "").strip() in served),
                ("user's text", _SOURCE_MARK in served),
                ("assistant's text", bool(mark)),
            )
            if not there
        ]
        if lost:
            raise PreflightError(
                f"the model's chat template loses the {lost[0]}.",
                where="prompt.system" if lost[0].startswith("system") else "prompt.style",
                fix="Put it into prompt.text."
                if lost[0].startswith("system")
                else "Set prompt.style: plain.",
            )
        lead = head.removeprefix(served) if head.startswith(served) else ""
        if lead.strip() and served == self._chat(_SOURCE_MARK, None, open_turn=False):
            raise PreflightError(
                "training prompt ≠ serving prompt: the model's chat template knows no generation "
                f"prompt, so that serving would leave out {lead!r}.",
                where="prompt.style",
                fix="Mend the chat template, or set prompt.style: plain.",
            )
        return ("" if lead.strip() else lead), closing

    def _plain_lead(self) -> str:
        """What parts the target from a plain prompt that does not end with white space itself."""
        if self.style != "plain" or self.text.endswith((" ", "\n", "\t")):
            return ""
        return "\n" if self.text.endswith("{source}") else " "

    def _find_control(self) -> dict[str, int]:
        """The tokens that mean something to the model besides their letters, with their ids.

        Added tokens are among them if they are special or the chat template writes them; others
        are ordinary words (Gemma adds runs of blanks and HTML tags).
        """
        tokenizer = self.tokenizer
        found = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
        written = str(getattr(tokenizer, "chat_template", None) or "")
        for token, added in tokenizer.added_tokens_decoder.items():
            words = str(added.content)
            if added.special or (words.strip() and words in written):
                found[words] = token
        return {str(words): int(token) for words, token in found.items() if words.strip()}

    def _find_end(self, closing: str) -> int:
        """The token that closes the answer: from the template's own span after the target."""
        added = {*self._control.values(), *self.tokenizer.added_tokens_decoder}
        for token in self._bare(closing):
            if token in added and self.tokenizer.decode([token]).strip():
                return token
        end = self.tokenizer.eos_token_id
        if end is None:
            raise PreflightError(
                "the tokenizer has no end token, so the model could never learn to stop.",
                where="model.name",
                fix="Choose a model whose tokenizer has an eos_token.",
            )
        return int(end)

    def _find_join(self, lead: str) -> tuple[str, str]:
        """How to tokenize a target so that prompt and target decode to one natural text.

        Most tokenizers take the target as it is, after its lead. SentencePiece's put a blank
        before any text: it is the lead itself where that is a blank, and is kept away by an
        anchor where it is not. Which it is shows in what the joined ids decode to.
        """
        if self.kind == "seq2seq":
            return "", ""
        prompt, natural = self.prompt_ids("x"), self.prompt_text("x")[-3:] + lead + "x"
        for anchor, text in (("", lead), ("", ""), ("\n", lead)):
            joined = self.tokenizer.decode(
                [*prompt, *self._after(anchor, text + "x")], clean_up_tokenization_spaces=False
            )
            if joined.endswith(natural):
                return anchor, text
        return "", lead


def _fill(text: str, values: dict[str, str]) -> str:
    """Put values in place of placeholders, in one pass, so that a value is never read again."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)

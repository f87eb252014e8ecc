"""How a model is asked: which style its kind and its tokenizer allow."""

from __future__ import annotations

from typing import Any, Literal

from dubash.core.errors import RecipeError
from dubash.prompt.options import PromptOptions

Style = Literal["chat", "plain", "seq2seq"]


def choose_style(options: PromptOptions, tokenizer: Any, kind: str) -> Style:
    """The style that the options come to with this model, of kind `causal` or `seq2seq`.

    Raises RecipeError for a style, a mask or a system message that does not go with it.
    """
    if kind == "seq2seq" and options.mask == "full":
        raise RecipeError(
            "mask full does not go with an encoder-decoder, whose decoder sees the target only.",
            where="prompt.mask",
            fix="Leave it out.",
        )
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

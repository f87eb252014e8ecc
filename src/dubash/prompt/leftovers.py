"""What of a prompt may be left over in a translation, and never belongs there."""

from __future__ import annotations

import re

from dubash.prompt.template import Template

_MARK = "⁂source⁂"  # a text that no prompt holds
_SHORTEST = 4
"""Characters of the shortest line that tells a leftover from an ordinary word."""


def leftovers(template: Template) -> list[str]:
    """Pieces of the prompt that have no business in a hypothesis, each once.

    They are the lines of the prompt's text, what a chat template writes around it (the system
    message, the names of the roles, without their colon), and the special tokens.
    """
    tokenizer = template.tokenizer
    specials = [str(token) for token in tokenizer.all_special_tokens]
    pieces = _lines(template.text.replace("{source}", "\n"))
    if template.style == "chat":
        tokens = {
            *specials,
            *(str(each.content) for each in tokenizer.added_tokens_decoder.values()),
        }
        longest_first = sorted((each for each in tokens if each.strip()), key=len, reverse=True)
        control = re.compile("|".join(map(re.escape, [_MARK, *longest_first])))
        around = _lines(control.sub("\n", template.prompt_text(_MARK)))
        pieces += [line.removesuffix(":").strip() for line in around if line not in pieces]
    return [*dict.fromkeys(piece for piece in pieces if len(piece) >= _SHORTEST), *specials]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]

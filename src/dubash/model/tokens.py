"""What dubash asks of a tokenizer before it is used."""

from __future__ import annotations

from typing import Any

from dubash.core.progress import say

# What the makers of vocabularies call tokens that mean nothing, the likeliest first.
_SPARE = ("pad", "reserved", "unused", "extra")


def prepare_tokenizer(tokenizer: Any) -> Any:
    """Give the tokenizer a padding token where it has none; returns the tokenizer.

    An unused special token of the vocabulary is taken; failing that the unknown token, then the
    end token. The mask never goes by the padding token's id, so even that one is safe here.
    """
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = _spare_token(tokenizer)
        say(f"  the tokenizer has no padding token; '{tokenizer.pad_token}' is taken")
    return tokenizer


def _spare_token(tokenizer: Any) -> str:
    used = {tokenizer.bos_token, tokenizer.eos_token}
    specials = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    for word in _SPARE:
        for token in specials:
            if word in token.lower() and token not in used:
                return str(token)
    if tokenizer.unk_token is not None and tokenizer.unk_token not in used:
        return str(tokenizer.unk_token)
    return str(tokenizer.eos_token)

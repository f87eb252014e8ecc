"""A tokenizer's vocabulary, read from its tokenizer.json, and cut so that text stays what it was.

Why a cut tokenizer gives the same tokens wherever all of the original's are kept:

BPE joins, again and again, the adjacent pair of the lowest rank, leftmost first. What it joins
inside the span of a token of the result depends on that span alone, since nothing was ever joined
over its ends; so a token has one derivation, and every piece on that way is kept (`close`). Each
step of the original run is then still possible, and being the best of all merges it is the best of
those that are left, whose order has not changed.

Unigram takes the segmentation with the largest sum of scores (Kudo 2018, arXiv:1804.10959). A path
that was the best of all is the best of those that are left.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from dubash.core.errors import ModelError
from dubash.model.scripts import scripts_in

BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""The pieces into which byte fallback breaks a character that has no piece of its own."""

_BLANKS = " ▁\t\n\r"


UNCUT = "Leave model.trim out: it is tuned with its whole vocabulary."
"""What to do about a model that cannot be cut."""


class Vocabulary:
    """The pieces of a fast tokenizer by id, which of them must stay, and the cut.

    `pieces` are the model's own, `added` what was added to it (control tokens, often among the
    pieces too).
    """

    def __init__(self, content: dict[str, Any], where: str) -> None:
        """`content` is a tokenizer.json. Raises ModelError for a kind that cannot be cut."""
        self.content, model = content, content["model"]
        self.kind = str(model.get("type"))
        if self.kind not in ("BPE", "Unigram"):
            raise ModelError(
                f"its tokenizer is {self.kind}; only BPE and Unigram are cut.", where=where,
                fix=UNCUT,
            )  # fmt: skip
        if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
            raise ModelError(
                "its tokenizer marks the parts of words, as none cut here.", where=where,
                fix=UNCUT,
            )  # fmt: skip
        if self.kind == "BPE":
            self.pieces = {int(token): str(piece) for piece, token in model["vocab"].items()}
        else:
            self.pieces = {token: str(piece) for token, (piece, _) in enumerate(model["vocab"])}
        self.ids = {piece: token for token, piece in self.pieces.items()}
        self.added: dict[int, dict[str, Any]] = {
            each["id"]: each for each in content["added_tokens"]
        }
        self.byte_level = '"type": "ByteLevel"' in json.dumps(content.get("decoder"))
        self._has_bytes = all(byte in self.ids for byte in BYTES)
        self.derivation = cache(self._derivation)

    def __len__(self) -> int:
        return len(self.pieces.keys() | self.added.keys())

    @property
    def lacks_fallback(self) -> bool:
        """Whether its Unigram holds pieces for all bytes, which nothing falls back to: what
        transformers makes of mT5's tokenizer. The cut one does (`cut`)."""
        return self.kind == "Unigram" and self._has_bytes and not self._falls_back

    @property
    def never_unknown(self) -> bool:
        """Whether the cut tokenizer knows all text; otherwise what the original knew."""
        return self.byte_level or self._falls_back or self.lacks_fallback

    @property
    def _falls_back(self) -> bool:
        return self._has_bytes and bool(self.content["model"].get("byte_fallback"))

    def text(self, token: int) -> str | None:
        """What a piece stands for; None for part of a character or what is no piece."""
        piece = self.pieces.get(token)
        if piece is None or token in self.added or piece in self._byte_pieces:
            return None
        if not self.byte_level:
            return piece.replace("▁", " ")
        try:
            return bytes(_BYTE_OF[character] for character in piece).decode("utf-8")
        except (KeyError, UnicodeDecodeError):
            return None

    @cached_property
    def _byte_pieces(self) -> frozenset[str]:
        return frozenset(BYTES) if self._has_bytes else frozenset()

    # -- what must stay --------------------------------------------------------------------------

    def atoms(self) -> set[int]:
        """The pieces without which text that was known would become unknown or another.

        Bytes where everything falls back to them; else every single character, and of Unigram's
        pieces every one with a character that has none of its own. Special tokens, added runs of
        blanks, the post-processor's tokens. The piece with Unigram's worst score, which an
        unknown's is reckoned from.
        """
        stay = {
            token
            for token, each in self.added.items()
            if each["special"] or not each["content"].strip(_BLANKS)
        }
        stay |= _ids_in(self.content.get("post_processor"))
        if self._has_bytes:
            stay |= {self.ids[byte] for byte in BYTES}
        if self.byte_level or not (self._falls_back or self.lacks_fallback):
            stay |= {token for token, piece in self.pieces.items() if len(piece) == 1}
        if self.kind == "Unigram" and not self.never_unknown:
            stay |= {
                token
                for token, piece in self.pieces.items()
                if any(character not in self.ids for character in piece)
            }
        model = self.content["model"]
        if model.get("unk_token") in self.ids:
            stay.add(self.ids[model["unk_token"]])
        if self.kind == "Unigram":
            scores = [score for _, score in model["vocab"]]
            stay.add(scores.index(min(scores)))
            stay |= {model["unk_id"]} - {None}
            stay |= {self.ids["▁"]} if "▁" in self.ids else set()
        return stay

    def close(self, kept: Iterable[int]) -> set[int]:
        """The tokens with all that BPE makes on its way to each of them."""
        closed, found = set(), set(kept)
        while found:
            closed |= found
            found = {each for token in found for each in self.derivation(token) or ()} - closed
        return closed

    def is_character(self, token: int) -> bool:
        """Whether a piece is a single character, blanks aside."""
        return len((self.text(token) or "").strip()) == 1

    def of_scripts(self, scripts: Iterable[str], *, letters: bool = False) -> list[int]:
        """The pieces whose letters all belong to these scripts, in order of their ids, which is
        that of merges or scores: the commonest first. Digits and punctuation are among them unless
        only `letters` are asked for. Those that BPE never comes to are left out."""
        wanted = frozenset(scripts)
        found = []
        for token in sorted(self.pieces):
            text = self.text(token)
            if text is None or (letters and not scripts_in(text)) or not scripts_in(text) <= wanted:
                continue
            if self.derivation(token) is not None or self.content["model"].get("ignore_merges"):
                found.append(token)
        return found

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], int]:
        return {pair: rank for rank, pair in enumerate(self._merges)}

    @cached_property
    def _merges(self) -> list[tuple[str, str]]:
        merges = self.content["model"].get("merges", [])
        pairs = (each.split(" ") if isinstance(each, str) else each for each in merges)
        return [(left, right) for left, right in pairs]

    def _derivation(self, token: int) -> frozenset[int] | None:
        """The pieces that BPE makes, first characters to last merge, when it comes to this token;
        None where it never does. Empty for Unigram and for what is no piece."""
        if self.kind != "BPE" or token not in self.pieces:
            return frozenset()
        parts = list(self.pieces[token])
        made = set(parts)
        while len(parts) > 1:
            ranked = [(self._ranks.get(pair), at) for at, pair in enumerate(pairwise(parts))]
            known = [(rank, at) for rank, at in ranked if rank is not None]
            if not known:
                return None
            _, at = min(known)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            made.add(parts[at])
        return frozenset(self.ids[piece] for piece in made) if made <= self.ids.keys() else None

    # -- the cut ---------------------------------------------------------------------------------

    def order(self, kept: Iterable[int]) -> list[int]:
        """The kept ids as they will be numbered: pieces, then what was added beyond them."""
        kept = set(kept)
        beyond = kept & self.added.keys() - self.pieces.keys()
        return [*sorted(kept & self.pieces.keys()), *sorted(beyond)]

    def cut(self, order: Sequence[int]) -> dict[str, Any]:
        """The tokenizer.json of these ids, `order[new id] = old id`."""
        new = {old: at for at, old in enumerate(order)}
        content = {key: value for key, value in self.content.items() if key != "model"}
        content = copy.deepcopy(content) | {"model": dict(self.content["model"])}
        model = content["model"]
        if self.kind == "BPE":
            model["vocab"] = {self.pieces[old]: new[old] for old in order if old in self.pieces}
            model["merges"] = [
                [left, right]
                for left, right in self._merges
                if {left, right, left + right} <= model["vocab"].keys()
            ]
        else:
            pieces = model["vocab"]
            model["vocab"] = [pieces[old] for old in order if old in self.pieces]
            if model["unk_id"] is not None:
                model["unk_id"] = new[model["unk_id"]]
        if self.lacks_fallback:
            model["byte_fallback"] = True
            decoders = [{"type": "ByteFallback"}, content["decoder"]]
            content["decoder"] = {
                "type": "Sequence",
                "decoders": [each for each in decoders if each],
            }
        content["added_tokens"] = [
            each | {"id": new[each["id"]]} for each in content["added_tokens"] if each["id"] in new
        ]
        _renumber(content.get("post_processor"), new)
        if padding := content.get("padding"):
            padding["pad_id"] = new[padding["pad_id"]]
        return content


def _byte_alphabet() -> dict[str, int]:
    """The character that byte-level BPE writes for each byte (as GPT-2's `bytes_to_unicode`)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    codes = {byte: byte for byte in plain} | {byte: 256 + at for at, byte in enumerate(others)}
    return {chr(code): byte for byte, code in codes.items()}


_BYTE_OF = _byte_alphabet()


def _ids_in(processor: Any) -> set[int]:
    """The ids that a post-processor writes."""
    found: set[int] = set()
    if isinstance(processor, dict):
        for each in (processor.get("special_tokens") or {}).values():
            found |= set(each["ids"])
        found |= {processor[side][1] for side in ("sep", "cls") if side in processor}
        for each in processor.get("processors", []):
            found |= _ids_in(each)
    return found


def _renumber(processor: Any, new: dict[int, int]) -> None:
    """The same ids, by their new numbers, in place."""
    if isinstance(processor, dict):
        for each in (processor.get("special_tokens") or {}).values():
            each["ids"] = [new[old] for old in each["ids"]]
        for side in ("sep", "cls"):
            if side in processor:
                processor[side] = [processor[side][0], new[processor[side][1]]]
        for each in processor.get("processors", []):
            _renumber(each, new)

"""Which tokens a pair of languages needs, measured on its rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from tokenizers import Tokenizer

from dubash.core.languages import LanguagePair
from dubash.model.options import TrimOptions
from dubash.model.vocabulary import Vocabulary

_BATCH = 1000


class Usage:
    """How often each token stands in the rows' texts, and how often in one group of rows alone.

    Groups are what would be held out together: rows of one document, or with the same source.
    `joined` are the tokens of the same texts within the prompt, where a first or last word may
    have others.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.lone: dict[int, int] = {}
        self.joined: set[int] = set()

    def add(self, texts: Iterable[Iterable[int]], joined: Iterable[Iterable[int]]) -> None:
        """Count the tokens of one group of rows: of each text on its own, and within the prompt."""
        for token, count in Counter(chain.from_iterable(texts)).items():
            self.lone[token] = 0 if token in self.counts else count
            self.counts[token] += count
        self.joined.update(chain.from_iterable(joined))


@dataclass(frozen=True, slots=True)
class Selection:
    """The kept ids; how many of them each reason has added; and the share of unseen text's tokens
    that is expected to be among them."""

    kept: frozenset[int]
    reasons: dict[str, int]
    expected: float


def select(
    vocabulary: Vocabulary,
    usage: Usage,
    needed: Iterable[int],
    pair: LanguagePair,
    options: TrimOptions,
) -> Selection:
    """The tokens to keep; `needed` are those of the prompt and those that the model's files name.

    The share expected is that of leaving one group out: of all tokens counted, those that some
    other group holds too or that are kept anyway (the idea of Good 1953, Biometrika 40: what was
    met once tells how much is yet unmet).
    """
    kept: set[int] = set()
    reasons: dict[str, int] = {}

    def keep(reason: str, tokens: Iterable[int]) -> None:
        before = len(kept)
        kept.update(tokens)
        reasons[reason] = len(kept) - before

    own = vocabulary.of_scripts({*pair.source.scripts, *pair.target.scripts})
    keep("bytes and special tokens", vocabulary.atoms())
    keep("of the prompt and the model's files", needed)
    keep("letters of the pair's scripts", (each for each in own if vocabulary.is_character(each)))
    keep("of the scripts named", vocabulary.of_scripts(options.scripts, letters=True))
    lone = {token: count for token, count in usage.lone.items() if token not in kept}
    keep("of the rows", usage.counts.keys() | usage.joined)
    total, unmet = sum(usage.counts.values()), sum(lone.values())
    common: list[int] = []
    for token in own:
        if options.unchanged < 1 and _share(unmet, total) >= options.unchanged:
            break
        common.append(token)
        unmet -= lone.get(token, 0)
    keep("the commonest of the pair's scripts", common)
    keep("on the way to one of these", vocabulary.close(kept))
    return Selection(frozenset(kept), reasons, _share(unmet, total))


def _share(unmet: int, total: int) -> float:
    return 1 - unmet / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What a cut does to texts: their tokens before and after it, and those of before that are
    still there, the same token in the same place."""

    before: int
    after: int
    same: int

    @property
    def unchanged(self) -> float:
        """The share of the tokens that stay as they were; 1 where there are none."""
        return self.same / self.before if self.before else 1.0


def compare(vocabulary: Vocabulary, kept: Iterable[int], texts: Sequence[str]) -> Difference:
    """Tokenize texts as they are tokenized, and as they will be with the kept tokens only."""
    order = vocabulary.order(kept)
    before, after = (
        Tokenizer.from_str(json.dumps(content))
        for content in (vocabulary.content, vocabulary.cut(order))
    )
    tokens, new_tokens, same = 0, 0, 0
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        old, new = (each.encode_batch(batch, add_special_tokens=False) for each in (before, after))
        for one, other in zip(old, new, strict=True):
            was = Counter(zip(one.ids, one.offsets, strict=True))
            now = Counter(zip((order[token] for token in other.ids), other.offsets, strict=True))
            tokens, new_tokens = tokens + was.total(), new_tokens + now.total()
            same += (was & now).total()
    return Difference(tokens, new_tokens, same)

"""S2: the model shown what a memory and a glossary have for each segment."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dubash.core.types import Advance, Hypothesis
from dubash.engine.base import Engine
from dubash.memory.retrieval import Retrieved, Retriever
from dubash.prompt.help import Help, HelpedTemplate


def help_of(found: Retrieved, most_terms: int) -> Help:
    """What of it the model is shown; of a term its first approved translation."""
    return Help(
        tuple((each.unit.source, each.unit.target) for each in found.shown),
        tuple((each.source, each.targets[0]) for each in found.terms[:most_terms]),
    )


class RetrievalTranslator:
    """A template that asks the same retriever, an engine, and exact matches taken as they are."""

    def __init__(
        self, name: str, template: HelpedTemplate, engine: Engine, retriever: Retriever
    ) -> None:
        self._name, self.template, self.engine = name, template, engine
        self.retriever = retriever

    @property
    def name(self) -> str:
        """The label in tables."""
        return self._name

    def translate(self, sources: Sequence[str], advance: Advance | None = None) -> list[Hypothesis]:
        """Translate every source, in the order given; see `core.types.Translator`.

        An exact match costs no token; the time of looking up is each row's equal share.
        """
        began = time.perf_counter()
        found = [self.retriever.find(source) for source in sources]
        asked = [at for at, each in enumerate(found) if each.exact is None]
        prompts = [self.template.prompt_ids(sources[at]) for at in asked]
        looking = (time.perf_counter() - began) / max(1, len(sources))
        if advance and len(asked) < len(sources):
            advance(len(sources) - len(asked))
        made = iter(self.engine.generate(prompts, advance)) if prompts else iter(())
        return [
            Hypothesis(each.exact.unit.target, "end", 0, looking)
            if each.exact
            else _later(next(made), looking)
            for each in found
        ]


def _later(made: Hypothesis, seconds: float) -> Hypothesis:
    return Hypothesis(made.text, made.stop, made.tokens, made.seconds + seconds)

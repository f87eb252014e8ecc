"""A model on this machine as a Translator: S0 when untuned, S1 when tuned."""

from __future__ import annotations

from collections.abc import Sequence

from dubash.core.types import Advance, Hypothesis
from dubash.engine.base import Engine
from dubash.prompt.template import Template


class LocalTranslator:
    """One template and one engine."""

    def __init__(self, name: str, template: Template, engine: Engine) -> None:
        self._name, self.template, self.engine = name, template, engine

    @property
    def name(self) -> str:
        """The label in tables."""
        return self._name

    def translate(self, sources: Sequence[str], advance: Advance | None = None) -> list[Hypothesis]:
        """Translate every source, in the order given; see `core.types.Translator`."""
        prompts = [self.template.prompt_ids(source) for source in sources]
        return self.engine.generate(prompts, advance)

"""Which engine serves: asked for by name, or the fastest that means the same.

The choice falls at the first prompts: what they are decides too. It is said in one line of the log,
with its reason.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from dubash.core.errors import ModelError, out_of_memory
from dubash.core.progress import say
from dubash.core.types import Advance, Hypothesis
from dubash.engine.base import Engine
from dubash.engine.families import refusal, room
from dubash.engine.options import GenerateOptions, unlike
from dubash.engine.transformers import TransformersEngine
from dubash.model.load import LoadedModel


class ChosenEngine:
    """CTranslate2 where that is possible, transformers otherwise; an `Engine`."""

    def __init__(
        self,
        loaded: LoadedModel,
        end_ids: Sequence[int],
        options: GenerateOptions,
        decoder_prefix: Sequence[int] = (),
        against: str = "",
        typical: Sequence[Sequence[int]] = (),
    ) -> None:
        """`against` is a reason of the caller's to leave CTranslate2 aside; "" is none. `typical`
        are prompts like those to come, which a conversion is made ready with and checked on; the
        first that come, unless given."""
        self.loaded, self.options, self.against = loaded, options, against
        self.typical = typical
        self.end_ids, self.decoder_prefix = sorted(end_ids), list(decoder_prefix)
        self.plain = TransformersEngine(
            loaded.model, loaded.tokenizer, loaded.kind, end_ids, options, decoder_prefix
        )
        self.fast: Engine | None = None
        self.last: Engine = self.plain
        self._said: set[str] = set()

    @property
    def label(self) -> str:
        """As `Engine.label`, of the engine that served last."""
        return self.last.label

    def generate(
        self, prompts: Sequence[Sequence[int]], advance: Advance | None = None
    ) -> list[Hypothesis]:
        """As `Engine.generate`.

        Raises ModelError where CTranslate2 was asked for by name and cannot serve this.
        """
        if prompts:
            self.last = self._choose(prompts)
        return self.last.generate(prompts, advance)

    def _choose(self, prompts: Sequence[Sequence[int]]) -> Engine:
        if self.options.engine == "transformers":
            return self.plain
        reason = self.against or self._reason(prompts)
        if not reason and self.fast is None:
            reason = self._convert(prompts)
        if not reason and self.fast is not None:
            return self.fast
        if self.options.engine == "ctranslate2":
            raise ModelError(
                f"ctranslate2 cannot serve this run: {reason}.",
                where="generate.engine",
                fix="Take auto or transformers.",
            )
        self._say(f"  engine: {self.plain.label}, not ctranslate2: {reason}")
        return self.plain

    def _reason(self, prompts: Sequence[Sequence[int]]) -> str:
        """Why CTranslate2 does not serve this, before anything is converted; "" if it may."""
        if importlib.util.find_spec("ctranslate2") is None:
            return "it is not installed (in dubash's folder: pip install -e '.[ct2]')"
        if self.loaded.device != "cpu":
            return f"it serves on a CPU here, and the model is on {self.loaded.device}"
        longest = max(len(prompt) for prompt in prompts)
        return (
            refusal(self.loaded.model)
            or unlike(self.options)
            or self._unlike_penalty(prompts)
            or room(self.loaded.model, longest, self.options.max_new_tokens)
        )

    def _unlike_penalty(self, prompts: Sequence[Sequence[int]]) -> str:
        """transformers penalises all of the prompt; CTranslate2 all but the first token, which
        makes no difference where that stands again further on, or never comes in a text."""
        if self.options.repetition_penalty == 1.0:
            return ""
        if self.loaded.kind == "seq2seq":
            first = {self.loaded.model.generation_config.decoder_start_token_id}
            alike = not first & set(self.end_ids)
        else:
            bos = {self.loaded.tokenizer.bos_token_id} - set(self.end_ids)
            alike = all(each[0] in bos or each[0] in each[1:] for each in prompts)
        return "" if alike else "its repetition penalty leaves out the first token"

    def _convert(self, prompts: Sequence[Sequence[int]]) -> str:
        """Make the fast engine; why not, where the conversion's check failed."""
        from dubash.engine.convert import conversion
        from dubash.engine.ctranslate2 import CTranslate2Engine

        new = self.options.max_new_tokens
        served = [each for each in self.typical if not room(self.loaded.model, len(each), new)]
        compute_type = self.options.compute_type
        try:
            found = conversion(self.loaded, served or prompts, compute_type, self.decoder_prefix)
        except ModelError as error:
            self.against = error.what
            return self.against
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            self.against = "memory ran out as it was converted"
            return self.against
        if found.verdict.wrong:
            self.against = f"the check of its conversion failed, {found.verdict.wrong}"
            return self.against
        self.fast = CTranslate2Engine(
            found.folder, self.loaded.tokenizer, self.loaded.kind, self.end_ids, self.options,
            self.decoder_prefix,
        )  # fmt: skip
        self._say(
            f"  engine: {self.fast.label} (against transformers in fp32: logits differ by "
            f"{found.verdict.mean:.2g} of their size, the same likeliest token at "
            f"{found.verdict.agreement:.0%} of {found.verdict.positions} positions)"
        )
        return ""

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            say(line)

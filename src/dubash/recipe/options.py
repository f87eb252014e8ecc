"""The whole recipe: every room's options side by side, and what must hold between them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from dubash.core.languages import Language, LanguagePair, language
from dubash.core.options import Options
from dubash.data.options import DataOptions
from dubash.engine.options import GenerateOptions
from dubash.evaluate.options import EvaluateOptions
from dubash.memory.options import RetrievalOptions
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.options import PromptOptions
from dubash.train.options import TrainOptions


class LanguageOptions(Options):
    """A language that has no code of its own: a dialect, a small language."""

    code: str = Field(pattern=r"^[a-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
    name: str = Field(min_length=1, max_length=60, description="Its English name, for prompts.")
    script: str = Field(
        "LATIN", description="A Unicode script word: LATIN, DEVANAGARI, GUJARATI, KANNADA, …"
    )
    bleu: Literal["13a", "char", "ja-mecab", "ko-mecab", "zh", "intl"] = "13a"

    def language(self) -> Language:
        """As the other rooms want it."""
        return Language(self.code, self.name, (self.script.upper(),), self.bleu)


class LanguagesOptions(Options):
    """The direction: a code such as `hi`, or a description for a language without one."""

    source: str | LanguageOptions = Field(examples=["hi"])
    target: str | LanguageOptions = Field(examples=["gu"])

    @field_validator("source", "target")
    @classmethod
    def _known(cls, value: str | LanguageOptions) -> str | LanguageOptions:
        if isinstance(value, str):
            try:
                language(value)
            except Exception as error:
                raise ValueError(str(error)) from None
        return value

    @property
    def codes(self) -> tuple[str, str]:
        """The two codes in one spelling; a region or a script makes them differ."""
        source, target = (
            (end if isinstance(end, str) else end.code).replace("_", "-").lower()
            for end in (self.source, self.target)
        )
        return source, target

    def pair(self) -> LanguagePair:
        """The two languages."""
        ends = (
            language(end) if isinstance(end, str) else end.language()
            for end in (self.source, self.target)
        )
        return LanguagePair(*ends)


class RunOptions(Options):
    """Where the run's folder is."""

    name: str = Field(
        description="The run's name: its folder is <folder>/<name>.", examples=["village"]
    )
    folder: str = Field("runs", description="Relative to where the command is given.")

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
            raise ValueError("run.name is made of letters, digits, '.', '_' and '-'")
        return name


class Recipe(Options):
    """A whole run. `languages`, `data`, `model` and `run` must be said; the rest has defaults."""

    task: Literal["translation", "instruction", "text"] = Field(
        "translation",
        description="instruction: Alpaca rows, where the source is the instruction and the target "
        "the answer. text: monolingual text of the target language, to be read on.",
    )
    languages: LanguagesOptions = Field(examples=[{"source": "hi", "target": "gu"}])
    data: DataOptions = Field(examples=[{"train": ["rows.csv"]}])
    prompt: PromptOptions = Field(PromptOptions(), examples=[{"max_tokens": 256}])
    model: ModelOptions = Field(examples=[{"name": "google/gemma-3-270m-it"}])
    method: MethodOptions = Field(MethodOptions(), examples=[{"name": "lora"}])
    train: TrainOptions = Field(TrainOptions(), examples=[{"epochs": 3}])
    generate: GenerateOptions = Field(GenerateOptions(), examples=[{"max_new_tokens": 128}])
    evaluate: EvaluateOptions = Field(EvaluateOptions(), examples=[{"confidence": 0.95}])
    retrieval: RetrievalOptions | None = Field(
        None, description="Another system, S2: the model shown similar segments and terms.",
        examples=[{"memory": "train"}],
    )  # fmt: skip
    run: RunOptions = Field(examples=[{"name": "village"}])

    @model_validator(mode="after")
    def _goes_together(self) -> Recipe:
        if self.model.kind == "seq2seq":
            if self.prompt.mask == "full":
                raise ValueError(
                    "prompt.mask: full does not go with model.kind: seq2seq, whose decoder sees "
                    "only the target; leave prompt.mask out"
                )
            if self.prompt.style in ("chat", "plain"):
                raise ValueError(
                    f"prompt.style: {self.prompt.style} does not go with model.kind: seq2seq; "
                    "leave prompt.style out"
                )
        if self.model.kind == "causal" and self.prompt.style == "seq2seq":
            raise ValueError("prompt.style: seq2seq does not go with model.kind: causal")
        source, target = self.languages.codes
        if self.task == "translation" and source == target:
            raise ValueError(
                f"languages.source and languages.target are both '{source}', and nothing is left "
                "to translate; a dialect has a code of its own: {code: "
                f"{source}-x-coast, name: …, script: …}}"
            )
        if self.train.keep_best == "chrf" and self.task != "translation":
            raise ValueError(f"train.keep_best: chrf has no meaning with task: {self.task}")
        if self.data.dev is None and self.data.dev_rows == 0:
            unused = {"evaluate_every", "keep_best", "patience"} & self.train.changed()
            if unused:
                raise ValueError(
                    f"train.{min(unused)} does nothing without dev rows (data.dev_rows: 0); "
                    "leave it out, or give data.dev or data.dev_rows"
                )
        if self.train.retrieval and self.retrieval is None:
            raise ValueError("train.retrieval: true needs retrieval, which says what is shown")
        if self.retrieval and self.task != "translation":
            raise ValueError(f"retrieval has no meaning with task: {self.task}")
        if reason := self.data.unfit(self.task):
            raise ValueError(reason)
        if self.task == "text":
            self._refuse_questions()
        return self

    def _refuse_questions(self) -> None:
        """With task: text nothing is asked of the model, and nothing generated."""
        if self.model.kind == "seq2seq":
            raise ValueError(
                "model.kind: seq2seq does not go with task: text, which continues one text"
            )
        meant: dict[str, set[str]] = {
            "prompt": {"mask", "max_tokens"},
            "generate": set(),
            "evaluate": {"bootstrap_samples", "seed", "confidence"},
        }
        for room, fields in meant.items():
            if named := sorted(getattr(self, room).changed() - fields):
                raise ValueError(
                    f"{room}.{named[0]} has no meaning with task: text, where nothing is asked "
                    "and nothing generated; leave it out"
                )

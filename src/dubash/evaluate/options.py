"""Settings of the evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from dubash.core.options import Options

MetricName = Literal["bleu", "chrf++", "ter", "comet", "cometkiwi"]
"""The metrics that dubash knows by name."""


def map_glossary(evaluate: Any, change: Callable[[str], str]) -> Any:
    """The `evaluate` part of a recipe as plain values, with `change` applied to a glossary's path.

    What is not written as it should be stays as it is, for the check that follows.
    """
    if not isinstance(evaluate, dict) or not isinstance(evaluate.get("glossary"), str):
        return evaluate
    return evaluate | {"glossary": change(evaluate["glossary"])}


class BehaviourOptions(Options):
    """Where the behaviour checks draw their lines; the rules stand in `evaluate.behaviour`."""

    over_long: float = Field(
        2.0, gt=1, le=100, description="Over-long: more than this many times the expected length,"
    )
    over_long_slack: int = Field(
        20, ge=0, le=10_000, description="and this many characters more, so short rows may vary."
    )
    too_short: float = Field(
        0.5, ge=0, lt=1, description="Too short: less than this many times the expected length"
    )
    too_short_slack: int = Field(
        8, ge=0, le=10_000, description="less this many characters, so short rows may vary."
    )
    copied_source: float = Field(
        0.9, gt=0.5, le=1, description="Copied: at least this similar to the source (Levenshtein),"
    )
    copied_characters: int = Field(
        16, ge=1, le=10_000, description="or holding a source of at least this many characters."
    )
    wrong_script: float = Field(
        0.4, gt=0, le=1, description="Wrong script: a lower share of the letters is the target's."
    )
    language_letters: int = Field(
        30, ge=1, le=10_000, description="Wrong language: asked of texts with this many letters,"
    )
    language_probability: float = Field(
        0.7, gt=0, le=1, description="and believed where another language is this probable."
    )
    loop_repeats: int = Field(
        4, ge=2, le=1000, description="Loop: the same words or characters this often in a row,"
    )
    loop_characters: int = Field(
        20, ge=2, le=10_000, description="over at least this many characters."
    )
    mimicry_characters: int = Field(
        40, ge=8, le=10_000,
        description="Mimicry: this many characters in a row as in a training target (half as "
        "many in Chinese, Japanese, Korean),",
    )  # fmt: skip
    mimicry_source: float = Field(
        0.3, gt=0, le=1,
        description="whose source shares less than this part of its 5-grams with the row's source.",
    )  # fmt: skip


class CometOptions(Options):
    """COMET, which runs in an environment of its own: `dubash metrics install comet`."""

    model: str = Field(
        "wmt22-comet-da",
        min_length=1,
        description="For comet: a name of Unbabel's, a hub id, a checkpoint's folder or file.",
    )
    reference_free: str = Field(
        "wmt22-cometkiwi-da", min_length=1, description="The same for cometkiwi."
    )
    batch_size: int = Field(16, ge=1, le=1024, description="Rows scored at once.")


class CommandOptions(Options):
    """A metric of one's own: a program that reads rows as JSON lines and prints their numbers."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,39}$", description="Its name in scores and report."
    )
    command: tuple[str, ...] = Field(
        min_length=1, description="The program and its arguments, as a list; no shell reads it."
    )
    higher_is_better: bool = Field(description="Whether a higher number is the better one.")
    timeout: int = Field(3600, ge=1, le=604_800, description="Seconds that it may take.")

    @field_validator("command", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(
                "command is a list of words, such as [python, score.py]; no shell reads it"
            )
        return value

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name.lower() in get_args(MetricName):
            raise ValueError(f"{name} is a metric that dubash has; take another name")
        return name


class VerdictOptions(Options):
    """Where `dubash verdict` draws its lines; the rule stands in `evaluate.verdict`."""

    least_rows: int = Field(100, ge=1, le=1_000_000, description="Fewer test rows decide nothing.")
    least_ended: float = Field(
        0.95, ge=0, le=1, description="Least share of translations that the model ends by itself."
    )
    most_faults: float = Field(
        0.05, ge=0, le=1, description="Most rows with any one fault, unless the base has more."
    )
    most_near_duplicates: float = Field(
        0.02, ge=0, le=1, description="Test rows with a near-duplicate in training, before a word."
    )
    seed_margin: float = Field(
        1.0, ge=0, le=100, description="chrF++ that another seed may move a single run by."
    )
    smallest_gain: float = Field(
        0.3, ge=0, le=100, description="chrF++ below which a gain is not worth shipping."
    )
    power: float = Field(
        0.8, gt=0.5, lt=1, description="Chance of showing a real gain, for the rows needed."
    )


class EvaluateOptions(Options):
    """How systems are scored and compared."""

    metrics: tuple[MetricName, ...] = Field(
        ("bleu", "chrf++"),
        description="What is computed: bleu, chrf++, ter, comet, cometkiwi. chrf++ always is.",
    )
    comet: CometOptions = CometOptions()
    commands: tuple[CommandOptions, ...] = Field(
        (), max_length=20, description="Metrics of one's own, each a program."
    )
    bootstrap_samples: int = Field(
        1000, ge=100, le=100_000, description="Resampled test sets for intervals and p-values."
    )
    seed: int = Field(12345, ge=0, lt=2**32, description="Seed of the resampling.")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="Confidence of the intervals.")
    glossary: str | None = Field(
        None, description="A CSV, TSV or TBX file: how far translations keep to its terms. In a "
        "recipe file its path starts from that file's folder."
    )  # fmt: skip
    few_shot: int = Field(
        3, ge=0, le=16, description="Training rows that the untuned model is shown before each "
        "question, as one more form of S0; 0 leaves it out."
    )  # fmt: skip
    behaviour: BehaviourOptions = BehaviourOptions()
    verdict: VerdictOptions = VerdictOptions()

    @field_validator("glossary")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path is not None and (not path or "\0" in path):
            raise ValueError("the path of the glossary is empty or holds a NUL character")
        return path

    @field_validator("metrics")
    @classmethod
    def _with_chrf(cls, metrics: tuple[MetricName, ...]) -> tuple[MetricName, ...]:
        if len(set(metrics)) < len(metrics):
            raise ValueError("a metric stands twice")
        if "chrf++" not in metrics:
            raise ValueError("chrf++ is always computed: baseline and row gains are by it")
        return metrics

    @model_validator(mode="after")
    def _one_name_each(self) -> EvaluateOptions:
        names = [each.name for each in self.commands]
        if len(set(names)) < len(names):
            raise ValueError("two commands have the same name")
        return self

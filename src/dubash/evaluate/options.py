"""Settings of the evaluation."""

from __future__ import annotations

from pydantic import Field

from dubash.core.options import Options


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


class EvaluateOptions(Options):
    """How systems are scored and compared."""

    bootstrap_samples: int = Field(
        1000, ge=100, le=100_000, description="Resampled test sets for intervals and p-values."
    )
    seed: int = Field(12345, ge=0, lt=2**32, description="Seed of the resampling.")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="Confidence of the intervals.")
    behaviour: BehaviourOptions = BehaviourOptions()

"""Questions with what a right answer says: those that ship, or a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from dubash.core.errors import DataError, RecipeError
from dubash.core.files import read_json, read_jsonl
from dubash.core.languages import LANGUAGES
from dubash.core.options import Options, validate
from dubash.data.rows import flaw
from dubash.evaluate.behaviour.numerals import plain_digits
from dubash.evaluate.probe.said import first_said

PARAPHRASES = 5
"""Other wordings of a question, asked of the base where it fails the question itself."""

MOST_QUESTIONS = 2000


def _sound(text: str) -> str:
    if reason := flaw(text):
        raise ValueError(f"it holds {reason}")
    return text


def _sayable(phrase: str) -> str:
    if not any(map(str.isalnum, phrase)):
        raise ValueError("it holds no letter and no digit")
    return phrase


def _known(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"unknown language code '{code}'; give one such as en, hi, kn")
    return code


def _text(most: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


Asked = Annotated[str, _text(1000), AfterValidator(_sound)]
Said = Annotated[str, _text(200), AfterValidator(_sound), AfterValidator(_sayable)]
Code = Annotated[str, AfterValidator(_known)]


class Question(Options):
    """One question, in one language."""

    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,59}$", description="The same in each language of the set."
    )
    language: Code = Field(description="What the question is written in.")
    topic: str = Field(
        pattern=r"^[a-z][a-z_]{0,29}$", description="What it is counted under: capital, identity."
    )
    question: Asked
    paraphrases: tuple[Asked, ...] = Field(
        (), description="Five other wordings, or none: then nothing is said of an empty head."
    )
    expects: Literal["answer", "refusal"] = Field(
        "answer", description="refusal: it asks of what does not exist; right is to say so."
    )
    accept: tuple[Said, ...] = Field(
        (), max_length=50, description="One of these has to be said. A * at the end: a word that "
        "begins so. None: anything will do that is in the right language.",
    )  # fmt: skip
    reject: tuple[Said, ...] = Field((), max_length=50, description="None of these may be said.")
    answer_language: Code | None = Field(None, description="Where it is not the question's.")
    longest: int = Field(400, ge=1, le=100_000, description="Characters of a sensible answer.")
    as_of: date | None = Field(
        None, description="The day of which a fact that changes is asked; the question names it."
    )

    @property
    def expected(self) -> str:
        """The code of the language that the answer should be in."""
        return self.answer_language or self.language

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question and its paraphrases."""
        return (self.question, *self.paraphrases)

    @property
    def accepted(self) -> tuple[str, ...]:
        """What a right answer says one of; of a refusal also the phrases that ship."""
        more = admissions().get(self.expected, ()) if self.expects == "refusal" else ()
        return (*self.accept, *more)

    @model_validator(mode="after")
    def _goes_together(self) -> Question:
        if len(self.paraphrases) not in (0, PARAPHRASES):
            raise ValueError(f"paraphrases: {PARAPHRASES} of them, or none")
        if len(set(self.wordings)) < len(self.wordings):
            raise ValueError("paraphrases: two wordings are the same")
        if self.expects == "refusal" and not self.accepted:
            raise ValueError(
                f"accept: no phrases that admit not knowing ship for {self.expected}; give some"
            )
        for text in self.wordings:
            if found := first_said(self.accepted, text, self.expected):
                raise ValueError(
                    f"accept: '{found}' stands in the question '{text}', so that repeating it "
                    "would be a right answer"
                )
            if self.as_of and str(self.as_of.year) not in plain_digits(text):
                raise ValueError(f"as_of: '{text}' does not name the year {self.as_of.year}")
        return self


@dataclass(frozen=True, slots=True)
class Placed:
    """A question and where it stands, as file and line."""

    question: Question
    path: str
    line: int


def folder() -> Path:
    """Where the shipped questions stand in the installed package."""
    return Path(str(files("dubash.probes")))


@cache
def admissions() -> dict[str, tuple[str, ...]]:
    """By language, the phrases that admit not knowing."""
    found = read_json(folder() / "admissions.json")
    return {code: tuple(phrases) for code, phrases in found.items()}


def shipped_languages() -> list[str]:
    """The languages in which questions ship."""
    return sorted(path.stem for path in folder().glob("*.jsonl"))


def shipped(codes: Sequence[str]) -> list[Placed]:
    """The shipped questions in these languages; those in which none ship give none."""
    return [
        placed
        for code in dict.fromkeys(codes)
        if code in shipped_languages()
        for placed in read_questions(folder() / f"{code}.jsonl")
    ]


def read_questions(path: Path) -> list[Placed]:
    """The questions of a JSON Lines file, one object a line.

    Raises DataError naming file, line and key: for what is no question, for an id that stands
    twice in a language, for a file of none or too many.
    """
    if not path.is_file():
        raise DataError("no such file.", where=str(path))
    found: list[Placed] = []
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(read_jsonl(path), start=1):
        place = f"{path}:{number}"
        try:
            question = validate(Question, row, place, {})
        except RecipeError as error:
            raise DataError(error.what, where=error.where, fix=error.fix) from None
        if (question.language, question.id) in seen:
            raise DataError(f"the id '{question.id}' stands twice.", where=place)
        seen.add((question.language, question.id))
        if number > MOST_QUESTIONS:
            raise DataError(f"more than {MOST_QUESTIONS:,} questions.", where=str(path))
        found.append(Placed(question, str(path), number))
    if not found:
        raise DataError("no question in it.", where=str(path))
    return found

"""What can be set about translation memories and what is looked up in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field, field_validator, model_validator

from dubash.core.options import Options
from dubash.memory.defaults import LEAST, holds_password

TRAINING_ROWS = "train"
"""The memory that is made of a run's own training rows."""


class RetrievalOptions(Options):
    """What the model is shown beside a segment: similar ones with their translations, and terms."""

    memory: str | None = Field(
        TRAINING_ROWS,
        description="train: the run's own training rows; or a memory's file or address, as "
        "`dubash tm` takes it, whose path starts from the recipe file's folder.",
    )
    glossary: str | None = Field(
        None, description="A CSV, TSV or TBX file; its path starts from the recipe file's folder."
    )
    least: int = Field(
        LEAST, ge=50, le=100, description="Percent from which on a match is shown to the model."
    )
    matches: int = Field(1, ge=0, le=8, description="Matches shown to the model at most.")
    terms: int = Field(8, ge=0, le=50, description="Terms shown to the model at most.")
    tokens: int = Field(
        160, ge=16, le=8192, description="Tokens that all of that may take; terms come first."
    )
    exact: bool = Field(True, description="Whether a match of 100% is taken as it is.")

    @field_validator("memory", "glossary")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path is not None and (not path or "\0" in path):
            raise ValueError("it is empty or holds a NUL character")
        if path is not None and "://" in path and holds_password(path):
            raise ValueError("a password stands in it; put that into PGPASSWORD or ~/.pgpass")
        return path

    @model_validator(mode="after")
    def _something(self) -> RetrievalOptions:
        if self.memory is None and self.glossary is None:
            raise ValueError("neither a memory nor a glossary to look anything up in")
        return self


def map_retrieval(retrieval: Any, change: Callable[[str], str]) -> Any:
    """The `retrieval` part of a recipe as plain values, with `change` applied to its paths.

    What is not written as it should be stays as it is, for the check that follows.
    """
    if not isinstance(retrieval, dict):
        return retrieval
    paths = {
        key: change(path)
        for key in ("memory", "glossary")
        if isinstance(path := retrieval.get(key), str)
        and path != TRAINING_ROWS
        and "://" not in path
    }
    return retrieval | paths

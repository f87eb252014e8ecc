"""Settings of the data: which rows to read, what to drop, how to cut the splits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, StrictInt, StrictStr, model_validator

from dubash.core.options import Options

Column = StrictStr | StrictInt

FileFormat = Literal["tsv", "csv", "jsonl", "alpaca", "text"]

_KINDS = ("path", "source_path", "hub", "phrasebook")
_FILES = ("path", "source_path", "target_path")


def map_paths(data: Any, change: Callable[[str], str]) -> Any:
    """The `data` part of a recipe as plain values, with `change` applied to the path of each file
    of rows and of each fingerprint.

    What is not written as it should be stays as it is, for the check that follows.
    """
    if not isinstance(data, dict):
        return data

    def entry(content: Any) -> Any:
        if isinstance(content, str):
            return change(content)
        if not isinstance(content, dict):
            return content
        paths = {key: content[key] for key in _FILES if isinstance(content.get(key), str)}
        return content | {key: change(path) for key, path in paths.items()}

    lists = {key: data.get(key) for key in ("train", "dev", "test", "benchmarks")}
    found = {key: list(map(entry, each)) for key, each in lists.items() if isinstance(each, list)}
    return data | found


class Columns(Options):
    """Which columns hold the sides: names (dotted for nested ones), or numbers from 0."""

    source: Column | None = Field(
        None, description="Column of the source segment; with task: text there is none."
    )
    target: Column = Field(description="Column of the target segment.", examples=["spanish"])
    document: Column | None = Field(None, description="Column of the document id, if any.")

    @model_validator(mode="after")
    def _one_kind(self) -> Columns:
        given = [each for each in (self.source, self.target, self.document) if each is not None]
        if len({type(each) for each in given}) > 1:
            raise ValueError("columns are all names (first row is the header) or all numbers")
        if any(isinstance(each, int) and each < 0 for each in given):
            raise ValueError("columns are numbered from 0")
        return self

    @property
    def numbered(self) -> bool:
        """Whether the columns are numbers, so that the file has no header."""
        return isinstance(self.target, int)


class Entry(Options):
    """One place to read rows from: a file, a pair of Moses files, a hub data set, a phrasebook.

    A bare string is short for `{path: …}`. A path in a recipe file starts from that file's folder.
    """

    path: str | None = Field(None, description="A TSV, CSV, JSONL, Alpaca JSONL or text file.")
    format: FileFormat | None = Field(None, description="Guessed from the ending of `path`.")
    source_path: str | None = Field(None, description="Moses format: one source a line.")
    target_path: str | None = Field(None, description="Moses format: its target, line by line.")
    hub: str | None = Field(
        None, pattern=r"^\w[\w.-]*/\w[\w.-]*$", description="A data set on the hub: owner/name."
    )
    config: str | None = Field(None, description="Configuration of the hub data set.")
    split: str | None = Field(None, description="Split of the hub data set; train if not given.")
    revision: str | None = Field(None, description="Commit or tag of the hub data set.")
    phrasebook: str | None = Field(
        None, pattern=r"^[a-z]{2,3}-[a-z]{2,3}$", description="A phrasebook of dubash: en-es."
    )
    columns: Columns | None = Field(
        None,
        description="Columns of a file or a hub data set.",
        examples=[{"source": "english", "target": "spanish"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_path(cls, content: Any) -> Any:
        return {"path": content} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _one_place(self) -> Entry:
        given = [name for name in _KINDS if getattr(self, name) is not None]
        if (self.source_path is None) != (self.target_path is None):
            raise ValueError("source_path and target_path go together")
        if len(given) != 1:
            named = " and ".join(given) if given else "none"
            raise ValueError(
                "an entry names one of path, source_path with target_path, hub, phrasebook; "
                f"here: {named}"
            )
        paths = [getattr(self, name) for name in _FILES]
        if any(path is not None and (not path or "\0" in path) for path in paths):
            raise ValueError("a path is empty or holds a NUL character")
        if self.format and not self.path:
            raise ValueError("format goes with path only")
        if not self.hub and self.changed() & {"config", "split", "revision"}:
            raise ValueError("config, split and revision go with hub only")
        if self.columns and not (self.path or self.hub):
            raise ValueError("columns go with path or hub only")
        return self

    @property
    def hub_split(self) -> str:
        """The split of the hub data set to read."""
        return self.split or "train"

    @property
    def name(self) -> str:
        """The entry as messages and the account call it."""
        if self.hub:
            return f"{self.hub}:{self.hub_split}"
        if self.phrasebook:
            return f"phrasebook/{self.phrasebook}"
        return self.path or f"{self.source_path}"

    def unfit(self, task: str) -> str | None:
        """Why the entry does not go with the task, in words; None where it does."""
        source = self.columns.source if self.columns else None
        if task != "text":
            if self.format == "text":
                return "format: text holds no pairs; it goes with task: text only"
            if self.columns and source is None:
                return f"columns.source is missing, which task: {task} needs"
            return None
        for name in ("source_path", "phrasebook"):
            if getattr(self, name) is not None:
                return f"{name} is for pairs; with task: text, give one text file as path"
        if self.format == "alpaca":
            return "format: alpaca does not go with task: text"
        if source is not None:
            return "columns.source is not read with task: text; leave it out"
        return None


class FilterOptions(Options):
    """Which training rows are dropped (dev and test rows you give are dropped only when empty)."""

    max_characters: int = Field(
        2000, ge=1, le=1_000_000, description="Longest side, in characters."
    )
    max_length_ratio: float = Field(
        2.5, ge=1, le=1000, description="Longer side over shorter side, 10 added to both; Han, "
        "kana and Hangul count twice."
    )  # fmt: skip
    min_script_share: float = Field(
        0.5, ge=0, le=1, description="Least share of a side's letters in its language's script."
    )


class DataOptions(Options):
    """The rows of a run. `dev` and `test` are cut from `train` where they are not given."""

    train: tuple[Entry, ...] = Field(
        min_length=1, description="Where the training rows are.", examples=[["rows.csv"]]
    )
    dev: tuple[Entry, ...] | None = Field(
        None, min_length=1, description="Development rows.", examples=[["dev.csv"]]
    )
    test: tuple[Entry, ...] | None = Field(
        None, min_length=1, description="Test rows.", examples=[["test.csv"]]
    )
    dev_rows: int = Field(
        200, ge=0, le=10**9, description="Most rows cut for dev, if dev is not given."
    )
    test_rows: int = Field(
        500, ge=1, le=10**9, description="Most rows cut for test, if test is not given."
    )
    max_rows: int | None = Field(
        None, ge=1, le=10**9, description="Most training rows, picked by the seed."
    )
    seed: int = Field(1, ge=0, lt=2**32, description="Seed of the cut and of max_rows.")
    filters: FilterOptions = Field(default_factory=FilterOptions)
    near_duplicate: float = Field(
        0.8, ge=0.5, le=1, description="Jaccard similarity of character 5-grams, from which on "
        "two segments are near-duplicates."
    )  # fmt: skip
    max_bad_rows: float = Field(
        0.01, ge=0, le=1, description="Share of malformed rows in a file past which the run stops."
    )
    check_languages: bool = Field(
        True, description="Refuse rows whose sides look swapped, or both in one language."
    )
    benchmarks: tuple[str, ...] = Field(
        (), description="Fingerprints of test sets that no training row may stand in, beside "
        "those that ship with dubash; see `dubash benchmark fingerprint`."
    )  # fmt: skip
    allow_benchmarks: tuple[str, ...] = Field(
        (), description="Known benchmarks that may be trained on all the same, by name."
    )

    def unfit(self, task: str) -> str | None:
        """Why the entries do not go with the task, naming the first; None where they do."""
        for split, entries in (("train", self.train), ("dev", self.dev), ("test", self.test)):
            for entry in entries or ():
                if reason := entry.unfit(task):
                    return f"data.{split} ({entry.name}): {reason}"
        return None

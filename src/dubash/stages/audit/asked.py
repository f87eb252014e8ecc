"""What `dubash audit` is asked to look at, and under which settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dubash.core.errors import RecipeError, UserError
from dubash.core.options import merge, parse_override, validate
from dubash.data.options import Columns, Entry
from dubash.data.reading import Entries
from dubash.recipe.options import Recipe

_SETTINGS = {"prompt", "generate", "model", "method", "evaluate", "data"}
_DATA = {"near_duplicate", "benchmarks", "max_bad_rows"}

NO_MODEL = "none/given"
"""Stands for the model in the settings of an audit that loads none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The files and models of an audit. `base` is S0; `model`, a whole tuned model, or `adapter`,
    or `hypotheses`, what it wrote, is S1."""

    source: str
    target: str
    out: Path
    test: Path | None = None
    sources: Path | None = None
    references: Path | None = None
    train: tuple[Path, ...] = ()
    dev: Path | None = None
    columns: Columns | None = None
    base: str | None = None
    model: str | None = None
    adapter: Path | None = None
    hypotheses: Path | None = None
    base_hypotheses: Path | None = None
    tokens: Path | None = None
    glossary: Path | None = None

    @property
    def subject(self) -> str:
        """What is audited, in a word."""
        given = self.adapter or self.model or self.hypotheses or self.base or self.test
        return Path(str(given or self.references)).name

    @property
    def served(self) -> str | None:
        """The model whose tokenizer makes the tuned model's prompts; None where none is given."""
        return self.model or self.base

    def as_written(self) -> dict[str, str | list[str]]:
        """What was asked, for the audit's own record."""
        given = {key: each for key, each in asdict(self).items() if each and key != "columns"}
        columns = self.columns and [str(self.columns.source), str(self.columns.target)]
        return {
            **{key: [*map(str, each)] if isinstance(each, tuple) else str(each)
               for key, each in given.items()},
            **({"columns": columns} if columns else {}),
        }  # fmt: skip


def refuse_nonsense(asked: Asked) -> None:
    """Raise UserError for options that are missing or do not go together."""
    if (asked.sources is None) != (asked.references is None):
        raise UserError("--sources and --references go together, a segment a line.")
    if (asked.test is None) == (asked.sources is None):
        raise UserError(
            "the test rows are missing."
            if asked.test is None
            else "the test rows are given twice.",
            fix="Give --test FILE with both sides, or --sources with --references.",
        )
    given = {"--model": asked.model, "--adapter": asked.adapter, "--hypotheses": asked.hypotheses}
    named = [name for name, each in given.items() if each is not None]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)}: one tuned system is audited at a time.")
    if asked.adapter is not None and asked.base is None:
        raise UserError("an adapter goes onto its base.", where="--adapter", fix="Give --base.")
    if asked.base is not None and asked.base_hypotheses is not None:
        raise UserError("--base and --base-hypotheses: the base is given twice.")
    if asked.tokens is not None and asked.served is None:
        raise UserError(
            "rows as trained are held against the prompt that is served.", where="--tokens",
            fix="Give --base or --model, and its prompt.text or prompt.style as it is served.",
        )  # fmt: skip


def settings(asked: Asked, overrides: Sequence[str]) -> Recipe:
    """The settings as a recipe that is never written: its data is what `entries` says.

    Raises RecipeError for an override of something else than how is asked, generated, scored.
    """
    refuse_nonsense(asked)
    content: dict[str, Any] = {
        "languages": {"source": asked.source, "target": asked.target},
        "data": {"train": [str(asked.test or asked.references)]},
        "model": {"name": asked.base or asked.model or NO_MODEL},
        "method": {"name": "lora" if asked.adapter else "full"},
        "evaluate": {"glossary": str(asked.glossary)} if asked.glossary else {},
        "run": {"name": "audit"},
    }
    places: dict[str, str] = {}
    for text in overrides:
        given, keys = parse_override(text)
        other = given.keys() - _SETTINGS or given.get("data", {}).keys() - _DATA
        if other:
            raise RecipeError(
                f"'{text}' cannot be set in an audit.", where="command line",
                fix="There are prompt., generate., model., method., evaluate., and "
                f"{', '.join(f'data.{each}' for each in sorted(_DATA))}.",
            )  # fmt: skip
        content, places = merge(content, given), places | keys
    return validate(Recipe, content, "command line", places)


def entries(asked: Asked) -> Entries:
    """Where the rows of each split are."""
    found: dict[str, list[Entry]] = {}
    if asked.train:
        found["train"] = [Entry(path=str(each), columns=asked.columns) for each in asked.train]
    if asked.dev:
        found["dev"] = [Entry(path=str(asked.dev), columns=asked.columns)]
    if asked.test:
        found["test"] = [Entry(path=str(asked.test), columns=asked.columns)]
    else:
        sides = str(asked.sources), str(asked.references)
        found["test"] = [Entry(source_path=sides[0], target_path=sides[1])]
    return found

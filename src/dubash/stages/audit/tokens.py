"""Rows as another tool trained on them, through preflight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dubash.core.errors import DataError, PreflightError
from dubash.core.files import read_jsonl
from dubash.core.types import Pair
from dubash.prompt.mask import IGNORE
from dubash.prompt.preflight import Expectation, Row, check_rows
from dubash.prompt.template import Template
from dubash.recipe.options import Recipe
from dubash.stages.audit.findings import Finding

MOST = 100_000
"""Rows that are read at most."""


def about_tokens(path: Path | None, recipe: Recipe, template: Template | None) -> list[Finding]:
    """Preflight on rows of `input_ids`, `labels` and, if there is one, `attention_mask`, with the
    `source` and `target` they were made of: what is refused of a run of dubash's own is a fault.

    Raises DataError for a row that is none.
    """
    if path is None or template is None:
        return []
    expected = Expectation(
        template.kind, recipe.prompt.mask, template.end_id, template.stop_ids,
        template.tokenizer.bos_token_id, template.tokenizer, template.neutral,
        template.decoder_prefix,
    )  # fmt: skip
    refused: dict[str, list[str]] = {}
    count = 0
    for content in read_jsonl(path):
        if count == MOST:
            break
        count += 1
        row = _row(content, template, f"{path}:{count}")
        try:
            check_rows([row], expected)
        except PreflightError as error:
            refused.setdefault(error.what.partition(":")[0], []).append(str(error))
    if not count:
        raise DataError("no rows in it.", where=str(path))
    capped = f"only the first {MOST:,} rows were looked at"
    found = [Finding("caution", "rows as trained", capped)] if count == MOST else []
    return found + [
        Finding("fault", "rows as trained", f"{name} in {len(told)} of {count} rows", (told[0],))
        for name, told in sorted(refused.items(), key=lambda each: -len(each[1]))
    ]


def _row(content: Any, template: Template, where: str) -> Row:
    if not isinstance(content, dict):
        raise DataError("a row is an object.", where=where)
    ids, labels = (_numbers(content, name, where) for name in ("input_ids", "labels"))
    seen = [1] * len(ids)
    if content.get("attention_mask") is not None:
        seen = _numbers(content, "attention_mask", where)
    source, target = content.get("source"), content.get("target")
    if not (isinstance(source, str) and isinstance(target, str)):
        raise DataError("source and target are texts.", where=where)
    if len(seen) != len(ids) or (template.kind == "causal" and len(labels) != len(ids)):
        raise DataError("input_ids, labels and attention_mask differ in length.", where=where)
    size = len(template.tokenizer)
    tokens = [*ids, *(each for each in labels if each != IGNORE)]
    if not 0 <= min(tokens) <= max(tokens) < size:
        raise DataError(f"a number that is no token of the tokenizer's {size}.", where=where)
    return Row(Pair(source, target, "", where), ids, labels, seen, template.prompt_ids(source))


def _numbers(content: dict[str, Any], name: str, where: str) -> list[int]:
    found = content.get(name)
    if not isinstance(found, list) or not found or any(type(each) is not int for each in found):
        raise DataError(f"{name} is no list of numbers.", where=where)
    return found

"""The rows that all workers of a case get: ids, the same for everyone, written once to a file.

`phrasebook`: the demo's own rows through the demo's recipe, for the model whose tokenizer they are.
`manythings`: real sentence pairs; their lengths are counted by SmolLM2's tokenizer in the demo's
prompt, and for a shape whose own tokenizer is not at hand the ids are drawn at random, with the
instruction's ids the same in each row.
`lognormal`: source and target lengths from a log-normal distribution of sigma 0.7 about medians of
20 and 30, and a constant instruction of 20; needs no data.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.shapes import Shape
from dubash.core.errors import DataError
from dubash.core.files import read_jsonl, write_jsonl
from dubash.core.types import Pair
from dubash.prompt.template import Example

FIRST_ID = 8
"""Ids below this are special tokens of the made tokenizers."""

SIGMA, SOURCE_MEDIAN, TARGET_MEDIAN, INSTRUCTION = 0.7, 20, 30, 20
LONGEST = 200

SEQ2SEQ_INSTRUCTION = "translate English to Spanish: "


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of a row: instruction before the source, source, what closes the prompt, target with
    its end token."""

    before: int
    source: int
    after: int
    target: int


def data_folder() -> Path:
    """Real data beside the repository, or where `$DUBASH_TEST_DATA` says."""
    named = os.environ.get("DUBASH_TEST_DATA")
    return Path(named) if named else Path(__file__).parents[2] / "shared" / "data"


def has_manythings() -> bool:
    """Whether the real pairs are on this machine."""
    return (data_folder() / "en-es.manythings.tsv").is_file()


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as workers read them: `prompt` and `target` ids, `reference` text where there is one."""
    write_jsonl(path, rows)


def read_examples(path: Path) -> tuple[list[Example], list[str]]:
    """The examples of a file of rows, and their reference texts ("" where ids are random)."""
    rows = list(read_jsonl(path))
    examples = [
        Example(tuple(row["prompt"]), tuple(row["target"]), f"row {number}")
        for number, row in enumerate(rows)
    ]
    return examples, [row.get("reference", "") for row in rows]


def make_rows(
    source: str, shape: Shape, vocabulary: int, count: int, seed: int
) -> list[dict[str, Any]]:
    """`count` rows for the shape, ids below `vocabulary`.

    Raises DataError for a source that is not there or does not go with the shape.
    """
    if shape.family == "embedded":
        return _real_rows(source, count, seed)
    if source == "manythings":
        pairs = random.Random(seed).sample(_manythings(), count)
        lengths = _counted(pairs, shape.kind)
    elif source == "lognormal":
        lengths = _lognormal(count, seed)
    else:
        raise DataError(f"no rows '{source}' for a made shape.", fix="Take manythings.")
    return _random_ids(lengths, shape, vocabulary, seed)


def _real_rows(source: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Pairs through the demo's template and SmolLM2's tokenizer: real ids and references."""
    if source == "phrasebook":
        pairs = _phrasebook()
    elif source == "manythings":
        pairs = _manythings()
    else:
        raise DataError("SmolLM2 takes real rows.", fix="Take phrasebook or manythings.")
    template, chosen = _demo_template(), random.Random(seed).sample(pairs, count)
    rows = []
    for pair in chosen:
        example = template.example(pair)
        row = {"prompt": list(example.prompt), "target": list(example.target)}
        rows.append({**row, "reference": pair.target})
    return rows


def _counted(pairs: Sequence[Pair], kind: str) -> list[Lengths]:
    template = _demo_template()
    if kind == "seq2seq":
        before = _tokens(template, SEQ2SEQ_INSTRUCTION)
        return [
            Lengths(before, _tokens(template, pair.source), 1, _tokens(template, pair.target) + 1)
            for pair in pairs
        ]
    from dubash.prompt.context import shared_length

    examples = [template.example(pair) for pair in pairs]
    before = shared_length([each.prompt for each in examples])
    after = shared_length([each.prompt[::-1] for each in examples])
    return [
        Lengths(before, len(each.prompt) - before - after, after, len(each.target))
        for each in examples
    ]


def _tokens(template: Any, text: str) -> int:
    return len(template.tokenizer(text, add_special_tokens=False).input_ids)


def _lognormal(count: int, seed: int) -> list[Lengths]:
    draw = random.Random(seed)

    def length(median: int) -> int:
        return min(LONGEST, max(1, round(median * draw.lognormvariate(0, SIGMA))))

    return [
        Lengths(INSTRUCTION, length(SOURCE_MEDIAN), 0, length(TARGET_MEDIAN) + 1)
        for _ in range(count)
    ]


def _random_ids(
    lengths: Sequence[Lengths], shape: Shape, vocabulary: int, seed: int
) -> list[dict[str, Any]]:
    draw = random.Random(seed + 1)

    def ids(count: int) -> list[int]:
        return [draw.randrange(FIRST_ID, vocabulary) for _ in range(count)]

    before, after = ids(lengths[0].before), ids(lengths[0].after)
    end = 1
    return [
        {
            "prompt": [*before, *ids(max(each.source, 1)), *after],
            "target": [*ids(each.target - 1), end],
        }
        for each in lengths
    ]


def _demo_template() -> Any:
    from dubash.model.load import load_tokenizer
    from dubash.recipe.load import load_recipe
    from dubash.stages.common import make_template

    recipe = load_recipe("demo", []).recipe
    return make_template(recipe, load_tokenizer(recipe.model), "causal")


def _phrasebook() -> list[Pair]:
    from dubash.data.phrasebook import folder

    lines = (folder() / "en-es.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [Pair(source, target, document) for document, source, target in _cells(lines, 3)]


def _manythings() -> list[Pair]:
    path = data_folder() / "en-es.manythings.tsv"
    if not path.is_file():
        raise DataError(
            "the real pairs are not on this machine.",
            where=str(path),
            fix="Set DUBASH_TEST_DATA to their folder, or take --rows lognormal.",
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Pair(source, target) for source, target in _cells(lines, 2)]


def _cells(lines: Sequence[str], columns: int) -> list[list[str]]:
    found = [line.split("\t") for line in lines]
    return [cells for cells in found if len(cells) == columns]

"""The rows that a recipe would train on, as far as they can be known without fetching anything."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data import frozen
from dubash.data.filters import drop_reason, text_drop_reason
from dubash.data.lines import count_lines
from dubash.data.normalise import normalise
from dubash.data.options import Entry
from dubash.data.prepare import prepare
from dubash.data.read import entry_files, read_entry
from dubash.data.rows import BadRow
from dubash.prompt.template import Example, Template
from dubash.recipe.options import Recipe
from dubash.stages.common import make_template
from dubash.stages.retrieval import training_template

if TYPE_CHECKING:
    from dubash.model.footprint.shapes import Shape

WHOLE = 5_000
"""Lines up to which the data is prepared as a run would prepare it; beyond, a sample is drawn."""

SAMPLE = 2_000
"""Rows of the sample."""

BYTES_A_TOKEN = 3
"""UTF-8 bytes of a token where the tokenizer is not here. SmolLM2's has 4.3 in English, 2.6 in
Hindi, 1.2 in Gujarati; larger vocabularies more."""

ASSUMED = (40, 40)
"""Tokens of a source and of a target where the data is not here either."""

FRAME = 12
"""Tokens that a chat template writes around a prompt, where it cannot be looked at."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Examples that stand for the training rows, how many there would be (None where that cannot
    be known), rows and tokens of the dev set, and where all this comes from, in words. `pairs` are
    the rows themselves, and `template` what renders them, where they are here."""

    examples: list[Example]
    pairs: list[Pair]
    template: Template | None
    rows: int | None
    dev_rows: int
    dev_tokens: int
    origin: str
    exact: bool


@dataclass(frozen=True, slots=True)
class _Rows:
    sample: list[Pair]
    rows: int | None
    dev: list[Pair]
    dev_rows: int
    origin: str
    exact: bool


def find_workload(recipe: Recipe, run: RunFolder, shape: Shape) -> Workload:
    """Count real tokens where data and tokenizer are at hand, else say what is assumed.

    Raises DataError for data that is here and cannot be used.
    """
    found = _find_rows(recipe, run)
    tokenizer = _tokenizer(recipe, shape)
    template: Template | None = None
    if found.sample and tokenizer is not None:
        template = make_template(recipe, tokenizer, shape.kind)
        with (
            tempfile.TemporaryDirectory(prefix="dubash-plan-") as folder,  # a memory may be made
            training_template(
                RunFolder(Path(folder)), recipe, found.sample, tokenizer, shape.kind
            ) as rendered,
        ):
            examples = [rendered.example(row) for row in found.sample]
            dev = [rendered.example(row) for row in found.dev]
        fitting = [each for each in examples if template.fits(each)]
        rows = None if found.rows is None else round(found.rows * len(fitting) / len(examples))
        each_dev = sum(row.longest for row in dev) / len(dev) if dev else 0
        origin = found.origin
    else:
        examples = fitting = _assumed(recipe, found.sample)
        rows, each_dev = found.rows, _mean(fitting)
        origin = f"{found.origin}; tokens reckoned from characters, the tokenizer is not here"
        if not found.sample:
            origin = f"{found.origin}; {sum(ASSUMED)} tokens a row assumed, prompt apart"
    return Workload(
        fitting or examples, found.sample, template, rows, found.dev_rows,
        round(each_dev * found.dev_rows), origin, found.exact and tokenizer is not None,
    )  # fmt: skip


def _find_rows(recipe: Recipe, run: RunFolder) -> _Rows:
    data, pair = recipe.data, recipe.languages.pair()
    if (run.data / frozen.ACCOUNT).is_file():
        kept = frozen.load(run.data)
        return _Rows(kept.train, len(kept.train), kept.dev, len(kept.dev), "the run's rows", True)
    entries = [*data.train, *(data.dev or ()), *(data.test or ())]
    if missing := [entry for entry in entries if not _here(entry)]:
        rows = _known_rows(recipe)
        words = f"the data is not here ({missing[0].name})"
        return _Rows([], rows, [], _held_out(recipe) if rows else 0, words, False)
    lines = sum(
        count_lines(path) for each in entries for _, path in entry_files(each, pair, Path())
    )
    if lines <= WHOLE:
        with tempfile.TemporaryDirectory(prefix="dubash-plan-") as folder:
            kept = prepare(data, pair, recipe.task, Path(), Path(folder) / "data")
        return _Rows(kept.train, len(kept.train), kept.dev, len(kept.dev), "the data", True)
    say(f"  drawing {SAMPLE:,} of about {lines:,} rows")
    sample, total = _draw(_kept(recipe), recipe.data.seed)
    rows = max(1, total - (0 if data.dev else data.dev_rows) - (0 if data.test else data.test_rows))
    rows = min(rows, data.max_rows or rows)
    words = f"{len(sample):,} rows drawn from the data, duplicates not yet removed"
    dev = sample[: data.dev_rows]
    return _Rows(sample, rows, dev, data.dev_rows, words, False)


def _here(entry: Entry) -> bool:
    if entry.hub:
        return False
    paths = [each for each in (entry.path, entry.source_path, entry.target_path) if each]
    return all(Path(each).expanduser().is_file() for each in paths)


def _known_rows(recipe: Recipe) -> int | None:
    """How many rows a recipe itself says it trains on at the most."""
    data = recipe.data
    found = [
        int(match[1]) for entry in data.train
        if entry.hub and (match := re.fullmatch(r"\w+\[:(\d+)\]", entry.split or ""))
    ]  # fmt: skip
    total = sum(found) if len(found) == len(data.train) else None
    if total is not None:
        total -= (0 if data.dev else data.dev_rows) + (0 if data.test else data.test_rows)
    known = [each for each in (total, data.max_rows) if each is not None]
    return max(1, min(known)) if known else None


def _held_out(recipe: Recipe) -> int:
    return recipe.data.dev_rows if recipe.data.dev is None else 0


def _kept(recipe: Recipe) -> Iterator[Pair]:
    """The training rows as they are read, filtered, one by one."""
    pair, filters = recipe.languages.pair(), recipe.data.filters
    for entry in recipe.data.train:
        for row in read_entry(entry, pair, recipe.task, Path())[1]:
            if isinstance(row, BadRow):
                continue
            clean = replace(row, source=normalise(row.source), target=normalise(row.target))
            if recipe.task == "text":
                reason = text_drop_reason(clean.target, filters, pair.target)
            else:
                languages = pair if recipe.task == "translation" else None
                reason = drop_reason(clean, filters, languages)
            if not reason:
                yield clean


def _draw(rows: Iterator[Pair], seed: int) -> tuple[list[Pair], int]:
    """A uniform sample of a stream (Vitter 1985, algorithm R), and the stream's length."""
    chance = random.Random(seed)
    sample: list[Pair] = []
    total = 0
    for row in rows:
        total += 1
        if len(sample) < SAMPLE:
            sample.append(row)
        elif (at := chance.randrange(total)) < SAMPLE:
            sample[at] = row
    return sample, total


# -- tokens ----------------------------------------------------------------------------------------


def _tokenizer(recipe: Recipe, shape: Shape) -> Any | None:
    """The model's tokenizer where it is on this machine; nothing is fetched for it."""
    from huggingface_hub import try_to_load_from_cache

    from dubash.model.load import load_tokenizer

    options = recipe.model
    if shape.here is not None:
        names = ("tokenizer.json", "tokenizer_config.json", "spiece.model")
        if any((shape.here / name).is_file() for name in names):
            return load_tokenizer(options)
        return None
    if "/" in options.name and isinstance(
        try_to_load_from_cache(options.name, "tokenizer.json", revision=options.revision), str
    ):
        return load_tokenizer(options)
    return None


def _assumed(recipe: Recipe, rows: Sequence[Pair]) -> list[Example]:
    """Examples of about the right lengths, of tokens that mean nothing.

    Without rows one of them is as long as the recipe allows, for the memory's sake.
    """
    prompt = recipe.prompt
    shared = 0
    if recipe.task != "text":
        words = (prompt.system or "") + (prompt.text or "").replace("{source}", "")
        shared = FRAME + len(words.encode()) // BYTES_A_TOKEN
    sizes = [(_tokens(row.source), _tokens(row.target)) for row in rows]
    if not sizes:
        source, target = (0 if recipe.task == "text" else ASSUMED[0]), ASSUMED[1]
        longest = max(2, prompt.max_tokens - shared - source)
        sizes = [(source, target)] * 99 + [(source, longest)]
    return [
        Example((*[1] * shared, *[2 + at % 7] * source), (3,) * (target + 1), "")
        for at, (source, target) in enumerate(sizes)
    ]


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def _mean(examples: Sequence[Example]) -> float:
    return sum(each.longest for each in examples) / len(examples)

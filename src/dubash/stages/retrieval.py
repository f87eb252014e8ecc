"""A run's memory and glossary: opened, held against the test rows, and put before the model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubash.core.errors import LeakError, RecipeError
from dubash.core.files import (
    cache_root,
    lock,
    sha256_file,
    sha256_text,
    write_jsonl,
)
from dubash.core.progress import progress, say
from dubash.core.run import RunFolder
from dubash.core.types import HeldOut, Pair
from dubash.data.frozen import typical_sources
from dubash.data.leaks import SHORT_SHARE
from dubash.data.normalise import key
from dubash.data.overlap import in_common
from dubash.data.splits import SHORT_TARGET, fingerprint
from dubash.evaluate.assisted import appended, nearest
from dubash.evaluate.systems import System
from dubash.memory.glossary import read_glossary
from dubash.memory.options import TRAINING_ROWS, RetrievalOptions
from dubash.memory.retrieval import Retrieved, Retriever
from dubash.memory.terms import Terms
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.sqlite import SqliteMemory
from dubash.memory.tm.store import Store, identity_of
from dubash.memory.tm.unit import TranslationUnit
from dubash.prompt.help import Help, HelpedTemplate
from dubash.recipe.options import Recipe
from dubash.stages.common import TYPICAL, make_engine, make_template
from dubash.translate.retrieval import RetrievalTranslator, help_of

if TYPE_CHECKING:
    from dubash.model.load import LoadedModel
    from dubash.prompt.template import Template

SHOWN = 3
"""Rows named where a memory holds test rows."""


def open_store(run: RunFolder, recipe: Recipe, train: Sequence[Pair]) -> Store | None:
    """The memory that the recipe names; that of the training rows is made once, in the run's
    folder. Raises DataError as `open_memory` does."""
    options = _options(recipe)
    if options.memory is None:
        return None
    if options.memory != TRAINING_ROWS:
        return open_memory(options.memory)
    with lock(cache_root() / "locks" / f"{sha256_text(str(run.memory.absolute()))}.lock"):
        _fill(run, recipe, train)
    return SqliteMemory(run.memory, new=False)


def _fill(run: RunFolder, recipe: Recipe, train: Sequence[Pair]) -> None:
    """Make the memory of the training rows, unless it is there."""
    made = fingerprint(train)
    if run.read_manifest().get("memory") == made and run.memory.exists():
        return
    for each in run.path.glob(f"{run.memory.name}*"):  # with what SQLite keeps beside it
        each.unlink()
    languages = recipe.languages.pair()
    source, target = languages.source.code, languages.target.code
    units = (
        TranslationUnit(row.source, row.target, source, target, row.document, origin=row.origin)
        for row in train
    )
    with SqliteMemory(run.memory) as memory, progress("memory", len(train), "rows") as advance:
        for added in memory.add(units):
            advance(added.new + added.known)
    run.note(memory=made)


def _options(recipe: Recipe) -> RetrievalOptions:
    assert recipe.retrieval is not None
    return recipe.retrieval


@contextmanager
def retriever(
    run: RunFolder, recipe: Recipe, train: Sequence[Pair], *, itself: bool = True
) -> Iterator[Retriever]:
    """What looks segments up for this run; see `memory.retrieval.Retriever`."""
    options, languages = _options(recipe), recipe.languages.pair()
    terms, store = _terms(recipe), open_store(run, recipe, train)
    try:
        yield Retriever(options, languages, store, terms, itself=itself)
    finally:
        if store is not None:
            store.__exit__(None, None, None)


def helped(recipe: Recipe, tokenizer: Any, kind: Any, found: Retriever) -> HelpedTemplate:
    """The recipe's template, showing what the retriever finds."""
    options = _options(recipe)
    return HelpedTemplate(
        recipe.prompt, tokenizer, kind, recipe.languages.pair(), recipe.task,
        lambda source: help_of(found.find(source), options.terms), options.tokens,
    )  # fmt: skip


@contextmanager
def training_template(
    run: RunFolder, recipe: Recipe, train: Sequence[Pair], tokenizer: Any, kind: Any
) -> Iterator[Template]:
    """What training rows are rendered with: with `train.retrieval` each shows its neighbours."""
    if not recipe.train.retrieval:
        yield make_template(recipe, tokenizer, kind)
        return
    with retriever(run, recipe, train, itself=False) as found:
        yield helped(recipe, tokenizer, kind, found)


def retrieval_translator(
    name: str,
    recipe: Recipe,
    loaded: LoadedModel,
    run: RunFolder,
    found: Retriever,
    *,
    plain: bool = False,
) -> RetrievalTranslator:
    """The model with what the retriever finds; the run's training rows are what is typical."""
    template = helped(recipe, loaded.tokenizer, loaded.kind, found)
    typical = typical_sources(run.data, TYPICAL)
    engine = make_engine(recipe, loaded, template, typical=typical, plain=plain)
    return RetrievalTranslator(name, template, engine, found)


def keep_retrieved(
    run: RunFolder, translator: RetrievalTranslator, rows: Sequence[Pair], on: HeldOut
) -> None:
    """Write down what was found for each row, and how much of it the model was shown."""
    find, shown = translator.retriever.find, translator.template.shown
    sources = [row.source for row in rows]
    write_jsonl(run.retrieved(on), (_record(each, find(each), shown(each)) for each in sources))


def _record(source: str, found: Retrieved, shown: Help) -> dict[str, Any]:
    return {
        "source": source,
        "matches": [
            {"percent": each.percent, "source": each.unit.source, "target": each.unit.target,
             "document": each.unit.document, "origin": each.unit.origin}
            for each in found.matches
        ],
        "shown": {"matches": len(shown.matches), "terms": len(shown.terms)},
        "exact": found.exact is not None,
        "terms": [[each.source, list(each.targets)] for each in found.terms],
    }  # fmt: skip


def guard_memory(
    run: RunFolder, recipe: Recipe, held_out: Sequence[Pair], on: HeldOut = "test"
) -> None:
    """Hold a memory of the user's own against held-out rows; what it shares with the test rows is
    noted for the report.

    Raises LeakError where a reference of theirs of `SHORT_TARGET` characters stands in it, by key,
    on whichever side, or more than `SHORT_SHARE` of their pairs do, however short.
    The training rows were held against them when they were prepared.
    """
    options = _options(recipe)
    if options.memory is None or options.memory == TRAINING_ROWS:
        return
    known = {key(row.target): row for row in held_out if len(key(row.target)) >= SHORT_TARGET}
    short = {(key(row.source), key(row.target)): row for row in held_out}
    shorts: list[tuple[TranslationUnit, Pair]] = []
    pairs: list[Pair] = []
    leaks: list[tuple[TranslationUnit, Pair]] = []
    with (
        open_memory(options.memory) as store,
        progress("memory held against test", len(store)) as advance,
    ):
        for unit in store.all():
            pairs.append(Pair(unit.source, unit.target, unit.document, unit.origin))
            texts = (unit.target, unit.source)
            leaks += [(unit, known[found]) for text in texts if (found := key(text)) in known]
            if row := short.get((key(unit.source), key(unit.target))):
                shorts.append((unit, row))
            advance(1)
    if len({id(row) for _, row in shorts}) > SHORT_SHARE * len(held_out):
        leaks = leaks or shorts
    if leaks:
        lines = [
            f"  {unit.origin or 'the memory'} holds the reference of {row.origin}: {row.target}"
            for unit, row in leaks[:SHOWN]
        ]
        raise LeakError(
            f"{_counted(len(leaks))} of the memory with the reference of a {on} row; S2 would look "
            "it up.\n" + "\n".join(lines),
            where=options.memory, fix="Export it, take them out, and import the rest.",
        )  # fmt: skip
    shared = in_common(pairs, held_out, recipe.data.near_duplicate)
    if on == "test":
        run.note(memory_overlap={"units": len(pairs), **shared})
    if near := shared["near"]["either"]:
        say(f"  {near} of {len(held_out)} {on} rows have a near-duplicate in the memory")


def _counted(units: int) -> str:
    return "1 unit" if units == 1 else f"{units:,} units"


def refuse_useless_help(
    run: RunFolder, recipe: Recipe, train: Sequence[Pair], tokenizer: Any, kind: Any
) -> None:
    """Raise before any work what S2 would be refused for: a glossary or a memory that cannot be
    read, a model that cannot be shown anything, more than goes into its context."""
    from dubash.model.load import find_context

    with retriever(run, recipe, train) as found:
        helped(recipe, tokenizer, kind, found)
    context, new = find_context(recipe.model), recipe.generate.max_new_tokens
    if context is not None and _options(recipe).tokens + new >= context:
        raise RecipeError(
            f"that and generate.max_new_tokens ({new}) fill the model's context of {context}.",
            where="retrieval.tokens", fix="Set it lower.",
        )  # fmt: skip


def memory_facts(run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """What the report says of the memory: what it is, and what it shares with the test rows; of
    the training rows the data's account says that."""
    options = _options(recipe)
    own = options.memory not in (None, TRAINING_ROWS)
    overlap = run.read_manifest().get("memory_overlap") if own else None
    name = Path(options.memory).name if own and options.memory else options.memory
    glossary = Path(options.glossary).name if options.glossary else None
    return {"name": name, "glossary": glossary, "least": options.least, "overlap": overlap}


def made_of_help(recipe: Recipe, account: dict[str, Any]) -> str:
    """What work with help hangs on besides: the settings, the memory, the glossary; `account` is
    that of the data."""
    options = _options(recipe)
    # where the files stand makes no difference
    parts = [options.model_dump_json(exclude={"memory", "glossary"})]
    if options.glossary:
        parts.append(sha256_file(Path(options.glossary).expanduser()))
    if options.memory == TRAINING_ROWS:
        parts.append(account["splits"]["train"]["fingerprint"])
    elif options.memory is not None:
        with open_memory(options.memory) as store:
            digest = hashlib.sha256()
            for unit in store.all():
                digest.update(identity_of(unit))
            parts.append(digest.hexdigest())
    return sha256_text(*parts)


def assisted_rivals(recipe: Recipe, tuned: System, found: Sequence[dict[str, Any]]) -> list[System]:
    """What S2 has to beat beside S1: the nearest match as it is, and S1 with the terms appended
    that it lacks."""
    least = _options(recipe).least
    rivals = [nearest(tuned, found, least)] if any(each["matches"] for each in found) else []
    terms = _terms(recipe)
    if terms is not None:
        made = zip(tuned.sources, tuned.hypotheses, strict=True)
        missing = [_missing(terms, source, each.text) for source, each in made]
        rivals.append(appended(tuned, missing))
    return rivals


def _missing(terms: Terms, source: str, text: str) -> list[str]:
    """The first approved translations of the terms in a source that its translation lacks."""
    use = terms.usage(terms.in_source(source), text)
    return [
        terms.terms[number].targets[0]
        for number, right in zip(use.wanted, use.right, strict=True)
        if not right
    ]


def _terms(recipe: Recipe) -> Terms | None:
    """The terms of the glossary that the model is shown."""
    options, languages = _options(recipe), recipe.languages.pair()
    if options.glossary is None:
        return None
    path = Path(options.glossary).expanduser()
    return Terms(read_glossary(path, options.glossary, languages).entries, languages)

"""The audited model: its files, and what it translates."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from dubash.core.files import read_jsonl, sha256_file, sha256_text
from dubash.core.run import RunFolder
from dubash.data.frozen import Prepared
from dubash.data.splits import fingerprint
from dubash.evaluate.systems import FEW_SHOT, UNTUNED, System
from dubash.model.options import ModelOptions
from dubash.prompt.leftovers import leftovers
from dubash.prompt.template import Template
from dubash.recipe.options import Recipe
from dubash.stages.audit.asked import Asked
from dubash.stages.audit.findings import Finding, Severity
from dubash.stages.check import load_tokenizer_and_kind
from dubash.stages.common import already_made, make_template, note_made
from dubash.stages.hypotheses import system_of
from dubash.stages.shots import asked_for
from dubash.stages.systems import (
    LABELS,
    by_another_engine,
    read_system,
    translate_rows,
    write_hypotheses,
)

SHOWN = 3
"""Test rows set aside, as a refusal names them."""


def template_of(asked: Asked, recipe: Recipe) -> Template | None:
    """The template by which the tuned model is asked (an adapter's is its base's), or the base
    where there is no tuned one; None where no model is given."""
    if asked.served is None:
        return None
    served = recipe.model_copy(update={"model": _named(recipe, asked.served)})
    return make_template(served, *load_tokenizer_and_kind(served))


def _named(recipe: Recipe, name: str) -> ModelOptions:
    return recipe.model.model_copy(update={"name": name})


# -- the model's files ---------------------------------------------------------------------------


def about_model(asked: Asked, recipe: Recipe, template: Template | None) -> list[Finding]:
    """What the files of model or adapter give away. Raises ModelError where they are broken."""
    from dubash.model.given import given_adapter, given_model

    found: list[Finding] = []
    if template is None:
        return found

    def note(severity: Severity, text: str) -> None:
        found.append(Finding(severity, "model", text))

    base = given_model(recipe.model)
    tuned, prompts = base, "prompts are made by the base's here"
    if asked.adapter is not None:
        adapter = given_adapter(asked.adapter, recipe.model.trust_remote_code)
        named, ours = Path(adapter.base).name, Path(recipe.model.name).name
        if named and named != ours and not recipe.model.name.startswith("embedded:"):
            note("caution", f"the adapter says it was trained on {adapter.base}, not on {ours}")
        if adapter.tokenizer is not None:
            tuned = adapter.tokenizer
            if tuned.tokens > base.tokens and not adapter.embeddings:
                note(
                    "fault",
                    f"its tokenizer has {tuned.tokens - base.tokens} tokens more than the base's, "
                    "and the adapter brings no embeddings for them",
                )
    elif asked.model is not None and asked.base is not None:
        tuned = given_model(_named(recipe, asked.model))
        prompts = "each is asked by its own"
    if asked.model is not None and template.end_id not in tuned.ends:
        name = template.tokenizer.convert_ids_to_tokens(template.end_id)
        note(
            "fault",
            f"its generation_config does not stop at {name!r}, the token that ends an answer: "
            "other tools will serve it without an end",
        )
    if tuned.pad is not None and tuned.pad == tuned.end:
        note(
            "caution",
            f"padding and end are the same token ({tuned.pad!r}): a trainer that masks padding by "
            "its id leaves the end token out of the loss",
        )
    if tuned.chat_template != base.chat_template:
        note("caution", f"its chat template is not the base's; {prompts}")
    return found


# -- what it translates --------------------------------------------------------------------------


def systems(asked: Asked, recipe: Recipe, run: RunFolder, rows: Prepared) -> list[System]:
    """S0, S0-shots and S1 on the test rows, as far as they are given: translated here, or read."""
    from dubash.model.load import load_base, load_tuned

    given = ((UNTUNED, asked.base_hypotheses), ("S1", asked.hypotheses))
    aside = _aside(asked, run)
    files = [
        system_of(name, path, rows.test, aside=aside) for name, path in given if path is not None
    ]
    loaders = {}
    if asked.base is not None:
        loaders[UNTUNED] = partial(load_base, recipe.model)
        if rows.train and asked_for(recipe):
            loaders[FEW_SHOT] = loaders[UNTUNED]
    if asked.adapter is not None:
        loaders["S1"] = partial(load_tuned, recipe.model, recipe.method, asked.adapter)
    elif asked.model is not None:
        loaders["S1"] = partial(load_base, _named(recipe, asked.model))
    if "S1" in loaders:
        note_made(run, "train", _weights(asked))
    for name, load in loaders.items():
        translate_rows(run, recipe, rows.test, name, load)
    for name in by_another_engine(run, among=list(loaders)):
        translate_rows(run, recipe, rows.test, name, loaders[name], plain=True)
    found = [each for name in loaders if (each := read_system(run, name))]
    for each in files:
        _keep(each, rows, run)
    return sorted(found + files, key=lambda each: list(LABELS).index(each.name))


def _weights(asked: Asked) -> str:
    """What tells these weights from others: the hashes of local files, or the name of a hub."""
    folder = asked.adapter or Path(str(asked.model)).expanduser()
    if not folder.is_dir():
        return str(asked.model)
    return sha256_text(*(sha256_file(each) for each in sorted(folder.glob("*.safetensors"))))


def _aside(asked: Asked, run: RunFolder) -> str:
    """Which test rows were set aside, for a refusal: a file may have lines for them."""
    tested = asked.test or asked.sources
    gone = [
        f"{Path(row['origin']).name} ({row['reason']})"
        for row in read_jsonl(run.data / "dropped.jsonl")
        if row["origin"].rpartition(":")[0] == str(tested)
    ]
    more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
    return f" ({', '.join(gone[:SHOWN])}{more} set aside)" if gone else ""


def _keep(system: System, rows: Prepared, run: RunFolder) -> None:
    """Keep the system of a file in the folder like any other."""
    part = f"translate {system.name}"
    made = sha256_text(fingerprint(rows.test), *(each.text for each in system.hypotheses))
    if not already_made(run, part, run.hypotheses(system.name), made):
        note_made(run, part, made)
        write_hypotheses(run.hypotheses(system.name), system.sources, system.hypotheses)


def pieces_of(template: Template | None) -> list[str]:
    """What of the prompt may be left over in a translation."""
    return leftovers(template) if template else []

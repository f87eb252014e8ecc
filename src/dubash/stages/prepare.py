"""`dubash prepare`: data in, frozen and guarded splits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dubash.core.errors import DataError
from dubash.core.files import cache_root, lock, sha256_text
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.data.options import DataOptions
from dubash.data.prepare import Prepared
from dubash.data.prepare import prepare as prepare_data
from dubash.data.splits import SHORT_TARGET
from dubash.recipe.load import LoadedRecipe, yours_to_bring
from dubash.stages.common import binds, open_run, phase, refuse_other_recipe, run_folder


def prepare(loaded: LoadedRecipe) -> tuple[RunFolder, Prepared]:
    """Read, clean, split, guard; reuses what is there when the inputs are the same, and makes it
    again when they are not, as long as nothing was translated or trained."""
    recipe, run = loaded.recipe, run_folder(loaded)
    refuse_other_recipe(run, recipe)
    # several processes of one run, or the same command given twice, take turns: the first
    # prepares, the others find it done
    name = sha256_text(str(run.path.absolute()))
    refuse_missing(recipe.data)
    with phase(run, "prepare"), lock(cache_root() / "locks" / f"{name}.lock"):
        prepared = prepare_data(
            recipe.data, recipe.languages.pair(), recipe.task, Path(), run.data,
            unused=not binds(run),
        )  # fmt: skip
        open_run(loaded)
        tell(prepared.account)
    return run, prepared


def refuse_missing(data: DataOptions) -> None:
    """Raise DataError for a file that a shipped recipe names, and the user has yet to bring."""
    for entry in (*data.train, *(data.dev or ()), *(data.test or ())):
        path = entry.path
        if path and not Path(path).exists() and path in yours_to_bring():
            raise DataError(
                "no such file: it does not ship with the recipe, it is yours to bring.",
                where=path,
                fix="Put it there, seen from the current folder, or name your own: "
                f"data.train='[my{Path(path).suffix}]'; `dubash recipe show` has its columns.",
            )


def tell(account: dict[str, Any]) -> None:
    """Say what was read, kept and dropped."""
    say(f"  read {account['read']} rows; kept as:")
    for name, split in account["splits"].items():
        count = split["documents"]
        inside = f" in {count} document{'s' if count > 1 else ''}" if count else ""
        say(f"    {name:5} {split['rows']:6} rows{inside}")
    for reason, count in sorted(account["dropped"].items(), key=lambda each: -each[1]):
        say(f"    dropped {count:6} {reason.replace('_', ' ')}")
    for splits, near in account["leaks"]["near_duplicates"].items():
        if near["count"]:
            say(f"    near-duplicates across {splits}: {near['count']} (see the report)")
    for splits, count in account["leaks"]["short_targets"].items():
        if count:
            one, held_out = splits.split("-")
            rows = "row" if count == 1 else "rows"
            say(
                f"    warning: {count} {rows} of {held_out} with the same short segment "
                f"(< {SHORT_TARGET} characters) as {one}"
            )

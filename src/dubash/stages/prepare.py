"""`dubash prepare`: data in, frozen and guarded splits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dubash.core.files import cache_root, lock, sha256_text
from dubash.core.progress import say
from dubash.core.run import RunFolder
from dubash.data.prepare import Prepared
from dubash.data.prepare import prepare as prepare_data
from dubash.data.splits import SHORT_TARGET
from dubash.recipe.load import LoadedRecipe
from dubash.stages.common import open_run, phase, refuse_other_recipe, run_folder


def prepare(loaded: LoadedRecipe) -> tuple[RunFolder, Prepared]:
    """Read, clean, split, guard; reuses what is there when the inputs are the same."""
    recipe, run = loaded.recipe, run_folder(loaded)
    refuse_other_recipe(run, recipe)
    # several processes of one run, or the same command given twice, take turns: the first
    # prepares, the others find it done
    name = sha256_text(str(run.path.absolute()))
    with phase(run, "prepare"), lock(cache_root() / "locks" / f"{name}.lock"):
        prepared = prepare_data(recipe.data, recipe.languages.pair(), recipe.task, Path(), run.data)
        open_run(loaded)
        tell(prepared.account)
    return run, prepared


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

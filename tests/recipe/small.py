"""What the tests of recipes share: a small recipe, and what the user is told of a wrong one."""

from pathlib import Path

import pytest

from dubash.core.errors import RecipeError
from dubash.recipe.load import load_recipe

SMALL = """\
languages: {source: en, target: es}
data: {train: [rows.csv]}
model: {name: owner/model}
run: {name: test}
"""


def mistake(name: str, *overrides: str) -> str:
    """What the user is told; the file by its bare name."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(name, overrides)
    return str(caught.value).replace(f"{Path(name).parent}/", "")

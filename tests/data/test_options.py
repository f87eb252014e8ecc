import pytest

from dubash.core.errors import RecipeError
from dubash.core.options import validate
from dubash.data.options import DataOptions


def test_a_bare_string_is_a_path():
    options = DataOptions.model_validate({"train": ["rows.csv"]})
    assert options.train[0].path == "rows.csv"
    assert options.dev is None


def test_options_survive_a_round_trip():
    content = {
        "train": [
            {"path": "rows.csv", "columns": {"source": "en", "target": "es"}},
            {"source_path": "a.en", "target_path": "a.es"},
            {"hub": "owner/name", "split": "test"},
            {"phrasebook": "en-es"},
        ],
        "test": ["test.tsv"],
    }
    options = DataOptions.model_validate(content)
    for unset in (True, False):
        dumped = options.model_dump(mode="json", exclude_unset=unset)
        assert DataOptions.model_validate(dumped) == options


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "here: none"),
        ({"path": "a.tsv", "hub": "a/b"}, "here: path and hub"),
        ({"source_path": "a.en"}, "source_path and target_path go together"),
        ({"path": "a.tsv", "split": "test"}, "config, split and revision go with hub only"),
        ({"hub": "a/b", "format": "csv"}, "format goes with path only"),
        ({"phrasebook": "en-es", "columns": {"source": 0, "target": 1}}, "columns go with path"),
        ({"path": "a.tsv", "columns": {"source": 0, "target": "es"}}, "all names"),
        ({"path": "a.tsv", "colums": {}}, "Did you mean 'columns'?"),
        ({"path": "a.tsv", "columns": {"source": -1, "target": 1}}, "columns are numbered from 0"),
        ({"hub": "no-owner"}, "pattern"),
        ({"hub": "../elsewhere"}, "pattern"),
    ],
)
def test_a_mistake_in_an_entry_is_told_in_words(entry, message):
    with pytest.raises(RecipeError) as error:
        validate(DataOptions, {"train": [entry]}, "recipe.yaml", {})
    assert message in str(error.value)

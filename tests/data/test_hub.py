import json
import sys

import pytest

from dubash.core.errors import DataError
from dubash.core.types import Pair
from dubash.data.hub import read_hub
from dubash.data.options import Entry


def test_a_data_set_with_nested_sides_is_read(tmp_path, en_es, monkeypatch):
    # `datasets` takes a folder of this name for the data set, as it does for one on the hub
    pytest.importorskip("datasets")
    folder = tmp_path / "owner" / "books"
    folder.mkdir(parents=True)
    rows = [{"id": 0, "translation": {"en": "Hi", "es": "Hola"}}]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows * 2)))
    monkeypatch.chdir(tmp_path)
    count, found = read_hub(Entry(hub="owner/books"), en_es, "translation")
    assert count == 2
    assert list(found)[1] == Pair("Hi", "Hola", "", "owner/books#1")
    columns = {"source": "translation.en", "target": "translation.fr"}
    entry = Entry.model_validate({"hub": "owner/books", "columns": columns})
    with pytest.raises(DataError, match=r"no column 'translation\.fr'; found: .*'translation\.es'"):
        read_hub(entry, en_es, "translation")
    with pytest.raises(DataError, match="owner/books:tset"):
        read_hub(Entry(hub="owner/books", split="tset"), en_es, "translation")


def test_without_network_it_says_so(en_es):
    pytest.importorskip("datasets")
    with pytest.raises(DataError, match="HF_HUB_OFFLINE is set, so it cannot be fetched"):
        read_hub(Entry(hub="nobody/nothing"), en_es, "translation")


def test_without_the_library_it_says_how_to_install_it(en_es, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install -e '\.\[hub\]'"):
        read_hub(Entry(hub="nobody/nothing"), en_es, "translation")

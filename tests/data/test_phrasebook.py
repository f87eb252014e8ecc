import pytest

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair, language
from dubash.core.types import Pair
from dubash.data import phrasebook
from dubash.data.options import Entry
from dubash.data.read import entry_files, read_entry


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    content = "document\tsource\ttarget\nclinic\tHello\tHola\n"
    (tmp_path / "en-es.tsv").write_text(content)
    monkeypatch.setattr(phrasebook, "folder", lambda: tmp_path)


def test_a_phrasebook_is_read_in_either_direction(tmp_path, en_es):
    es_en = LanguagePair(en_es.target, en_es.source)
    for name in ("en-es", "es-en"):
        entry = Entry(phrasebook=name)
        (row,) = read_entry(entry, en_es, "translation", tmp_path)[1]
        assert row == Pair("Hello", "Hola", "clinic", "phrasebook/en-es.tsv:2")
        (row,) = read_entry(entry, es_en, "translation", tmp_path)[1]
        assert (row.source, row.target) == ("Hola", "Hello")
        assert entry_files(entry, en_es, tmp_path)[0][0] == "phrasebook/en-es.tsv"


def test_a_phrasebook_of_other_languages_or_of_none_is_refused(tmp_path, en_es):
    en_hi = LanguagePair(language("en"), language("hi"))
    with pytest.raises(DataError, match="not of the recipe's languages, en to hi"):
        read_entry(Entry(phrasebook="en-es"), en_hi, "translation", tmp_path)
    with pytest.raises(DataError, match=r"no phrasebook 'en-fr'\. There are: en-es\."):
        read_entry(Entry(phrasebook="en-fr"), en_es, "translation", tmp_path)


def test_the_installed_package_has_the_folder(monkeypatch):
    monkeypatch.undo()
    assert (phrasebook.folder() / "__init__.py").is_file()

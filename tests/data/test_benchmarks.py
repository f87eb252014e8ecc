import pytest

from dubash.core.errors import DataError
from dubash.data.benchmarks import benchmark_of, refuse_benchmarks
from dubash.data.options import Entry


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"hub": "facebook/flores"}, "flores"),
        ({"hub": "openlanguagedata/flores_plus"}, "flores"),
        ({"hub": "ai4bharat/IN22-Conv", "split": "test"}, "in22"),
        ({"hub": "mteb/NTREX"}, "ntrex"),
        ({"hub": "google/wmt24pp"}, "wmt24pp"),
        ({"hub": "Helsinki-NLP/tatoeba_mt"}, "tatoeba-test"),
        ({"hub": "wmt/wmt14", "split": "test"}, "newstest"),
        ({"hub": "cfilt/iitb-english-hindi", "split": "validation"}, "iitb-test"),
        ({"path": "data/en-hi.ntrex128.tsv"}, "ntrex"),
        ({"path": "newstest2019-ref.spa.txt"}, "newstest"),
        ({"source_path": "devtest/eng_Latn.devtest", "target_path": "x"}, "flores"),
        ({"source_path": "x.en", "target_path": "flores200/spa.txt"}, "flores"),
        ({"path": "tatoeba-test-v2021.eng-spa.tsv"}, "tatoeba-test"),
    ],
)
def test_a_benchmark_is_no_training_data_unless_named(entry, name):
    entry = Entry.model_validate(entry)
    found = benchmark_of(entry)
    assert found is not None
    assert found[0] == name
    with pytest.raises(DataError, match=rf"allow_benchmarks: \[{name}\]"):
        refuse_benchmarks([entry], ["another"])
    refuse_benchmarks([entry], [name])
    refuse_benchmarks([entry], [found[1]])


@pytest.mark.parametrize(
    "entry",
    [
        {"hub": "wmt/wmt14", "split": "train"},
        {"hub": "cfilt/iitb-english-hindi"},
        {"hub": "Helsinki-NLP/opus_books"},
        {"path": "en-es.manythings.tsv"},
        {"path": "news.tsv"},
        {"path": "/home/flores-lopez/work/rows.csv"},
        {"path": "my.dev"},
        {"phrasebook": "en-es"},
    ],
)
def test_other_data_is_not_taken_for_one(entry):
    assert benchmark_of(Entry.model_validate(entry)) is None

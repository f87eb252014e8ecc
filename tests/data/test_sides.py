"""Sides in each other's language, refused; in another one, said; and what must not be."""

import random

import pytest

from dubash.core.errors import DataError
from dubash.core.languages import Language, LanguagePair, language
from dubash.core.types import Pair
from dubash.data.language import near_languages
from dubash.data.options import DataOptions
from dubash.data.phrasebook import phrasebook
from dubash.data.prepare import prepare
from dubash.data.sides import LEAST_BOTH, LEAST_ONE, SAMPLE, Sample, doubt


@pytest.fixture(scope="module")
def book():
    """The phrasebook's rows, English to Spanish, in an order that is always the same."""
    pair = LanguagePair(language("en"), language("es"))
    path, _ = phrasebook("en-es", pair)
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = [Pair(*line.split("\t")[1:]) for line in lines]
    random.Random(1).shuffle(rows)
    return rows


def swapped(rows):
    return [Pair(row.target, row.source) for row in rows]


def kind(rows, pair):
    found = doubt(rows, pair)
    return found and found.kind


def test_rows_as_they_are_named_raise_no_doubt(book, en_es):
    assert doubt(book[:SAMPLE], en_es) is None
    assert doubt([], en_es) is None


def test_swapped_sides_are_told_with_their_shares(book, en_es):
    found = doubt(swapped(book[:SAMPLE]), en_es)
    assert found.kind == "swapped"
    assert found.text.startswith("the columns look swapped: 100% of the source side is es, 100% of")


def test_a_side_in_the_other_s_language_is_told(book, en_es):
    spanish = [Pair(row.target, row.target) for row in book[:SAMPLE]]
    assert doubt(spanish, en_es).text.startswith("the source side looks es, not en: 100% of the ")
    english = [Pair(row.source, row.source) for row in book[:SAMPLE]]
    assert doubt(english, en_es).text.startswith("the target side looks en, not es: 100% of the ")
    assert kind(spanish, en_es) == kind(english, en_es) == "same"


def test_a_third_language_is_only_said_and_so_is_a_near_one(book):
    rows = book[:SAMPLE]
    french = LanguagePair(language("en"), language("fr"))
    assert kind(rows, french) == "other"
    # Galician may be taken for Spanish
    both_spanish = [Pair(row.target, row.target) for row in rows]
    assert kind(both_spanish, LanguagePair(language("es"), language("gl"))) == "other"
    assert near_languages("hi", "mr")
    assert not near_languages("en", "es")


def test_few_rows_say_nothing_of_one_side_and_fewer_nothing_at_all(book, en_es):
    long = [
        row
        for row in book
        if min(sum(map(str.isalpha, side)) for side in (row.source, row.target)) > 59
    ]
    assert len(long) >= LEAST_ONE
    assert kind(swapped(long[: LEAST_BOTH - 1]), en_es) is None
    assert kind(swapped(long[: 2 * LEAST_BOTH]), en_es) == "swapped"
    spanish = [Pair(row.target, row.target) for row in long]
    assert kind(spanish[: LEAST_ONE - 1], en_es) is None
    assert kind(spanish[:LEAST_ONE], en_es) == "same"


def test_short_segments_are_told_together(book, en_es):
    short = [row for row in book if max(map(len, (row.source, row.target))) < 30][:60]
    assert kind(swapped(short), en_es) == "swapped"
    assert kind(short, en_es) is None


def test_languages_that_are_not_known_or_written_otherwise_are_let_be(book):
    rows = swapped(book[:SAMPLE])
    coastal = Language("tcy-x-coast", "Coastal Tulu", ("LATIN",))
    assert doubt(rows, LanguagePair(coastal, coastal)) is None
    # Hindi in Latin letters, which the identifier has never seen
    romanised = Language("hi", "Hindi", ("LATIN",))
    assert doubt(book[:SAMPLE], LanguagePair(language("en"), romanised)) is None


def test_rows_of_which_a_third_is_swapped_are_let_be(book, en_es):
    rows = book[:SAMPLE]
    assert doubt([*swapped(rows[: SAMPLE // 3]), *rows[SAMPLE // 3 :]], en_es) is None


def test_a_sample_is_drawn_from_the_whole_stream_and_the_same_each_time():
    def drawn(seed):
        sample = Sample(seed)
        for number in range(10 * SAMPLE):
            sample.add(Pair(str(number), ""))
        return [int(row.source) for row in sample.rows]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == SAMPLE
    assert 4 * SAMPLE < sum(drawn(1)) / SAMPLE < 6 * SAMPLE


@pytest.mark.parametrize(
    "name",
    ["en-es.gnome-help", "en-es.manythings", "en-hi.storyweaver", "en-ja.gnome-help",
     "en-kn.storyweaver", "hi-gu.software-ui", "hi-gu.mozilla-web",
     "hi-gu.glossary-cldr"],
)  # fmt: skip
def test_real_rows_are_told_from_swapped_ones(name, shared_data):
    rows, pair = real(shared_data, name)
    assert doubt(rows, pair) is None
    assert kind(swapped(rows), pair) == "swapped"


@pytest.mark.parametrize("name", ["en-es.glossary-cldr", "en-ja.glossary-tekton"])
def test_lists_of_names_raise_no_doubt(name, shared_data):
    assert doubt(*real(shared_data, name)) is None


def real(folder, name):
    """The first rows of a real file, and its languages."""
    source, target = name.partition(".")[0].split("-")
    lines = (folder / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [Pair(*line.split("\t")[:2]) for line in lines[:SAMPLE]]
    return rows, LanguagePair(language(source), language(target))


# -- where rows are prepared ---------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, en_es, book):
    """`run(…)`: prepare these options; `rows.csv` holds English and Spanish, `test.tsv` more."""
    lines = [f'"{row.source}","{row.target}"' for row in book[:300] if '"' not in str(row)]
    (tmp_path / "rows.csv").write_text("\n".join(["english,spanish", *lines]), encoding="utf-8")
    more = "".join(f"{row.target}\t{row.source}\n" for row in book[300:450])
    (tmp_path / "test.tsv").write_text(more, encoding="utf-8")

    def prepared(columns=("english", "spanish"), **options):
        entry = {
            "path": "rows.csv",
            "columns": dict(zip(("source", "target"), columns, strict=True)),
        }
        asked = DataOptions.model_validate(
            {"train": [entry], "dev_rows": 5, "test_rows": 9} | options
        )
        return prepare(asked, en_es, "translation", tmp_path, tmp_path / "data")

    return prepared


def test_swapped_columns_are_refused_and_nothing_is_written(run, tmp_path):
    with pytest.raises(DataError) as caught:
        run(("spanish", "english"))
    assert str(caught.value).startswith("rows.csv: the columns look swapped: 100% of the source")
    assert str(caught.value).endswith(
        "Swap columns source and target in data.train; if you know better, set "
        "data.check_languages: false."
    )
    assert not (tmp_path / "data").exists()


def test_who_knows_better_may_go_on_and_who_asks_again_is_told_again(run):
    given = run(("spanish", "english"), check_languages=False)
    assert given == run(("spanish", "english"), check_languages=False)
    with pytest.raises(DataError, match=r"data\.check_languages"):
        run(("spanish", "english"))


def test_given_test_rows_are_looked_at_too(run):
    with pytest.raises(DataError, match=r"^test\.tsv: the columns look swapped.* in data\.test;"):
        run(test=["test.tsv"])
    columns = {"source": 1, "target": 0}
    assert run(test=[{"path": "test.tsv", "columns": columns}]).account["doubts"] == []


def test_the_two_files_of_moses_are_swapped_by_their_paths(run, tmp_path, book):
    for name, side in (("a.en", "source"), ("a.es", "target")):
        text = "".join(f"{getattr(row, side)}\n" for row in book[:200])
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"Swap source_path and target_path in data\.train;"):
        run(train=[{"source_path": "a.es", "target_path": "a.en"}])


def test_a_third_language_is_a_warning_that_is_kept(tmp_path, book, capsys):
    text = "".join(f"{row.source}\t{row.target}\n" for row in book[:300])
    (tmp_path / "rows.tsv").write_text(text, encoding="utf-8")
    options = DataOptions.model_validate({"train": ["rows.tsv"], "dev_rows": 5, "test_rows": 9})
    pair = LanguagePair(language("en"), language("fr"))
    account = prepare(options, pair, "translation", tmp_path, tmp_path / "data").account
    (told,) = account["doubts"]
    assert told.startswith("rows.tsv: the target side looks es, not fr: 100% of the ")
    assert f"warning: {told}" in capsys.readouterr().err

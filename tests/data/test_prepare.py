import json
import os

import pytest

from dubash.core.errors import DataError, LeakError
from dubash.core.files import read_jsonl
from dubash.core.languages import Language, LanguagePair, language
from dubash.core.types import Pair
from dubash.data.frozen import typical_sources
from dubash.data.options import DataOptions
from dubash.data.prepare import load, prepare
from dubash.data.splits import fingerprint

SMALL = {"dev_rows": 5, "test_rows": 10}


def tsv(rows):
    return "".join(f"{row.source}\t{row.target}\n" for row in rows)


@pytest.fixture
def run(tmp_path, en_es):
    """`run(train=[…], …)`: prepare these options in a folder of the test's own."""

    def prepared(folder="data", task="translation", **options):
        options = DataOptions.model_validate(SMALL | options)
        return prepare(options, en_es, task, tmp_path, tmp_path / "runs" / folder)

    return prepared


def test_every_row_read_is_kept_or_dropped_with_its_reason(run, tmp_path, distinct_rows):
    rows = distinct_rows(100)
    broken = "only one column\n"
    content = tsv(rows) + tsv([rows[3], Pair("", "x"), Pair("hola", "नमस्ते दोस्त")]) + broken
    (tmp_path / "rows.tsv").write_text(content)
    found = run(train=["rows.tsv"], max_rows=50)
    account = found.account
    assert account["read"] == 104
    assert account["dropped"] == {
        "past max_rows": 35, "duplicate": 1, "empty": 1, "wrong script": 1, "malformed": 1,
    }  # fmt: skip
    assert [len(found.train), len(found.dev), len(found.test)] == [50, 5, 10]
    assert account["files"][0]["bad_rows"] == 1
    assert account["splits"]["test"]["fingerprint"] == fingerprint(found.test)
    assert account["splits"]["train"]["source_characters"] == sum(
        len(r.source) for r in found.train
    )
    dropped = list(read_jsonl(tmp_path / "runs" / "data" / "dropped.jsonl"))
    assert len(dropped) + 65 == 104
    malformed = next(row for row in dropped if row["reason"] == "malformed")
    assert malformed["source"] == "only one column"
    assert malformed["origin"] == "rows.tsv:104"
    assert malformed["detail"] == "1 column where 2 are expected"
    assert load(tmp_path / "runs" / "data") == found
    assert sorted(os.listdir(tmp_path / "runs" / "data")) == [
        "account.json", "dev.jsonl", "dropped.jsonl", "test.jsonl", "train.jsonl",
    ]  # fmt: skip


def test_frozen_rows_are_loaded_again_and_never_changed(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))
    first = run(train=["rows.tsv"])
    stamp = (tmp_path / "runs/data/test.jsonl").stat().st_mtime_ns
    assert run(train=["rows.tsv"]) == first
    assert (tmp_path / "runs/data/test.jsonl").stat().st_mtime_ns == stamp
    with pytest.raises(DataError, match=r"would change: data\.seed is another"):
        run(train=["rows.tsv"], seed=2)
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(61)))
    with pytest.raises(DataError, match=r"the file rows\.tsv has changed.*new run\.name"):
        run(train=["rows.tsv"])
    assert load(tmp_path / "runs/data") == first
    assert run(folder="other", train=["rows.tsv"]) != first


def test_where_a_file_stands_makes_no_difference_but_its_name_and_content_do(
    run, tmp_path, distinct_rows
):
    for name in ("rows.tsv", "deep/rows.tsv", "other.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(tsv(distinct_rows(60)))
    first = run(train=["rows.tsv"])
    assert run(train=["deep/rows.tsv"]) == first
    with pytest.raises(DataError, match=r"data\.train is another"):
        run(train=["other.tsv"])
    (tmp_path / "deep/rows.tsv").write_text(tsv(distinct_rows(61)))
    with pytest.raises(DataError, match=r"the file rows\.tsv has changed"):
        run(train=["deep/rows.tsv"])


def test_a_language_described_in_another_way_is_another(tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))
    options = DataOptions.model_validate(SMALL | {"train": ["rows.tsv"]})

    def prepared(script):
        pair = LanguagePair(language("en"), Language("tcy-x-coast", "Coastal Tulu", (script,)))
        return prepare(options, pair, "translation", tmp_path, tmp_path / "data")

    assert prepared("LATIN") == prepared("LATIN")
    with pytest.raises(DataError, match="would change: languages is another"):
        prepared("KANNADA")


def test_what_is_typical_comes_from_all_of_the_training_rows(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))
    trained = [pair.source for pair in run(train=["rows.tsv"]).train]
    folder = tmp_path / "runs" / "data"
    assert typical_sources(folder, 7) == trained[:: -(-len(trained) // 7)]
    assert typical_sources(folder, len(trained)) == typical_sources(folder, 10**6) == trained
    assert typical_sources(tmp_path / "nowhere", 7) == []


def test_a_frozen_split_that_was_edited_is_refused(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))
    run(train=["rows.tsv"])
    path = tmp_path / "runs/data/test.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match=r"test\.jsonl: the frozen rows have been changed"):
        run(train=["rows.tsv"])
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        load(tmp_path / "runs/data")
    with pytest.raises(DataError, match="no prepared data"):
        load(tmp_path / "runs/nothing")


def test_a_folder_of_other_things_is_left_alone(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))
    (tmp_path / "runs/data").mkdir(parents=True)
    (tmp_path / "runs/data/mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other things"):
        run(train=["rows.tsv"])
    assert (tmp_path / "runs/data/mine.txt").read_text() == "mine"


def test_given_test_rows_are_kept_as_they_are(run, tmp_path, distinct_rows):
    rows = distinct_rows(80)
    odd = [rows[60], rows[60], Pair("Tom", "Tom"), Pair("x", "नमस्ते"), Pair("", "y")]
    (tmp_path / "train.tsv").write_text(tsv(rows[:60]))
    (tmp_path / "test.tsv").write_text(tsv(odd))
    found = run(train=["train.tsv"], test=["test.tsv"])
    assert [(row.source, row.target) for row in found.test] == [
        (row.source, row.target) for row in odd[:4]
    ]
    assert len(found.dev) == 5
    assert found.account["dropped"] == {"empty": 1}


def test_a_leak_stops_the_run_and_nothing_is_written(run, tmp_path, distinct_rows):
    rows = distinct_rows(60)
    (tmp_path / "train.tsv").write_text(tsv(rows))
    (tmp_path / "test.tsv").write_text(tsv([Pair(rows[7].source.upper(), "otra cosa")]))
    with pytest.raises(LeakError, match=r"test\.tsv:1 \(test\) = train\.tsv:8 \(train\)"):
        run(train=["train.tsv"], test=["test.tsv"])
    assert sorted(os.listdir(tmp_path)) == ["test.tsv", "train.tsv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\nbroken\n", r"1 of 2 rows are malformed.* rows\.tsv:2: 1 column"),
        ("source\ttarget\n", r"rows\.tsv: no rows in it"),
        ("hello\t\n\tworld\n", r"data\.train: no row is left of 2 read, 2 dropped: 2 empty"),
        ("hello there\thola amigo\n", r"1 row is too few \(1 read\): data"),
        ("Hi.\tHola.\n" * 60, r"1 row is too few \(60 read, 59 dropped: 59 duplicate\): data"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(run, tmp_path, content, message):
    (tmp_path / "rows.tsv").write_text(content)
    with pytest.raises(DataError, match=message):
        run(train=["rows.tsv"])
    assert os.listdir(tmp_path) == ["rows.tsv"]


def test_malformed_rows_up_to_the_stated_share_are_set_aside(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(98)) + "bad\nbad\n")
    with pytest.raises(DataError, match=r"allows 1\.00%.*rows\.tsv:99: 1 column.*max_bad_rows"):
        run(train=["rows.tsv"])
    assert run(train=["rows.tsv"], max_bad_rows=0.02).account["dropped"] == {"malformed": 2}


ACCENTED = [("The coffee is ready.", "El café está listo."), ("He left early.", "Salió temprano.")]


def encoded(rows, encoding, repeated=20):
    return "".join(
        f"{one} {n}\t{other} {n}\n" for n in range(repeated) for one, other in rows
    ).encode(encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_what_is_not_utf_8_is_to_be_saved_so_not_left_out(run, tmp_path, encoding):
    rows = [("Good morning!", "Buenos dias!"), *ACCENTED]
    (tmp_path / "rows.tsv").write_bytes(encoded(rows, encoding))
    with pytest.raises(DataError) as caught:
        run(train=["rows.tsv"])
    assert str(caught.value) == (
        "rows.tsv:2: not UTF-8; it looks like Windows-1252: 40 of 60 rows cannot be read, first "
        "'The coffee is ready. 0\tEl caf\\xe9 est\\xe1 listo. 0'. Save it as UTF-8."
    )


def test_the_other_side_of_a_pair_of_moses_files_may_be_the_one_not_in_utf_8(run, tmp_path):
    (tmp_path / "a.en").write_text("Coffee\n" * 9)
    (tmp_path / "a.es").write_bytes("Té\nCafé\nSí\n".encode("cp1252") * 3)
    with pytest.raises(DataError, match=r"^a\.es:1: not UTF-8; it looks like Windows-1252: 9 of 9"):
        run(train=[{"source_path": "a.en", "target_path": "a.es"}])


@pytest.mark.parametrize("encoding", ["cp1251", "shift_jis", "cp1256", "koi8-r"])
def test_no_encoding_is_guessed_that_it_cannot_be(run, tmp_path, encoding):
    text = {"shift_jis": "駅はどこですか。", "cp1256": "أين المحطة من فضلك"}.get(
        encoding, "Где вокзал"
    )
    (tmp_path / "rows.tsv").write_bytes(encoded([("Where is the station?", text)], encoding))
    with pytest.raises(DataError, match=r"^rows\.tsv:1: not UTF-8: 20 of 20 rows .* UTF-8\.$"):
        run(train=["rows.tsv"])


def test_nor_for_languages_with_code_pages_of_their_own(tmp_path):
    (tmp_path / "rows.tsv").write_bytes(encoded([("Good evening.", "Dobrý večer.")], "cp1250"))
    options = DataOptions.model_validate(SMALL | {"train": ["rows.tsv"]})
    pair = LanguagePair(language("en"), language("cs"))
    with pytest.raises(DataError, match=r"^rows\.tsv:1: not UTF-8: 20 of 20 rows"):
        prepare(options, pair, "translation", tmp_path, tmp_path / "data")


def test_a_stray_byte_within_the_share_costs_its_row_only(run, tmp_path, distinct_rows):
    (tmp_path / "rows.tsv").write_bytes(tsv(distinct_rows(99)).encode() + b"Coffee\tCaf\xe9\n")
    assert run(train=["rows.tsv"]).account["dropped"] == {"malformed": 1}


def test_a_header_over_numbered_columns_is_told_and_is_no_malformed_row(
    run, tmp_path, distinct_rows
):
    (tmp_path / "rows.csv").write_text(
        "English,Spanish\n" + tsv(distinct_rows(40)).replace("\t", ",")
    )
    columns = {"source": 0, "target": 1}
    account = run(train=[{"path": "rows.csv", "columns": columns}]).account
    assert (account["read"], account["dropped"]) == (41, {"header": 1})
    assert account["files"][0]["bad_rows"] == 0
    (dropped,) = read_jsonl(tmp_path / "runs" / "data" / "dropped.jsonl")
    assert (dropped["source"], dropped["origin"]) == ("English,Spanish", "rows.csv:1")


def test_a_failed_write_leaves_nothing(run, tmp_path, distinct_rows, monkeypatch):
    (tmp_path / "rows.tsv").write_text(tsv(distinct_rows(60)))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            run(train=["rows.tsv"])
    assert os.listdir(tmp_path / "runs") == []
    assert len(run(train=["rows.tsv"]).test) == 10


def test_instructions_keep_their_lines_and_their_language(run, tmp_path, distinct_rows):
    rows = [
        {"instruction": row.source, "input": "", "output": f"<b>\n  {row.target}\n</b>"}
        for row in distinct_rows(60)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = run(task="instruction", train=["rows.jsonl"])
    assert found.account["dropped"] == {}
    assert found.test[0].target.startswith("<b>\n  ")


def test_benchmarks_are_refused_for_training_only(run, tmp_path, distinct_rows):
    rows = distinct_rows(70)
    (tmp_path / "train.tsv").write_text(tsv(rows[:60]))
    (tmp_path / "ntrex128.tsv").write_text(tsv(rows[60:]))
    with pytest.raises(DataError, match="benchmark 'ntrex'"):
        run(train=["train.tsv", "ntrex128.tsv"])
    assert len(run(train=["train.tsv"], test=["ntrex128.tsv"]).test) == 10
    allowed = run("on-purpose", train=["train.tsv", "ntrex128.tsv"], allow_benchmarks=["ntrex"])
    assert allowed.account["read"] == 70


def test_stories_are_prepared_against_ntrex(shared_data, tmp_path, en_es):
    options = DataOptions.model_validate(
        {"train": ["en-es.gnome-help.tsv"], "test": ["en-es.ntrex128.tsv"], "dev_rows": 100}
    )
    found = prepare(options, en_es, "translation", shared_data, tmp_path / "data")
    assert len(found.test) == 1997
    assert 0 < len(found.dev) <= 100
    account = found.account
    kept = sum(split["rows"] for split in account["splits"].values())
    assert kept + sum(account["dropped"].values()) == account["read"] == 3605 + 1997

"""Monolingual text: what is read, dropped, split and held against leaks, by its targets alone."""

import json

import pytest

from dubash.core.errors import DataError, LeakError
from dubash.core.types import Pair
from dubash.data.dedup import remove_duplicates
from dubash.data.filters import text_drop_reason
from dubash.data.leaks import guard
from dubash.data.options import DataOptions, FilterOptions
from dubash.data.prepare import prepare
from dubash.data.read import read_entry
from dubash.data.rows import BadRow
from dubash.data.splits import Splits, groups

LONG = "El tren de las nueve sale del andén cuatro."


def text(target, origin="", document=""):
    return Pair("", target, document, origin)


@pytest.fixture
def read(tmp_path, en_es):
    """`read(content, name, columns=…)`: the rows of a file under task: text."""

    def run(content, name, **settings):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        (entry,) = DataOptions.model_validate({"train": [{"path": name, **settings}]}).train
        return list(read_entry(entry, en_es, "text", tmp_path)[1])

    return run


def test_a_text_file_holds_one_segment_a_line(read):
    rows = read("Hola,\tamigo.\n\nAdiós.\n".encode() + b"Ma\xf1ana.\n", "libro.txt")
    assert rows == [
        text("Hola,\tamigo.", "libro.txt:1"),
        text("Adiós.", "libro.txt:3"),
        BadRow("libro.txt:4", "not UTF-8 (byte 0xf1)", "Ma\\xf1ana."),
    ]
    assert read("Hola.\n", "libro.es", format="text") == [text("Hola.", "libro.es:1")]


def test_jsonl_has_a_column_text_and_others_are_named(read):
    rows = [{"text": "Hola.", "document": "a"}, {"text": 1}]
    first, second = read("\n".join(map(json.dumps, rows)), "rows.jsonl")
    assert first == text("Hola.", "rows.jsonl:1", "a")
    assert second == BadRow("rows.jsonl:2", "'text' is a number, not text", '{"text": 1}')
    assert read('{"body": "Hola."}', "b.jsonl", columns={"target": "body"}) == [
        text("Hola.", "b.jsonl:1")
    ]


def test_tables_name_the_column_or_have_one_called_text(read):
    assert read("id,text\n1,Hola.\n", "a.csv") == [text("Hola.", "a.csv:2")]
    assert read("id\tes\n1\tHola.\n", "a.tsv", columns={"target": "es"}) == [
        text("Hola.", "a.tsv:2")
    ]
    assert read("1\tHola.\n", "b.tsv", columns={"target": 1, "document": 0}) == [
        text("Hola.", "b.tsv:1", "1")
    ]
    with pytest.raises(DataError, match=r"no column 'text'; found: 'id', 'es'.*target: …"):
        read("id,es\n1,Hola.\n", "c.csv")
    with pytest.raises(DataError, match=r"Add format: text, jsonl, csv or tsv\."):
        read("Hola.\n", "libro.es")


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("Hola, ¿qué tal?", None),
        ("", "empty"),
        ("palabra " * 20, "too long"),
        ("Campana\x07", "control characters"),
        ("<p>Hola</p>", "markup"),
        ("Привет, как дела", "wrong script"),
    ],
)
def test_each_filter_that_makes_sense_for_text_has_its_reason(en_es, segment, reason):
    limits = FilterOptions(max_characters=100)
    assert text_drop_reason(segment, limits, en_es.target) == reason


def test_duplicates_are_found_by_the_text_alone():
    near = LONG.replace("cuatro", "cuatros")
    kept, gone = remove_duplicates([text(LONG), text(LONG.upper()), text(near), text("Sí.")], 0.8)
    assert len(kept) == 2
    assert sorted(each.reason for each in gone) == ["duplicate", "near-duplicate"]


def test_having_no_source_ties_no_rows_together():
    assert groups([text("uno"), text("dos"), text("tres")]) == [[0], [1], [2]]
    assert groups([text(LONG), text("dos"), text(LONG.upper())]) == [[0, 2], [1]]
    assert groups([text("uno", document="a"), text("dos", document="a")]) == [[0, 1]]


def test_the_leak_guard_holds_texts_but_not_the_missing_source():
    account = guard(Splits([text("Uno."), text("Sí.")], [], [text("Dos."), text("sí")]), 0.8)
    assert account["short_targets"] == {"train-test": 1}
    near = [text(LONG.replace("cuatro", "cuatros"))]
    account = guard(Splits([text(LONG)], [], near), 0.8)
    assert account["near_duplicates"]["train-test"]["count"] == 1
    with pytest.raises(LeakError, match=r"1 test row stands in train \(1 with the same target\)"):
        guard(Splits([text(LONG)], [], [text(LONG.upper())]), 0.8)


def test_text_is_prepared_split_and_accounted_for(tmp_path, en_es, distinct_rows):
    lines = [row.target for row in distinct_rows(60)]
    (tmp_path / "libro.txt").write_text("\n".join([*lines, lines[0], "<b>x</b>"]))
    options = DataOptions.model_validate({"train": ["libro.txt"], "dev_rows": 5, "test_rows": 10})
    found = prepare(options, en_es, "text", tmp_path, tmp_path / "run")
    assert found.account["dropped"] == {"markup": 1, "duplicate": 1}
    assert [len(found.train), len(found.dev), len(found.test)] == [45, 5, 10]
    assert {row.source for row in found.train} == {""}
    assert prepare(options, en_es, "text", tmp_path, tmp_path / "run") == found
    with pytest.raises(DataError, match="task is another"):
        prepare(options, en_es, "instruction", tmp_path, tmp_path / "run")


@pytest.mark.parametrize(
    ("entry", "task", "reason"),
    [
        ({"path": "a.txt", "format": "text"}, "translation", "goes with task: text only"),
        ({"path": "a.csv", "columns": {"target": "b"}}, "translation", "columns.source is missing"),
        ({"path": "a.csv", "columns": {"target": "b"}}, "instruction", "columns.source is missing"),
        ({"source_path": "a", "target_path": "b"}, "text", "source_path is for pairs"),
        ({"phrasebook": "en-es"}, "text", "phrasebook is for pairs"),
        ({"path": "a.jsonl", "format": "alpaca"}, "text", "does not go with task: text"),
        ({"path": "a", "columns": {"source": 0, "target": 1}}, "text", "source is not read"),
        ({"path": "a", "columns": {"target": 1}}, "text", None),
        ({"hub": "a/b"}, "text", None),
        ({"phrasebook": "en-es"}, "translation", None),
    ],
)
def test_entries_that_do_not_go_with_the_task_are_named(tmp_path, en_es, entry, task, reason):
    options = DataOptions.model_validate({"train": ["a.txt"], "test": [entry]})
    said = options.unfit(task)
    if reason is None:
        assert said is None
        return
    assert reason in said
    assert said.startswith("data.test (")
    with pytest.raises(DataError, match=r"data\.test"):
        prepare(options, en_es, task, tmp_path, tmp_path / "run")

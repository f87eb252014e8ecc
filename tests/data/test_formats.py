import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.core.types import Pair
from dubash.data.options import Entry
from dubash.data.read import read_entry
from dubash.data.rows import HEADER, BadRow


@pytest.fixture
def read(tmp_path, en_es):
    """`read(content, name, columns=…)`: what comes of a file of that content."""

    def run(content, name="rows.tsv", task="translation", **settings):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        entry = Entry.model_validate({"path": name, **settings})
        return list(read_entry(entry, en_es, task, tmp_path)[1])

    return run


def test_a_tsv_without_header_has_source_and_target_and_maybe_a_document(read):
    assert read("Hi\tHola\nBye\tAdiós\n") == [
        Pair("Hi", "Hola", "", "rows.tsv:1"),
        Pair("Bye", "Adiós", "", "rows.tsv:2"),
    ]
    assert read("Hi\tHola\td1\n") == [Pair("Hi", "Hola", "d1", "rows.tsv:1")]


def test_a_header_of_source_and_target_is_seen(read):
    content = "document\tsource\ttarget\nclinic\tHi\tHola\n"
    assert read(content) == [Pair("Hi", "Hola", "clinic", "rows.tsv:2")]


def test_columns_by_number(read):
    rows = read("x\tHola\tHi\n", columns={"source": 2, "target": 1})
    assert rows == [Pair("Hi", "Hola", "", "rows.tsv:1")]


@pytest.mark.parametrize(
    "header", ["english\tspanish", "EN\tES", "Spanish\tEnglish", "src\ttgt", "Source_text\tTarget "]
)
def test_a_header_where_columns_go_by_number_is_set_aside(read, header):
    first, row = read(f"{header}\nHi\tHola\n", columns={"source": 0, "target": 1})
    assert first == BadRow("rows.tsv:1", HEADER, header)
    assert row == Pair("Hi", "Hola", "", "rows.tsv:2")


def test_so_is_one_of_a_tsv_of_pairs(read):
    assert read("src\ttgt\nHi\tHola\n")[0] == BadRow("rows.tsv:1", HEADER, "src\ttgt")


@pytest.mark.parametrize("row", ["English\tinglés", "en\ten", "source\tfuente", "Hi\tes"])
def test_a_first_row_that_only_begins_like_a_header_is_a_row(read, row):
    source, target = row.split("\t")
    assert read(f"{row}\nenglish\tspanish\n", columns={"source": 0, "target": 1}) == [
        Pair(source, target, "", "rows.tsv:1"),
        Pair("english", "spanish", "", "rows.tsv:2"),
    ]


def test_csv_quotes_embedded_newlines_and_line_numbers(read):
    content = 'id,english,spanish\n1,"Hi, you","Hola,\n""tú"""\n\n2,Bye,Adiós\n'
    assert read(content, "a.csv", columns={"source": "english", "target": "spanish"}) == [
        Pair("Hi, you", 'Hola,\n"tú"', "", "a.csv:2"),
        Pair("Bye", "Adiós", "", "a.csv:5"),
    ]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


@given(st.lists(st.tuples(CELL, CELL), min_size=1))
def test_whatever_csv_writes_is_read_back(tmp_path_factory, en_es, rows):
    import csv

    folder = tmp_path_factory.mktemp("csv")
    with (folder / "a.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([("source", "target"), *rows])
    entry = Entry(path="a.csv")
    found = list(read_entry(entry, en_es, "translation", folder)[1])
    assert [(row.source, row.target) for row in found] == rows


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        ("source;target\nHi, you;Hola\n", None, [("Hi, you", "Hola")]),
        ('"id";"english";"spanish"\n1;"Hi; you";"Hola, tú"\n', ("english", "spanish"),
         [("Hi; you", "Hola, tú")]),
        ("source,target\nHi; you; there,Hola\n", None, [("Hi; you; there", "Hola")]),
        ("source,target;\nHi,Hola\n", ("source", "target;"), [("Hi", "Hola")]),
        ("Hi, you;Hola\nBye;Adiós\n", (0, 1), [("Hi, you", "Hola"), ("Bye", "Adiós")]),
        ("Hi;Hola\nBye;Adiós\n", (0, 1), [("Hi", "Hola"), ("Bye", "Adiós")]),
        # both part all rows alike: it stays a CSV of commas
        ("Hi; you,Hola; tú\nNo; you,No; tú\n", (0, 1),
         [("Hi; you", "Hola; tú"), ("No; you", "No; tú")]),
        ("Hi; you,Hola\nBye,Adiós\n", (0, 1), [("Hi; you", "Hola"), ("Bye", "Adiós")]),
    ],
)  # fmt: skip
def test_semicolons_part_a_csv_where_its_first_rows_leave_no_doubt(read, content, columns, rows):
    named = columns and {"columns": {"source": columns[0], "target": columns[1]}}
    found = read(content, "a.csv", **(named or {}))
    assert [(row.source, row.target) for row in found] == rows


@pytest.mark.parametrize("name", ["a.xlsx", "A.XLS", "a.ods"])
def test_a_spreadsheet_is_to_be_saved_as_csv(read, name):
    with pytest.raises(DataError, match=rf"{name}: a spreadsheet, not text\. Save it as CSV"):
        read(b"PK\x03\x04...", name)


def test_a_stray_quote_costs_its_own_line_only(read):
    content = 'source,target\nHi,"Hola\nBye,Adiós\nYes,Sí\n'
    bad, *good = read(content, "a.csv")
    assert isinstance(bad, BadRow)
    assert bad.origin == "a.csv:2"
    assert bad.raw == 'Hi,"Hola'
    assert [(row.source, row.origin) for row in good] == [("Bye", "a.csv:3"), ("Yes", "a.csv:4")]


def test_a_byte_order_mark_and_windows_line_ends_are_no_text(read):
    content = b"\xef\xbb\xbfsource,target\r\nHi,Hola\r\n"
    assert read(content, "a.csv") == [Pair("Hi", "Hola", "", "a.csv:2")]
    assert read(b"\xef\xbb\xbfHi\tHola\r\n") == [Pair("Hi", "Hola", "", "rows.tsv:1")]


def test_jsonl_with_nested_columns(read):
    line = json.dumps({"translation": {"en": "Hi", "es": "Hola"}, "doc": 7})
    assert read(line, "a.jsonl") == [Pair("Hi", "Hola", "", "a.jsonl:1")]
    columns = {"source": "translation.en", "target": "translation.es", "document": "doc"}
    assert read(line, "a.jsonl", columns=columns) == [Pair("Hi", "Hola", "7", "a.jsonl:1")]


@pytest.mark.parametrize("header", ["source,target", "en,es", "English,Spanish", "english,spanish"])
def test_a_csv_header_of_the_languages_is_seen(read, header):
    assert read(f"{header}\nHi,Hola\n", "a.csv") == [Pair("Hi", "Hola", "", "a.csv:2")]


def test_a_csv_without_known_columns_is_refused_not_read_with_its_header_as_a_row(read):
    with pytest.raises(DataError, match="found: 'left', 'right'"):
        read("left,right\nHi,Hola\n", "a.csv")


def test_alpaca_puts_the_input_under_the_instruction(read):
    rows = [
        {"instruction": "Add.", "input": "2 and 3", "output": "5"},
        {"instruction": "Greet.", "input": "", "output": "Hello"},
    ]
    content = "\n".join(map(json.dumps, rows))
    assert read(content, "a.jsonl", task="instruction") == [
        Pair("Add.\n\n2 and 3", "5", "", "a.jsonl:1"),
        Pair("Greet.", "Hello", "", "a.jsonl:2"),
    ]


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("a.tsv", b"only one column", "1 column where 2 are expected"),
        ("a.tsv", b"one\ttwo\tthree", "3 columns where 2 are expected"),
        ("a.tsv", b"Adi\xf3s\tHi", "not UTF-8 (byte 0xf3)"),
        ("a.csv", b"one,two,three", "3 columns where 2 are expected"),
        ("a.csv", b"Adi\xf3s,Hi", "not UTF-8 (byte 0xf3)"),
        ("a.csv", b'"x"y,z', "not valid CSV (',' expected after '\"')"),
        ("a.jsonl", b'{"source": "x", ', "broken JSON"),
        ("a.jsonl", b'["x", "y"]', "not a JSON object"),
        ("a.jsonl", b'{"source": "x"}', "'target' is missing"),
        ("a.jsonl", b'{"source": "x", "target": null}', "'target' is null, not text"),
        ("a.jsonl", b'{"source": "x", "target": 3}', "'target' is a number, not text"),
        ("a.jsonl", b'{"source": "x", "target": "\\ud83d"}', "half of a surrogate pair"),
        ("a.jsonl", b'{"source": "x", "target": "a\\u0000b"}', "a NUL character"),
        ("a.jsonl", b"[" * 100_000, "broken JSON"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_malformed_row_names_its_line_and_the_rest_is_read(read, name, line, reason, place):
    good = {
        "a.tsv": b"Hi\tHola",
        "a.csv": b"Hi,Hola",
        "a.jsonl": b'{"source": "Hi", "target": "Hola"}',
    }[name]
    content = [good] * 3
    content.insert(place, line)
    # without columns a CSV has a header; these have none
    numbered = {"columns": {"source": 0, "target": 1}} if name == "a.csv" else {}
    rows = read(b"\n".join(content), name, **numbered)
    bad = rows.pop(place)
    assert isinstance(bad, BadRow)
    assert bad.origin == f"{name}:{place + 1}"
    assert bad.reason.startswith(reason)
    assert [(row.source, row.target) for row in rows] == [("Hi", "Hola")] * 3
    bad.raw.encode()  # can be written down


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"", "a.tsv: the file is empty."),
        ("a.csv", b"\xef\xbb\xbf\n \n", "a.csv: the file is empty."),
        ("a.tsv", b"a\tb\n\x00\x01", "a.tsv:2: not a text file"),
        ("a.csv", b"\x1f\x8b\x08...", "not a text file: compressed by gzip."),
        ("a.tsv", "a\tb".encode("utf-16"), "text in UTF-16"),
        (
            "a.csv",
            "inglés,español\nHi,Hola\n".encode("cp1252"),
            "a.csv:1: not UTF-8 (byte 0xe9); it looks like Windows-1252. Save it as UTF-8.",
        ),
        ("a.dat", b"a\tb", "Add format: tsv, csv, jsonl or alpaca."),
        ("a.json", b'[\n{"source": "a"}\n]', "a JSON array, not JSON Lines."),
        ("a.jsonl", b'{"a": "b"}', "no columns 'source' and 'target'"),
        ("a.tsv", b"one\ntwo\n", "no column 1: the rows have 1 column(s)"),
        ("a.csv", b"source,target,target\na,b,c\n", "the header names 'target' twice"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(read, name, content, message):
    with pytest.raises(DataError) as error:
        read(content, name)
    assert message in str(error.value)


def test_a_wrong_column_name_brings_the_nearest_right_one(read):
    columns = {"source": "english", "target": "spanih"}
    with pytest.raises(DataError) as error:
        read("id,english,spanish\n1,Hi,Hola\n", "a.csv", columns=columns)
    assert str(error.value) == (
        "a.csv:1: no column 'spanih'; found: 'id', 'english', 'spanish'. Did you mean 'spanish'?"
    )


def test_a_missing_file_brings_the_nearest_name(tmp_path, en_es):
    (tmp_path / "rows.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match=r"row\.tsv: no such file\. Did you mean 'rows\.tsv'\?"):
        read_entry(Entry(path="row.tsv"), en_es, "translation", tmp_path)
    with pytest.raises(DataError, match="this is a folder"):
        read_entry(Entry(path="."), en_es, "translation", tmp_path)


def test_moses_files_are_read_side_by_side(tmp_path, en_es):
    (tmp_path / "a.en").write_bytes(b"Hi\nBye\nNo\n")
    (tmp_path / "a.es").write_bytes(b"Hola\nAdi\xf3s\nNo")
    entry = Entry(source_path="a.en", target_path="a.es")
    first, bad, last = read_entry(entry, en_es, "translation", tmp_path)[1]
    assert first == Pair("Hi", "Hola", "", "a.en:1")
    assert last == Pair("No", "No", "", "a.en:3")
    assert bad == BadRow("a.es:2", "not UTF-8 (byte 0xf3)", "Bye\tAdi\\xf3s")


@pytest.mark.parametrize(("source", "target"), [(5, 3), (2, 4)])
def test_moses_files_of_different_length_say_both_counts(tmp_path, en_es, source, target):
    (tmp_path / "a.en").write_text("x\n" * source)
    (tmp_path / "a.es").write_text("x\n" * target)
    entry = Entry(source_path="a.en", target_path="a.es")
    with pytest.raises(DataError, match=f"a.en has {source} lines and a.es has {target}"):
        list(read_entry(entry, en_es, "translation", tmp_path)[1])


def test_a_large_file_is_streamed(tmp_path, en_es, monkeypatch):
    import tracemalloc

    (tmp_path / "a.tsv").write_text("Hello there, you\tHola, qué tal\n" * 100_000)
    rows = read_entry(Entry(path="a.tsv"), en_es, "translation", tmp_path)[1]
    tracemalloc.start()
    assert sum(1 for _ in zip(rows, range(20_000), strict=False)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_real_files_are_read_whole(shared_data, en_es):
    entry = Entry(path="en-es.gnome-help.tsv")
    rows = list(read_entry(entry, en_es, "translation", shared_data)[1])
    assert len(rows) == 3605
    assert not any(isinstance(row, BadRow) for row in rows)


@pytest.mark.parametrize("columns", [(0, 1), ("english", "spanish")])
def test_a_table_that_begins_with_no_row_at_all(tmp_path, en_es, columns):
    """No row of those looked at first can be read, one behind them can."""
    path = tmp_path / "rows.csv"
    path.write_text('"Hello" he said,Hola\n' * 120 + "Bye,Adiós\n", encoding="utf-8")
    entry = Entry.model_validate(
        {"path": str(path), "columns": dict(zip(("source", "target"), columns, strict=True))}
    )
    if columns[0] == 0:
        found = list(read_entry(entry, en_es, "translation", tmp_path)[1])
        assert sum(isinstance(each, BadRow) for each in found) == len(found) - 1
    else:
        with pytest.raises(DataError, match="none of the first 100 rows can be read"):
            list(read_entry(entry, en_es, "translation", tmp_path)[1])

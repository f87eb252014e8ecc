import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import DataError, LeakError
from dubash.core.types import Pair
from dubash.data.fingerprints import find, fingerprint_of, make, read, refuse_known, shipped, write

LONG = "The ferry to the island leaves at noon."
SET = make("ours", [LONG, "El transbordador a la isla sale al mediodía.", "Yes."])


@pytest.mark.parametrize(
    "row",
    [
        Pair(LONG, "whatever"),
        Pair("whatever", LONG),  # the other side: data of the reversed direction
        Pair("  the FERRY to the island, leaves at noon! ", "whatever"),
    ],
)
def test_a_row_of_a_benchmark_is_known_by_either_side_and_however_it_is_spelled(row):
    assert [hit.benchmark for hit in find([row], [SET])] == ["ours"]


def test_short_segments_are_common_property():
    assert find([Pair("Yes.", "Sí.")], [SET]) == []
    with pytest.raises(DataError, match="no segment of at least 20 characters"):
        make("small", ["Yes.", "No."])


def test_training_on_a_benchmark_is_refused_unless_it_is_named():
    rows = [Pair(LONG, "El barco sale.", origin="mine.tsv:7"), Pair("Good morning", "Buenos días")]
    with pytest.raises(LeakError) as error:
        refuse_known(rows, [SET], [])
    assert "1 of 'ours'" in str(error.value)
    assert "mine.tsv:7: its source stands in 'ours'" in str(error.value)
    assert "allow_benchmarks: [ours]" in error.value.fix
    refuse_known(rows, [SET], ["OURS"])
    refuse_known(rows[1:], [SET], [])


def test_what_is_written_is_read_and_holds_no_text(tmp_path):
    path = tmp_path / "ours.json"
    write(SET, path)
    assert read(path) == SET
    assert "ferry" not in path.read_text()
    write(make("ours", reversed([LONG, "El transbordador a la isla sale al mediodía."])), path)
    assert read(path) == SET  # the order of the segments plays no part


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hashes": "AAAA"}, "damaged"),
        ({"segments": 3}, "damaged"),
        ({"hashes": "not base64!"}, "no fingerprint"),
        ({"benchmark": 7}, "damaged"),
        ({"hashes": None}, "no fingerprint"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, change, said):
    path = tmp_path / "ours.json"
    write(SET, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=said):
        read(path)
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "none.json")


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_text_is_taken_for_another(texts):
    known = [text for text in texts if fingerprint_of(text)]
    benchmark = make("all", [*known, LONG])
    for text in texts:
        hit = bool(find([Pair(text, "")], [benchmark]))
        assert hit == (fingerprint_of(text) is not None)


def test_ntrex_ships_and_no_training_file_at_hand_is_taken_for_it(shared_data):
    rows = {}
    for path in sorted(shared_data.glob("*.tsv")):
        cells = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        rows[path.name] = [Pair(each[0], each[1], origin=path.name) for each in cells]
    for name, each in rows.items():
        hits = find(each, shipped())
        if "ntrex" in name:
            assert len(hits) >= 0.98 * len(each)
        elif "glossary" not in name:
            assert hits == []

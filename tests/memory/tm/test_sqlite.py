"""The memory in a file: what is added is there, found again, and survives a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.memory.tm import sqlite
from dubash.memory.tm.match import Query, fuzzy
from dubash.memory.tm.search import search
from dubash.memory.tm.sqlite import _SCHEMA, SqliteMemory
from dubash.memory.tm.trigrams import indexed, rarest, trigrams
from dubash.memory.tm.unit import TranslationUnit
from memory.units_made import units


def unit(source, target="x", **more):
    return TranslationUnit(source, target, "en", "es", **more)


def filled(path, made):
    memory = SqliteMemory(path)
    list(memory.add(made))
    return memory


@settings(max_examples=60)
@given(st.lists(units(), min_size=1, max_size=8, unique=True))
def test_what_is_added_is_what_is_there(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("memory") / "memory.db"
    with filled(path, made):
        pass
    with SqliteMemory(path) as memory:
        assert list(memory.all()) == made
        assert len(memory) == len(made)
        for each in made:
            assert each in [found for _, found in memory.exact(each.source)]


def test_what_is_there_already_is_known_also_within_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BATCH", 3)
    made = [unit("Open"), unit("Close"), unit("Open"), unit("Open", document="menu")]
    memory = SqliteMemory(tmp_path / "memory.db")
    counts = [(each.new, each.known) for each in memory.add(made)]
    assert counts == [(2, 1), (1, 0)]
    again = [(each.new, each.known) for each in memory.add(made)]
    assert again == [(0, 3), (0, 1)]
    assert len(memory) == 3


SCRIPTS = [
    ("en", "Open the file in another window.", "Open the files in another window."),
    ("hi", "फ़ाइल को नई विंडो में खोलें।", "फ़ाइल को नयी विंडो में खोलें।"),
    ("gu", "ફાઇલને નવી વિન્ડોમાં ખોલો.", "ફાઇલને નવી વિન્ડોમાં બંધ કરો."),
    ("kn", "ಕಡತವನ್ನು ಹೊಸ ಕಿಟಕಿಯಲ್ಲಿ ತೆರೆ.", "ಕಡತವನ್ನು ಹೊಸ ಕಿಟಕಿಯಲ್ಲಿ ಮುಚ್ಚಿ."),
    ("ja", "新しいウィンドウで開きます。", "新しいウィンドウで閉じます。"),
]


@pytest.mark.parametrize(("_language", "there", "asked"), SCRIPTS)
def test_a_like_segment_is_found_in_any_script(tmp_path, _language, there, asked):
    memory = filled(tmp_path / "memory.db", [unit(text) for _, text, _ in SCRIPTS])
    [match] = search(memory, Query(asked), 60, 5)
    assert match.unit.source == there
    assert match.percent == fuzzy(asked, there)


def test_exact_matches_come_first_and_once(tmp_path):
    made = [unit("Open the file"), unit("Open the file", "y"), unit("Open the files")]
    memory = filled(tmp_path / "memory.db", made)
    found = search(memory, Query("Open the file"), 70, 5)
    assert [each.percent for each in found] == [100, 100, 92]
    assert [each.percent for each in search(memory, Query("Open the file"), 70, 1)] == [100]


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20))
def test_trigrams_are_those_of_the_index(text):
    base = sqlite3.connect(":memory:")
    tokenizer = "tokenize='trigram case_sensitive 1'"
    assert tokenizer in _SCHEMA
    base.execute(f"CREATE VIRTUAL TABLE t USING fts5 (x, {tokenizer}, detail=none)")
    base.execute("INSERT INTO t VALUES (?)", [indexed(text)])
    base.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'row')")
    assert {term for (term,) in base.execute("SELECT term FROM v")} == trigrams(text)


def test_the_rarest_trigrams_come_first_and_those_beside_them_last():
    units = {"\x02ab": 5, "abc": 1, "bcd": 2, "cde": 3, "de\x03": 4}
    assert list(rarest("abcde", units)) == ["abc", "de\x03", "bcd", "cde", "\x02ab"]


@pytest.mark.parametrize("at", range(4))
def test_a_short_text_that_differs_in_one_character_is_found(tmp_path, at):
    memory = filled(tmp_path / "memory.db", [unit("保存する"), unit("開く")])
    asked = "保存する"[:at] + "無" + "保存する"[at + 1 :]
    assert [each.percent for each in search(memory, Query(asked), 70, 5)] == [75]


@pytest.mark.parametrize("content", [b"not a database at all, but text" * 40, b"SQLite"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no translation memory"):
        SqliteMemory(path)
    assert path.read_bytes() == content


def test_another_database_and_a_later_version_are_refused(tmp_path):
    path = tmp_path / "other.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE x (y)")
    base.commit()
    before = path.read_bytes()
    with pytest.raises(DataError, match="no translation memory"):
        SqliteMemory(path)
    assert path.read_bytes() == before
    with SqliteMemory(tmp_path / "memory.db"):
        pass
    base = sqlite3.connect(tmp_path / "memory.db")
    base.execute("PRAGMA user_version = 99")
    base.commit()
    with pytest.raises(DataError, match="a memory of version 99"):
        SqliteMemory(tmp_path / "memory.db")


_IMPORT = """
import sys
from pathlib import Path
from dubash.memory.tm import sqlite
from dubash.memory.tm.unit import TranslationUnit
sqlite.BATCH = 200
memory = sqlite.SqliteMemory(Path(sys.argv[1]))
made = (TranslationUnit(f"segment number {n} of many", "x", "en", "es") for n in range(10**7))
for added in memory.add(made):
    print(added.new, flush=True)
"""


def test_a_kill_in_mid_import_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "memory.db"
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", _IMPORT, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = sum(int(process.stdout.readline()) for _ in range(3))
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += sum(int(line) for line in process.stdout.read().split())
        process.wait()
        with SqliteMemory(path) as memory:
            assert len(memory) >= acknowledged
            held = {each.source for each in memory.all()}
            assert all(f"segment number {n} of many" in held for n in range(acknowledged))
        path.unlink()


def test_units_of_one_source_keep_their_own_facts(tmp_path):
    one = unit("Open", facts=(("note", "a menu"),), origin="a.tmx:1", creator="ana")
    other = replace(one, target="y", facts=(), origin="b.tmx:9")
    memory = filled(tmp_path / "memory.db", [one, other])
    assert [found for _, found in memory.exact("Open")] == [one, other]
    assert memory.count("creator") == {("ana",): 2}

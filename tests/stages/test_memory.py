"""`dubash tm`: files in, matches and files out."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dubash.core.errors import DataError, UserError
from dubash.core.files import read_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.data.options import Columns
from dubash.memory.tm.match import Query
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.search import search
from dubash.memory.tm.unit import TranslationUnit
from dubash.stages.memory import export, import_files, search_memory, stats

PAIR = LanguagePair(language("en"), language("es"))
ROWS = "Open the file.\tAbra el archivo.\nClose the window.\tCierre la ventana.\n\tnada\n"


@pytest.fixture
def memory(tmp_path):
    (tmp_path / "old.tsv").write_text(ROWS, encoding="utf-8")
    import_files(str(tmp_path / "memory.db"), [tmp_path / "old.tsv"], PAIR)
    return str(tmp_path / "memory.db")


def test_an_import_counts_what_is_new_known_and_set_aside(memory, capsys):
    import_files(memory, [Path(memory).parent / "old.tsv"], PAIR)
    told = capsys.readouterr().err
    assert "0 new, 2 known already, 1 set aside" in told
    assert "old.tsv:3: empty source" in told
    kept, again = read_jsonl(Path(memory).parent / "memory.db.set-aside.jsonl")
    assert (kept["reason"], kept["raw"]) == ("empty source", "nada")
    assert again == kept  # of the second import


def test_a_search_prints_the_match_with_its_percent_and_origin(memory, capsys):
    assert search_memory(memory, "Open the files.", 70, 5, as_json=False) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "  93% Open the file."
    assert second.strip() == "Abra el archivo."
    assert third.strip().endswith("old.tsv:1")
    assert search_memory(memory, "Open the file.", 70, 5, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["percent"], found["target"]) == (100, "Abra el archivo.")


def test_a_search_that_finds_nothing_ends_with_1(memory, capsys):
    assert search_memory(memory, "Something else", 70, 5, as_json=False) == 1
    assert "no match of 70% or more" in capsys.readouterr().err


def test_an_export_can_be_imported_elsewhere(memory, tmp_path, capsys):
    export(memory, tmp_path / "memory.tmx", None)
    import_files(str(tmp_path / "other.db"), [tmp_path / "memory.tmx"], PAIR)
    assert "2 new" in capsys.readouterr().err


def test_several_pairs_need_to_be_named(memory, tmp_path):
    hindi = LanguagePair(language("en"), language("hi"))
    (tmp_path / "hi.csv").write_text("english,hindi\nOpen,खोलें\n", encoding="utf-8")
    import_files(memory, [tmp_path / "hi.csv"], hindi, columns=Columns(source=0, target=1))
    with pytest.raises(UserError, match=r"several pairs \(en-es, en-hi\)"):
        export(memory, tmp_path / "all.tmx", None)
    assert search_memory(memory, "Open", 70, 5, as_json=False, languages=PAIR) == 1
    assert search_memory(memory, "Open", 70, 5, as_json=False, languages=hindi) == 0
    export(memory, tmp_path / "hi.tsv", hindi)
    assert (tmp_path / "hi.tsv").read_text(encoding="utf-8").splitlines()[1].startswith("Open\t")


def test_stats_count_units_pairs_and_documents(memory, capsys):
    capsys.readouterr()
    stats(memory, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "units": 2, "pairs": {"en-es": 2}, "documents": {}, "creators": {},
    }  # fmt: skip


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "old.doc").write_text(ROWS, encoding="utf-8")
    with pytest.raises(DataError, match=r"'\.doc' does not say how the file is written"):
        import_files(str(tmp_path / "memory.db"), [tmp_path / "old.doc"], PAIR)
    assert not (tmp_path / "memory.db").exists()


@pytest.mark.parametrize("content", [None, b"Open\tAbrir\n" * 200])
def test_what_is_no_memory_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "memory.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"no such file|no translation memory"):
        search_memory(str(path), "Open", 70, 5, as_json=False)
    assert (path.read_bytes() if path.exists() else None) == content


def test_an_import_that_fails_keeps_what_was_said_to_be_added(memory, tmp_path):
    broken = tmp_path / "broken.tmx"
    broken.write_text('<tmx version="1.4"><body><tu>', encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.tmx"):
        import_files(memory, [tmp_path / "old.tsv", broken], PAIR)
    with sqlite3.connect(memory) as base:
        assert base.execute("SELECT count(*) FROM units").fetchone() == (2,)


def test_an_export_onto_the_memory_itself_is_refused(memory):
    before = Path(memory).read_bytes()
    with pytest.raises(UserError, match="the memory itself"):
        export(memory, Path(memory), None, "jsonl")
    assert Path(memory).read_bytes() == before


def test_units_of_another_pair_or_region_do_not_hide_those_asked_for(tmp_path):
    with open_memory(str(tmp_path / "memory.db"), new=True) as made:
        others = [TranslationUnit(f"Open the file {n}", "x", "en", "fr") for n in range(3000)]
        list(made.add([*others, TranslationUnit("Open the files now", "y", "en", "es-MX")]))
        asked = Query("Open the file now")
        [match] = search(made, asked, 70, 5, PAIR)
        assert match.unit.target == "y"
        spain = LanguagePair(language("en"), language("es-ES"))
        assert search(made, asked, 70, 5, spain) == []
        mexico = LanguagePair(language("en"), language("es-MX"))
        assert len(search(made, asked, 70, 5, mexico)) == 1


def test_a_damaged_memory_is_one_line_and_no_traceback(tmp_path):
    path = tmp_path / "memory.db"
    with open_memory(str(path), new=True) as made:
        list(made.add(TranslationUnit(f"Open file {n}", "x" * 90, "en", "es") for n in range(900)))
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    done = subprocess.run(
        [sys.executable, "-m", "dubash", "tm", "stats", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "malformed" in done.stderr
    assert "Traceback" not in done.stderr

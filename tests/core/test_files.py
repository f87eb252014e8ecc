"""Files are whole or not there, whatever happens in between."""

import errno
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError
from dubash.core.files import (
    cache_root,
    lock,
    new_folder,
    read_json,
    read_jsonl,
    sha256_file,
    sha256_text,
    write_bytes,
    write_json,
    write_jsonl,
    write_text,
)


def child(program: str, *arguments: object) -> "subprocess.Popen[str]":
    """A Python process that says a line as soon as it has begun its work."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@contextmanager
def largest_file(size: int):
    """While entered, the system refuses files above `size` bytes, as it would on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# -- whole or not at all -------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from dubash.core.files import write_jsonl
path, turn = Path(sys.argv[1]), 0
while True:
    letter = "ab"[turn % 2]
    write_jsonl(path, ({"row": row, "text": letter * 400} for row in range(1000)))
    if turn == 0:
        print("begun", flush=True)
    turn += 1
"""


def test_a_killed_writer_leaves_the_file_whole(tmp_path):
    path = tmp_path / "rows.jsonl"
    for moment in range(6):
        writer = child(WRITER, path)
        time.sleep(0.013 * moment)
        kill(writer)
        rows = list(read_jsonl(path))
        assert [row["row"] for row in rows] == list(range(1000))
        assert len({row["text"] for row in rows}) == 1, "rows of two writes in one file"


FOLDER_WRITER = """
import sys
from pathlib import Path
from dubash.core.files import new_folder
path, turn = Path(sys.argv[1]), 0
while True:
    with new_folder(path / f"step-{turn:06d}") as fresh:
        for part in range(5):
            (fresh / f"{part}.bin").write_bytes(bytes([part]) * 100_000)
    if turn == 0:
        print("begun", flush=True)
    turn += 1
"""


def test_a_killed_writer_leaves_every_folder_whole(tmp_path):
    for moment in range(4):
        path = tmp_path / str(moment)
        writer = child(FOLDER_WRITER, path)
        time.sleep(0.017 * moment)
        kill(writer)
        for folder in path.glob("step-*"):
            sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
            assert sizes == {f"{part}.bin": 100_000 for part in range(5)}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores.json"
    write_json(path, {"chrf": 31.2})
    with largest_file(10_000), pytest.raises(OSError, match="File too large") as refused:
        write_json(path, {"chrf": "3" * 20_000})
    assert refused.value.errno == errno.EFBIG
    assert refused.value.filename == str(path)
    assert read_json(path) == {"chrf": 31.2}
    assert [file.name for file in tmp_path.iterdir()] == ["scores.json"]


def test_numbers_that_json_has_not_are_refused_before_anything_is_written(tmp_path):
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(tmp_path / "a.json", {"loss": value})
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_jsonl(tmp_path / "a.jsonl", [{"loss": 1.0}, {"loss": value}])
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_can_be_read_by_others(tmp_path):
    path = tmp_path / "deep" / "er" / "a.txt"
    write_text(path, "ଓଡ଼ିଆ\n")
    assert path.read_bytes() == "ଓଡ଼ିଆ\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_in_the_files_place_is_named(tmp_path):
    (tmp_path / "scores.json").mkdir()
    with pytest.raises(OSError, match=r"scores\.json'$") as refused:
        write_json(tmp_path / "scores.json", {})
    assert refused.value.filename == str(tmp_path / "scores.json")
    assert [file.name for file in tmp_path.iterdir()] == ["scores.json"]


# -- folders -------------------------------------------------------------------------------------


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "model"
    with new_folder(path) as fresh:
        (fresh / "weights").write_text("old")
    with pytest.raises(UnicodeEncodeError), new_folder(path) as fresh:
        (fresh / "weights").write_text("new \ud800", encoding="utf-8")
    assert (path / "weights").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_whole_replaces_the_old_one(tmp_path):
    path = tmp_path / "model"
    for text in ("old", "new"):
        with new_folder(path) as fresh:
            (fresh / text).mkdir()
            (fresh / text / "weights").write_text(text)
            assert not (path / "new").exists()
    assert [str(file.relative_to(path)) for file in path.rglob("*")] == ["new", "new/weights"]
    assert path.stat().st_mode & 0o777 == 0o755
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_cannot_take_the_old_ones_place_leaves_it(tmp_path):
    path = tmp_path / "model"
    path.write_text("a file, not a folder")
    with pytest.raises(OSError, match="directory"), new_folder(path) as fresh:
        (fresh / "weights").write_text("new")
    assert path.read_text() == "a file, not a folder"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_full_disk_is_an_os_error_though_a_library_words_it_itself(tmp_path):
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path = tmp_path / "step-000001"
    with (
        largest_file(10_000),
        pytest.raises(OSError, match="File too large") as refused,
        new_folder(path) as fresh,
    ):
        save_file({"weight": torch.zeros(10_000)}, fresh / "trainable.safetensors")
    assert isinstance(refused.value.__cause__, SafetensorError)
    assert refused.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


# -- JSON ----------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.dictionaries(text, json_values, max_size=3), max_size=4))
def test_rows_come_back_as_they_were(tmp_path_factory, rows):
    # among them the line and paragraph separators, which some take for line ends
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_jsonl(path, rows)
    assert list(read_jsonl(path)) == rows
    write_json(path, rows)
    assert read_json(path) == rows


@pytest.mark.parametrize("broken", [b'{"a": 1', b"[1]", b"3", b"", b"{'a': 1}", b'{"a": "\xff"}'])
def test_a_broken_line_is_named(tmp_path, broken):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n' + broken + b'\n{"a": 2}\n')
    rows = read_jsonl(path)
    assert next(rows) == {"a": 1}
    with pytest.raises(DataError) as refused:
        next(rows)
    assert str(refused.value) == f"{path}:2: not a JSON object."


@pytest.mark.parametrize("broken", [b"{", b"", b"\xff\xfe"])
def test_a_broken_json_file_is_named(tmp_path, broken):
    path = tmp_path / "manifest.json"
    path.write_bytes(broken)
    with pytest.raises(DataError, match=r"manifest\.json: not readable as JSON"):
        read_json(path)


# -- hashes, the cache, locks --------------------------------------------------------------------


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_different_parts_have_different_hashes(one, other):
    try:
        same = sha256_text(*one) == sha256_text(*other)
    except UnicodeEncodeError:  # half of a surrogate pair is no text
        return
    assert same == (one == other)


def test_a_files_hash_is_that_of_its_bytes(tmp_path):
    write_bytes(tmp_path / "a", b"x" * (1 << 20) + b"y")
    answer = subprocess.run(["sha256sum", tmp_path / "a"], capture_output=True, text=True)
    assert sha256_file(tmp_path / "a") == answer.stdout.split()[0]


def test_the_cache_is_where_it_is_named(monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", "~/here")
    assert cache_root() == Path.home() / "here"
    monkeypatch.delenv("DUBASH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/there")
    assert cache_root() == Path("/there/dubash")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == Path.home() / ".cache" / "dubash"


HOLDER = """
import sys
from pathlib import Path
from dubash.core.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""

WAITER = """
import sys
from pathlib import Path
from dubash.core.files import lock
print("waiting", flush=True)
with lock(Path(sys.argv[1])):
    print("held", flush=True)
"""


def test_a_lock_is_held_by_one_and_freed_by_a_kill(tmp_path):
    path = tmp_path / "locks" / "run.lock"
    holder = child(HOLDER, path)
    waiter = child(WAITER, path)
    assert waiter.stdout is not None
    said, _, _ = select.select([waiter.stdout], [], [], 0.3)
    assert not said
    kill(holder)
    assert waiter.communicate(timeout=20)[0] == "held\n"
    with lock(path):
        pass

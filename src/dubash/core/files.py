"""Writing that is whole or not at all, JSON Lines, hashes, the cache root, and locks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dubash.core.errors import DataError, UserError

_RUST_ERROR = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust (safetensors, tokenizers) spell an error of the system."""


def cache_root() -> Path:
    """The one folder for everything dubash keeps between runs: `$DUBASH_CACHE`, else XDG's."""
    if named := os.environ.get("DUBASH_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "dubash"


def fsync_folder(folder: Path) -> None:
    """Make a rename inside `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _errors_name(path: Path) -> Iterator[None]:
    """Let an error of the system name `path`, not nothing and not its temporary name."""
    try:
        yield
    except OSError as error:
        if not error.filename or f".{path.name}." in str(error.filename):
            error.filename = str(path)
        raise
    except Exception as error:
        if found := _RUST_ERROR.search(str(error)):
            number = int(found[1])
            raise OSError(number, os.strerror(number), str(path)) from error
        raise


def nearest_folder(path: Path) -> Path:
    """The path itself where it is there, or else the innermost folder of those it would lie in."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return there


def check_writable(path: Path) -> None:
    """Raise UserError where nothing can be made at `path`, to be said before the work is done.

    It is tried: a system's own folders (/proc) take nothing from whoever is allowed everything.
    """
    there = nearest_folder(path.absolute().parent)
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=there):
            pass
    except OSError as error:
        reason = "no permission" if isinstance(error, PermissionError) else str(error.strerror)
        raise UserError(
            f"nothing can be written here ({reason}).", where=str(path), fix="Name another place."
        ) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write the file whole or leave what was there: temporary file, fsync, rename.

    Raises OSError naming `path`.
    """
    write_pieces(path, (content,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """The same for what comes piece by piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _errors_name(path):
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.writelines(pieces)
                handle.flush()
                os.fsync(handle.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """`write_bytes` in UTF-8."""
    write_bytes(path, content.encode("utf-8"))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Lines in UTF-8, written as they come; whole or not at all."""
    write_pieces(path, (f"{line}\n".encode() for line in lines))


def write_json(path: Path, content: Any) -> None:
    """Readable JSON, other scripts left as they are, written whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that dubash wrote; a broken one is a DataError naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"not readable as JSON ({error}).", where=str(path)) from error


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, written whole or not at all."""
    write_lines(path, (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON Lines file that dubash wrote; a broken line is a DataError."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError("not a JSON object.", where=f"{path}:{number}") from error
            if not isinstance(row, dict):
                raise DataError("not a JSON object.", where=f"{path}:{number}")
            yield row


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_text(*parts: str) -> str:
    """Hex SHA-256 of several strings, kept apart so that ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside `path` and give it that name only once it is whole.

    The temporary folder is on the same file system; an error or a kill leaves `path` as it was.
    An older folder of that name is replaced (by two renames, so that a kill between them leaves
    neither; what must outlive that gets a new name). Raises OSError naming `path`, also for those
    that a library hides in words of its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _errors_name(path):
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield temporary
            os.chmod(temporary, 0o755)
            for each in temporary.rglob("*"):
                if each.is_dir():
                    fsync_folder(each)
                else:
                    with each.open("rb") as handle:
                        os.fsync(handle.fileno())
            fsync_folder(temporary)
            _put_in_place(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        fsync_folder(path.parent)


def _put_in_place(new: Path, path: Path) -> None:
    if not path.exists():
        os.replace(new, path)
        return
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        os.replace(path, aside)
        os.replace(new, path)
    except BaseException:
        if not path.exists():
            os.replace(aside, path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def lock(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on `path`; freed by the system on a kill.

    Other processes wait for it, or get BlockingIOError at once where they do not `wait`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock on `path`."""
    try:
        with path.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False

"""Lines of a text file, streamed, with every way a file can be no text file said plainly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair
from dubash.core.options import suggest

MAX_LINE = 1 << 24
"""Bytes. A longer line is no row, and would fill the memory."""

NOT_WESTERN = frozenset(
    {"az", "bs", "cs", "et", "hr", "hu", "lt", "lv", "pl", "ro", "sk", "sl", "sr", "tk", "tr", "vi"}
)
"""Languages in Latin script whose old encodings are other code pages than Windows-1252."""

_HEAD = 1 << 16
_BYTE_ORDER_MARK = "\ufeff"
_SPREADSHEETS = {".xlsx", ".xlsm", ".xls", ".ods"}
_SIGNS = frozenset("“”‘’„‚–—…«»¿¡€£©®°ºª·\u00a0")
"""What Western text holds past ASCII beside letters."""
_MAGIC = {
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PK\x03\x04": "a zip archive or an office document",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"PAR1": "a Parquet file",
}


def read_head(path: Path, name: str) -> bytes:
    """The file's first bytes; DataError where `path` is missing, a folder or unreadable."""
    try:
        with path.open("rb") as handle:
            return handle.read(_HEAD)
    except FileNotFoundError:
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        near = suggest(path.name, beside)
        starts = "A path in a recipe starts from its folder, on the command line from this one."
        fix = near if near.startswith("Did") else starts
        raise DataError("no such file.", where=name, fix=fix) from None
    except IsADirectoryError:
        raise DataError("this is a folder, not a file of rows.", where=name) from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror}).", where=name) from error


def check_text(path: Path, name: str) -> None:
    """Raise DataError where `path` cannot be read, is empty, or is not text."""
    head = read_head(path, name)
    if path.suffix.lower() in _SPREADSHEETS:
        raise DataError("a spreadsheet, not text.", where=name, fix="Save it as CSV (UTF-8).")
    fix = "Give a UTF-8 text file: TSV, CSV, JSONL, or a pair of Moses files."
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"not a text file: {kind}.", where=name, fix=fix)
    if b"\0" in head:
        line = head[: head.index(b"\0")].count(b"\n") + 1
        raise DataError("not a text file: it holds NUL bytes.", where=f"{name}:{line}", fix=fix)
    if not head.removeprefix(b"\xef\xbb\xbf").strip() and len(head) < _HEAD:
        raise DataError("the file is empty.", where=name)


def lines(path: Path, name: str) -> Iterator[str]:
    """The lines without their line ends, and without a byte order mark.

    Bytes that are not UTF-8 come as lone surrogates, for `rows.flaw` to find: one bad byte costs
    one row. Raises DataError as `check_text` does, and for a line of more than `MAX_LINE` bytes.
    """
    check_text(path, name)
    number = 0
    with path.open("rb") as handle:
        while line := handle.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(
                    f"a line of more than {MAX_LINE >> 20} MB.", where=f"{name}:{number}",
                    fix="A row is one line.",
                )  # fmt: skip
            text = line.decode("utf-8", "surrogateescape")
            if number == 1:
                text = text.removeprefix(_BYTE_ORDER_MARK)
            yield text.removesuffix("\n").removesuffix("\r")


def encoding_hint(path: Path, pair: LanguagePair) -> str:
    """What to say of a text that is not UTF-8: "; it looks like Windows-1252" (of which Latin-1 is
    a part) where nothing in it speaks against that, or "".

    Past ASCII a Western text has nothing but letters, never three in a row, and a few signs. Most
    other code pages bring whole words of such letters, or signs where letters belong; those that do
    not go by the languages.
    """
    if NOT_WESTERN & {pair.source.code, pair.target.code}:
        return ""
    with path.open("rb") as handle:
        text = handle.read(_HEAD << 4).decode("cp1252", "replace")
    run = longest = 0
    for each in text:
        if not (each.isascii() or each.isalpha() or each in _SIGNS):
            return ""
        run = 0 if each.isascii() or each in _SIGNS else run + 1
        longest = max(longest, run)
    return "; it looks like Windows-1252" if longest <= 2 else ""


def count_lines(path: Path) -> int:
    """How many lines a file has, for progress; a last one without a line end counts."""
    total, last = 0, b""
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            total += block.count(b"\n")
            last = block[-1:]
    return total + (last not in (b"", b"\n"))

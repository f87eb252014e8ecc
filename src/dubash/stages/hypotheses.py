"""Files of segments, one a line, as other tools write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubash.core.errors import ComparisonError, DataError
from dubash.core.types import HeldOut, Hypothesis, Pair
from dubash.evaluate.systems import System


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, one segment each; DataError where it is missing or no UTF-8."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError("no such file.", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text (byte {error.start}).", where=str(path)) from None
    return text.removesuffix("\n").split("\n") if text else []


def system_of(
    name: str, path: Path, rows: Sequence[Pair], on: HeldOut = "test", aside: str = ""
) -> System:
    """The system of a file with a hypothesis a line, for these rows; nobody knows why they ended.

    Raises ComparisonError where the lines are not as many as the rows; `aside` says what became of
    others.
    """
    lines = read_lines(path)
    if len(lines) != len(rows):
        raise ComparisonError(
            f"{len(lines)} lines for {len(rows)} {on} rows{aside}: these are not the same rows.",
            where=str(path),
        )
    outputs = [Hypothesis(line, "end", 0, 0.0) for line in lines]
    return System(name, path.name, [row.source for row in rows], outputs, measured=False)

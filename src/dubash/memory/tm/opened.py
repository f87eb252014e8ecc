"""A memory by its address: a file, or a database that several share."""

from __future__ import annotations

from pathlib import Path

from dubash.core.errors import DataError
from dubash.memory.tm.sqlite import SqliteMemory
from dubash.memory.tm.store import Store

_SERVER = ("postgresql://", "postgres://")


def open_memory(address: str, *, new: bool = False) -> Store:
    """The memory of a file or a server; where there is none it is made if `new`. A file that is not
    `new` is only read.

    Raises DataError where there is none, where it cannot be reached, and for what is no memory.
    """
    if address.startswith(_SERVER):
        from dubash.memory.tm.postgres import PostgresMemory

        return PostgresMemory(address, new=new)
    path = Path(address)
    if not new and not path.is_file():
        raise DataError(
            "no such file.",
            where=address,
            fix="Fill one: dubash tm import MEMORY FILE --languages en-es.",
        )
    return SqliteMemory(path, new=new)

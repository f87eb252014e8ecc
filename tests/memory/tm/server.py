"""A real PostgreSQL server for tests, from the system's own package."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where initdb and postgres are; None where they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return known[-1].parent if known else None


@contextmanager
def running(where: Path) -> Iterator[str]:
    """A server of one's own, reached through a socket in its folder; yields the address of a
    database without its name."""
    folder = Path(tempfile.mkdtemp(prefix="dubash-pg-"))
    owner = "postgres" if os.getuid() == 0 else None  # it refuses to be run by root
    if owner:
        shutil.chown(folder, owner)

    def call(program: str, *words: str) -> None:
        subprocess.run(
            [where / program, *words], user=owner, cwd=folder, check=True, capture_output=True
        )

    call("initdb", "-D", str(folder / "data"), "-U", "dubash", "--auth=trust", "--locale=C.UTF-8")
    settings = f"-k {folder} -c listen_addresses= -c fsync=off"
    call(
        "pg_ctl",
        "-D",
        str(folder / "data"),
        "-o",
        settings,
        "-l",
        str(folder / "log"),
        "-w",
        "start",
    )
    try:
        yield f"postgresql://dubash@/{{}}?host={folder}"
    finally:
        call("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder)

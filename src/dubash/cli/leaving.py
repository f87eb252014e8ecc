"""How a command ends that went wrong: one line, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

NO_MEMORY = "out of memory. Lower train.pass_tokens or generate.batch_tokens."


def leave(error: BaseException, message: str, code: int) -> NoReturn:
    """Say the message, if any, and exit with the code; with --debug the error goes on instead."""
    if os.environ.get("DUBASH_DEBUG"):
        raise error
    if message:
        word = "error" if code == 2 else "dubash"
        print(f"{word}: {' '.join(message.split())}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # what nobody reads is not tried again when Python leaves
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def spell_os_error(error: OSError) -> str:
    """An error of the system in words, with what to do where that is known."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full. Free some room, or set run.folder or $DUBASH_CACHE."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"{where}no permission to write or read here."
    return f"{where}{error.strerror or error}."

"""How a command ends that went wrong: one line, and an exit code."""

from __future__ import annotations

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

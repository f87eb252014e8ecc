"""Running the command line: signals, streams, and errors turned into one line and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from dubash.cli.leaving import NO_MEMORY, leave
from dubash.cli.root import app
from dubash.core.cpus import usable_cpus
from dubash.core.errors import Interrupted, UserError, out_of_memory, spell_os_error
from dubash.core.hub import quiet_hub

# Each module puts its commands into the app; in this order --help shows them.
# isort: off
from dubash.cli import running
from dubash.cli import using
from dubash.cli import judging
from dubash.cli import groups
from dubash.cli import memories

# isort: on
COMMANDS = (running, using, judging, groups, memories)


def main() -> NoReturn:
    """Run the command line; the one place where errors become messages and exit codes."""
    # Read when torch is loaded. Threads that wait for each other by spinning lose most of a core
    # that another program shares; asleep, they lose little. A user's own setting stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if usable_cpus() < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cpus()))
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and `&` in a script set it
            signal.signal(number, _stop)
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # text is UTF-8 here whatever the locale says
            stream.reconfigure(encoding="utf-8")
    quiet_hub()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except UserError as error:
        leave(error, str(error), error.exit_code)
    except Interrupted as stop:
        leave(stop, str(stop), stop.exit_code)
    except BrokenPipeError as error:
        leave(error, "", 141)
    except OSError as error:
        leave(error, spell_os_error(error), 2)
    except (MemoryError, RuntimeError) as error:
        if out_of_memory(error):
            leave(error, NO_MEMORY, 2)
        raise
    except Exception as error:
        # those of a memory's database, which is not loaded for every command
        if type(error).__module__.partition(".")[0] in ("sqlite3", "psycopg"):
            words = " ".join(str(error).split())
            leave(error, f"the translation memory's database says: {words}.", 2)
        raise
    sys.exit(0)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number, "what was finished is kept; run it again")

"""One family of errors: what is wrong, where, and what to do. Caught once, at the command line."""

from __future__ import annotations

import errno
import signal


class UserError(Exception):
    """Something the user can mend. The command line prints it in one line and exits with 2.

    `where` is a file, line or key; `fix` says what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} {self.fix}" if self.fix else text


class RecipeError(UserError):
    """The recipe, or an override of it, is wrong."""


class DataError(UserError):
    """The data cannot be used as it is."""


class LeakError(DataError):
    """Rows of the test or dev set stand in the training data."""


class PreflightError(UserError):
    """The examples as trained would not teach what is served."""


class ModelError(UserError):
    """The model is missing, broken, or cannot be loaded the way the recipe asks."""


class TrainingError(UserError):
    """Training cannot go on."""


class ComparisonError(UserError):
    """Two systems cannot be compared as they stand."""


class MetricError(UserError):
    """A metric cannot be computed."""


def out_of_memory(error: BaseException) -> bool:
    """Whether a library has run out of memory: torch has an exception of its own for a GPU (known
    here by its name, since torch is not imported for this), and on a CPU only words."""
    words = ("can't allocate memory", "std::bad_alloc")
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and any(each in str(error) for each in words))


def spell_os_error(error: OSError) -> str:
    """An error of the system in words that name the place, and what to do where it is known."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full. Free some room, or set run.folder or $DUBASH_CACHE."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"{where}no permission to write or read here."
    return f"{where}{error.strerror or error}."


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: the run was saved and can be resumed.

    `signal_number` gives the exit code by the shell's own convention (128 + signal). Like
    KeyboardInterrupt it is no Exception: what catches those must not take it for a failure.
    """

    def __init__(self, signal_number: int, saved: str) -> None:
        by = "Ctrl-C" if signal_number == signal.SIGINT else signal.Signals(signal_number).name
        super().__init__(f"stopped by {by}; {saved}")
        self.exit_code = 128 + signal_number

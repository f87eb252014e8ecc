"""The command line: reads arguments, calls one stage, and turns errors into one line.

Nothing heavy is imported before a command needs it.
"""

from dubash.cli.command import main
from dubash.cli.root import app

__all__ = ["app", "main"]

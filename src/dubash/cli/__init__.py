"""The command line: reads arguments, calls one stage, and turns errors into one line.

Nothing heavy is imported before a command needs it.
"""

from dubash.cli.app import app
from dubash.cli.main import main

__all__ = ["app", "main"]

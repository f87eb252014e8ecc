"""`dubash metrics`: what can be computed here, and the installation of what comes apart."""

from __future__ import annotations

import sys

import typer

from dubash.core.errors import MetricError
from dubash.core.progress import say
from dubash.evaluate import comet


def list_metrics() -> None:
    """Print the metrics, one a line, and whether each is there."""
    versions = comet.environment().versions()
    there = f"there (unbabel-comet {versions['unbabel-comet']})" if versions else ""
    missing = "missing: dubash metrics install comet"
    for name, words in (
        ("chrf++", "there; always computed"),
        ("bleu", "there; computed unless evaluate.metrics leaves it out"),
        ("ter", "there; computed where evaluate.metrics names it"),
        ("comet", there or missing),
        ("cometkiwi", there or missing),
    ):
        typer.echo(f"{name:10} {words}")
    typer.echo("your own   a program that evaluate.commands names")


def install(name: str) -> None:
    """Make the environment of a metric that cannot live in ours.

    Raises MetricError for a name other than comet, and where this Python is too new for it.
    """
    if name != "comet":
        raise MetricError(
            f"there is nothing to install for '{name}'.", fix="Only comet comes apart."
        )
    made = comet.environment()
    if made.versions() is None and sys.version_info >= (3, 13):
        raise MetricError(
            "COMET's package needs numpy below 2, which is not built for Python 3.13.",
            fix="Install and run dubash by Python 3.11 or 3.12.",
        )
    say("▸ install comet (about 1.4 GB, once)" if made.versions() is None else "already there")
    for package, version in comet.install().items():
        typer.echo(f"{package:20} {version}")
    typer.echo(f"{'folder':20} {made.folder}")

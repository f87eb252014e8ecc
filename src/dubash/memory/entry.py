"""One entry of a glossary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TermEntry:
    """A source term with its translations.

    `targets` are approved, `forbidden` are those that must not be used. `origin` is `file:line`.
    `examples` and `target_examples` are sentences that show it in use, by their language.
    What a reader hands on is not yet checked; in a `Glossary` there is at least one target.
    """

    source: str
    targets: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    note: str = ""
    part_of_speech: str = ""
    domain: str = ""
    origin: str = ""
    examples: tuple[str, ...] = ()
    target_examples: tuple[str, ...] = ()

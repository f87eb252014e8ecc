"""The guard: a step that is not finite never reaches weights or optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dubash.core.errors import TrainingError

IN_A_ROW = 3
"""Non-finite steps in a row after which a run stops: chance explains one, not three."""


@dataclass
class Guard:
    """Counts skipped steps and remembers the rows of those in a row."""

    skipped: int = 0
    in_a_row: int = 0
    rows: list[str] = field(default_factory=list)

    def good(self) -> None:
        """A finite step was taken."""
        self.in_a_row = 0
        self.rows.clear()

    def bad(self, step: int, reason: str, rows: Sequence[str]) -> None:
        """A non-finite step was skipped; the third in a row raises TrainingError with the rows."""
        self.skipped += 1
        self.in_a_row += 1
        self.rows += [row for row in rows if row not in self.rows]
        if self.in_a_row >= IN_A_ROW:
            shown = ", ".join(self.rows[:12])
            more = f" and {len(self.rows) - 12} more" if len(self.rows) > 12 else ""
            raise TrainingError(
                f"{IN_A_ROW} steps in a row were not finite ({reason}); the weights are as they "
                f"were before them. Rows: {shown}{more}.",
                where=f"step {step}",
                fix="Look at these rows, lower train.learning_rate, or set model.dtype: fp32.",
            )

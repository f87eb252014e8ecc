"""What the loop carries from step to step, besides tensors."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from dubash.train.guard import Guard


@dataclass
class State:
    """`best_value` is a dev loss or a negated chrF++: lower is better. `pass_tokens` is what a
    forward pass held at last, fewer than the `asked_tokens` where memory ran out."""

    fingerprint: str
    step: int = 0
    looked: int = -1
    best_step: int = -1
    best_value: float = math.inf
    looks_without_better: int = 0
    tokens: int = 0
    supervised_tokens: int = 0
    seconds: float = 0.0
    pass_tokens: int = 0
    asked_tokens: int = 0
    guard: Guard = field(default_factory=Guard)
    scaler: dict[str, Any] = field(default_factory=dict)

    def note_look(self, value: float) -> bool:
        """Remember the value of a look at this step; says whether it is the best so far."""
        better = value < self.best_value
        self.looks_without_better = 0 if better else self.looks_without_better + 1
        if better:
            self.best_value, self.best_step = value, self.step
        return better

    def to_json(self) -> dict[str, Any]:
        """As it stands in a checkpoint."""
        best = self.best_value if math.isfinite(self.best_value) else None
        return {**asdict(self), "best_value": best}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> State:
        """What `to_json` gave."""
        best = found["best_value"]
        guard = Guard(**found["guard"])
        return cls(**{**found, "best_value": math.inf if best is None else best, "guard": guard})

"""The setups of each peer; this file loads no library.

A tuned peer is the fastest of several, measured on the machine at hand.
"""

from __future__ import annotations

from typing import Any

BATCH = 32
"""Rows of an optimizer step."""


def _accumulated(rows: int) -> dict[str, int]:
    return {
        "per_device_train_batch_size": rows, "gradient_accumulation_steps": BATCH // rows,
    }  # fmt: skip


TRL: dict[str, dict[str, Any]] = {
    "default": {},
    "grouped-8x4": {"train_sampling_strategy": "group_by_length", **_accumulated(8)},
    "packed-1024": {"packing": True, "packing_strategy": "bfd", "max_length": 1024},
    "packed-512": {"packing": True, "packing_strategy": "bfd", "max_length": 512},
    "packed-256": {"packing": True, "packing_strategy": "bfd", "max_length": 256},
    "packed-128": {"packing": True, "packing_strategy": "bfd", "max_length": 128},
    "padding-free-8x4": {"padding_free": True, "max_length": None, **_accumulated(8)},
    "padding-free-4x8": {"padding_free": True, "max_length": None, **_accumulated(4)},
    "packed-liger": {
        "packing": True, "packing_strategy": "bfd", "max_length": 1024, "use_liger_kernel": True,
    },
}  # fmt: skip
"""TRL's setups. All but `default` are also in the case's precision and without checkpointing."""

TRL_TUNED = (
    "grouped-8x4", "packed-512", "packed-256", "packed-128", "padding-free-8x4",
    "padding-free-4x8",
)  # fmt: skip
"""What `tuned` is the fastest of, on a CPU. Batches of 32 at once and packs of 1,024 were tried: on
Gemma's shape 186 s (grouped), 131 s (padding-free) and 122 s, where the best took 110 s; so were
grouped lengths of 4 × 8, which on SmolLM2 took 36 s in bf16 where 8 × 4 took 34."""

GENERATE_TUNED = ("sorted-16", "sorted-32", "prefix-32", "prefix-64", "prefix-all")
"""What `tuned` is the fastest of: rows of like length together, so many in a batch, and with
`prefix` the keys and values of the constant instruction computed once."""

GENERATE_BF16 = ("prefix-32-bf16", "prefix-64-bf16", "prefix-all-bf16")
"""The same in bf16, which pays where a CPU has units for it; the texts then differ from fp32's."""

CT2_TUNED = ("one-16", "one-32", "one-all", "each-1", "each-2", "each-4")
"""`one`: a batch at a time on all cores, of so many rows. `each`: as many as there are cores, each
on its own, and so many batches for each of them."""

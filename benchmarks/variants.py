"""The setups of each peer; this file loads no library.

A tuned peer is the fastest of several, measured on the machine at hand.
"""

from __future__ import annotations

from typing import Any

TRL: dict[str, dict[str, Any]] = {
    "default": {},
    "grouped": {"train_sampling_strategy": "group_by_length"},
    "grouped-8x4": {
        "train_sampling_strategy": "group_by_length",
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 4,
    },
    "packed-1024": {"packing": True, "packing_strategy": "bfd", "max_length": 1024},
    "packed-512": {"packing": True, "packing_strategy": "bfd", "max_length": 512},
    "padding-free": {"padding_free": True, "max_length": None},
    "padding-free-8x4": {
        "padding_free": True,
        "max_length": None,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 4,
    },
    "packed-liger": {
        "packing": True, "packing_strategy": "bfd", "max_length": 1024, "use_liger_kernel": True,
    },
}  # fmt: skip
"""TRL's setups. All but `default` are also in the case's precision and without checkpointing."""

TRL_TUNED = (
    "grouped", "grouped-8x4", "packed-1024", "packed-512", "padding-free", "padding-free-8x4",
)  # fmt: skip
"""What `tuned` is the fastest of, on a CPU."""

GENERATE_TUNED = ("sorted-16", "sorted-32", "prefix-32", "prefix-64", "prefix-all")
"""What `tuned` is the fastest of: rows of like length together, so many in a batch, and with
`prefix` the keys and values of the constant instruction computed once."""

CT2_TUNED = ("one-16", "one-32", "one-all", "each-1", "each-2", "each-4")
"""`one`: a batch at a time on all cores, of so many rows. `each`: as many as there are cores, each
on its own, and so many batches for each of them."""

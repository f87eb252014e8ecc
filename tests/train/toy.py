"""A toy run: a tiny Llama, 24 short rows, and the real loop. Also a program, to be killed:

python toy.py MODEL RUN_FOLDER OPTIONS_AS_JSON
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from dubash.core.languages import LanguagePair, language
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.model.load import LoadedModel, load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.options import PromptOptions
from dubash.prompt.template import Example, Template
from dubash.train.batches import Collator
from dubash.train.loop import Loop
from dubash.train.options import TrainOptions

PAIRS = [
    Pair(f"{number} {thing}", f"{cuenta} {cosa}", origin=f"toy:{at}")
    for at, (number, cuenta, thing, cosa) in enumerate(
        (number, cuenta, thing, cosa)
        for number, cuenta in (("two", "dos"), ("three", "tres"), ("four large", "cuatro grandes"))
        for thing, cosa in (
            ("cats", "gatos"), ("dogs", "perros"), ("books", "libros"), ("trees", "árboles"),
            ("blue cars", "coches azules"), ("very old houses", "casas muy viejas"),
            ("boats", "barcos"), ("rooms with a view", "habitaciones con vistas"),
        )
    )
]  # fmt: skip


def toy_examples(loaded: LoadedModel) -> list[Example]:
    """The pairs as training examples."""
    pair = LanguagePair(language("en"), language("es"))
    template = Template(PromptOptions(), loaded.tokenizer, loaded.kind, pair, "translation")
    return [template.example(each) for each in PAIRS]


def toy_loop(
    model: Path,
    folder: Path,
    method: str = "lora",
    dropout: float = 0.1,
    given: dict[str, Any] | None = None,
    **options: Any,
) -> Loop:
    """The real loop on the tiny model, ready to train; dropout on, so that it must be exact too.
    `given` are settings of the model."""
    settings = {} if method == "full" else {"rank": 4, "alpha": 8, "dropout": dropout}
    loaded = load_trainable(
        ModelOptions(**{"name": str(model), "dtype": "fp32", **(given or {})}),
        MethodOptions(name=method, **settings), seed=1,
    )  # fmt: skip
    examples = toy_examples(loaded)
    defaults: dict[str, Any] = {
        "max_steps": 12, "batch_size": 4, "accumulation": 1, "learning_rate": 1e-3,
        "dev_sample": 0, "evaluate_every": 4, "save_every": 2,
    }  # fmt: skip
    collator = Collator(loaded.kind, "target", loaded.tokenizer.pad_token_id)
    return Loop(
        loaded, examples[:20], examples[20:], collator, TrainOptions(**{**defaults, **options}),
        RunFolder(folder), "toy",
    )  # fmt: skip


def stop_after(loop: Loop, step: int, number: int = signal.SIGTERM) -> None:
    """Send this process a signal when the loop has done so many steps."""
    real = loop._step

    def step_then_signal(*arguments: Any) -> None:
        real(*arguments)
        if loop.state.step == step:
            os.kill(os.getpid(), number)

    loop._step = step_then_signal  # type: ignore[method-assign]


def left_behind(loop: Loop) -> dict[str, Any]:
    """What must be the same bit for bit: weights, optimizer, and the rows and losses by step."""
    from dubash.train.optim import state_tensors

    named = loop.module.named_parameters()
    return {
        "weights": {name: p.detach().clone() for name, p in named if p.requires_grad},
        "optimizer": state_tensors(loop.optimizer),
        "steps": [
            {key: value for key, value in record.items() if key != "seconds"}
            for record in loop.run.read_metrics()
        ],
    }


def assert_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Bit for bit."""
    assert left["steps"] == right["steps"]
    for part in ("weights", "optimizer"):
        assert left[part].keys() == right[part].keys()
        for name, tensor in left[part].items():
            assert torch.equal(tensor, right[part][name]), f"{part}: {name}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    toy_loop(Path(sys.argv[1]), Path(sys.argv[2]), **json.loads(sys.argv[3])).train()

"""Makes what a case needs, in a process of its own: checkpoints, rows, and facts about both.

`python -m benchmarks.prepare CASE ROWS PER_ROUND SEED` prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.cases import CASES, MEMORY_TOKENS, Case
from benchmarks.rows import make_rows, write_rows
from benchmarks.shapes import SHAPES, TRIMMED, bench_root, checkpoint, model_name, parameters
from dubash.core.files import sha256_file


def prepare(case: Case, source: str, count: int, seed: int) -> dict[str, Any]:
    """Everything that workers are told besides how to run."""
    ours, theirs = SHAPES[case.shape], SHAPES[case.theirs]
    source = case.rows if case.rows != "auto" else source
    # cases that differ in the trimming of ours have the same rows, and so the same peer
    vocabulary = min(ours.vocabulary, theirs.vocabulary, TRIMMED)
    if case.kind == "memory" and "tiny" not in case.name:
        rows = _until(make_rows(source, ours, vocabulary, 1000, seed), MEMORY_TOKENS)
    else:
        rows = make_rows(source, ours, vocabulary, count, seed)
    name = f"{ours.family}-{vocabulary}-{case.kind}-{source}-{len(rows)}-{seed}.jsonl"
    path = bench_root() / "rows" / name
    write_rows(path, rows)
    models = {
        who: {
            "checkpoint": str(checkpoint(shape)),
            "model_name": model_name(shape),
            "parameters": parameters(checkpoint(shape)),
            "title": shape.title,
        }
        for who, shape in (("ours", ours), ("theirs", theirs))
    }
    ends = _ends() if case.real_ends else ()
    return {
        **models, "kind": ours.kind, "rows": str(path), "ends": list(ends),
        "facts": {
            "source": source, "count": len(rows), "seed": seed, "sha256": sha256_file(path),
            "prompt_tokens": sum(len(row["prompt"]) for row in rows),
            "target_tokens": sum(len(row["target"]) for row in rows),
        },
    }  # fmt: skip


def _until(rows: list[dict[str, Any]], tokens: int) -> list[dict[str, Any]]:
    """The first rows that hold so many tokens together."""
    total = 0
    for number, row in enumerate(rows):
        total += len(row["prompt"]) + len(row["target"])
        if total >= tokens:
            return rows[: number + 1]
    return rows


def _ends() -> tuple[int, ...]:
    """The tokens that end the demo's hypotheses, as the demo's own engine has them."""
    from dubash.model.load import load_base
    from dubash.recipe.load import load_recipe
    from dubash.stages.common import make_engine, make_template

    recipe = load_recipe("demo", []).recipe
    loaded = load_base(recipe.model)
    template = make_template(recipe, loaded.tokenizer, loaded.kind)
    return tuple(make_engine(recipe, loaded, template).end_ids)  # type: ignore[attr-defined]


def main() -> None:
    """The command."""
    name, source, count, seed = sys.argv[1:]
    found = prepare(CASES[name], source, int(count), int(seed))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

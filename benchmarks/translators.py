"""The peers that translate: `generate` of transformers, plain and tuned, and CTranslate2 alone."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.job import Channel, Job, Round
from benchmarks.ours import quality
from benchmarks.rows import read_examples
from dubash.engine.base import Reader, shared_prefix

Rows = list[list[int]]


def generate(job: Job, channel: Channel) -> None:
    """transformers' `generate`. `plain`: batches of 32 as they come."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    way, _, rest = job.variant.partition("-")
    size, _, precision = rest.partition("-")
    dtype = torch.bfloat16 if "bf16" in (job.dtype, precision) else torch.float32
    model = AutoModelForCausalLM.from_pretrained(job.checkpoint, dtype=dtype).to(job.device).eval()
    tokenizer = AutoTokenizer.from_pretrained(job.checkpoint)
    size = size or "32"
    settings = {
        "max_new_tokens": job.new_tokens, "do_sample": False,
        "eos_token_id": list(job.ends) or None, "pad_token_id": _pad_id(tokenizer),
        "repetition_penalty": 1.0,
    }  # fmt: skip

    def translate(prompts: Rows) -> Rows:
        prefix = shared_prefix(prompts) if way == "prefix" else []
        cache = _prefill(model, prefix) if prefix else None
        output: dict[int, list[int]] = {}
        for batch in _batches(prompts, size, by_length=way != "plain"):
            chosen = [prompts[row] for row in batch]
            for row, ids in zip(batch, _run(model, chosen, prefix, cache, settings), strict=True):
                output[row] = ids
        return [output[row] for row in range(len(prompts))]

    with torch.inference_mode():
        _serve(job, channel, tokenizer, translate, {"weights": str(dtype), "way": job.variant})


def _run(
    model: Any, prompts: Rows, prefix: list[int], cache: Any, settings: dict[str, Any]
) -> Rows:
    """One batch. The padding stands between the instruction and the row where that is cached."""
    longest, pad = max(map(len, prompts)), settings["pad_token_id"]
    ids, mask = [], []
    for prompt in prompts:
        fill, own = longest - len(prompt), prompt[len(prefix) :]
        ids.append([*prefix, *[pad] * fill, *own])
        mask.append([*[1] * len(prefix), *[0] * fill, *[1] * len(own)])
    if cache is not None:
        cache = copy.deepcopy(cache)
        cache.batch_repeat_interleave(len(prompts))
    device = model.device
    output = model.generate(
        input_ids=torch.tensor(ids, device=device),
        attention_mask=torch.tensor(mask, device=device), past_key_values=cache, **settings,
    )  # fmt: skip
    found: Rows = output[:, longest:].tolist()
    return found


def _prefill(model: Any, prefix: list[int]) -> Any:
    """The keys and values of the instruction, in a cache that a batch can be continued from."""
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    model(input_ids=torch.tensor([prefix], device=model.device), past_key_values=cache,
          use_cache=True)  # fmt: skip
    return cache


def ct2(job: Job, channel: Channel) -> None:
    """CTranslate2 called directly, on the conversion that dubash serves with: int8."""
    import ctranslate2

    from dubash.engine.convert import conversion
    from dubash.model.load import load_base
    from dubash.model.options import ModelOptions

    prompts = [list(each.prompt) for each in read_examples(Path(job.rows))[0]]
    loaded = load_base(ModelOptions(name=job.model_name, dtype="fp32", device="cpu"))
    made, tokenizer = conversion(loaded, prompts, "int8"), loaded.tokenizer
    if made.verdict.wrong:
        raise SystemExit(f"the check of the conversion failed: {made.verdict.wrong}")
    del loaded
    gc.collect()
    way, _, size = job.variant.partition("-")
    cores = torch.get_num_threads()
    workers, threads = (cores, 1) if way == "each" else (1, cores)
    model = ctranslate2.Generator(
        str(made.folder), device="cpu", compute_type="int8", inter_threads=workers,
        intra_threads=threads,
    )  # fmt: skip

    if way == "each":
        most = -(-len(prompts) // (cores * int(size)))
    else:
        most = len(prompts) if size == "all" else int(size)

    def translate(prompts: Rows) -> Rows:
        prefix = shared_prefix(prompts)
        order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
        results = model.generate_batch(
            [[str(token) for token in prompts[row][len(prefix) :]] for row in order],
            static_prompt=[str(token) for token in prefix] or None,
            include_prompt_in_result=False, max_length=job.new_tokens, beam_size=1,
            sampling_topk=1, end_token=list(job.ends), return_end_token=True,
            max_batch_size=most,
        )  # fmt: skip
        output: Rows = [[] for _ in order]
        for row, result in zip(order, results, strict=True):
            output[row] = list(result.sequences_ids[0])
        return output

    facts = {"way": job.variant, "workers": workers, "threads": threads}
    _serve(job, channel, tokenizer, translate, facts)


def _serve(
    job: Job,
    channel: Channel,
    tokenizer: Any,
    translate: Callable[[Rows], Rows],
    facts: dict[str, Any],
) -> None:
    """Rounds of all rows; the ids are read as text by all workers alike."""
    examples, references = read_examples(Path(job.rows))
    prompts = [list(each.prompt) for each in examples]
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = _pad_id(tokenizer)
    reader = Reader(tokenizer, job.ends, ())
    channel.ready(**{"threads": torch.get_num_threads(), "new_tokens": job.new_tokens, **facts})
    while channel.wait():
        found = [reader.read(ids, 0.0) for ids in translate(prompts)]
        channel.stop()
        tokens = sum(each.tokens for each in found)
        extra = quality([each.text for each in found], references)
        channel.answer(Round(len(found), tokens, 0, None, extra))


def _batches(prompts: Sequence[Sequence[int]], size: str, by_length: bool) -> list[list[int]]:
    order = list(range(len(prompts)))
    if by_length:
        order.sort(key=lambda row: -len(prompts[row]))
    step = len(order) if size == "all" else int(size)
    return [order[start : start + step] for start in range(0, len(order), step)]


def _pad_id(tokenizer: Any) -> int:
    found = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if found is None else found)

"""CTranslate2 as engine: at float32 it gives what transformers gives, row by row."""

from itertools import count
from types import SimpleNamespace

import pytest
import torch

from dubash.engine.base import shared_prefix
from engine.converting import chosen, rows_of
from engine.generating import NEW, own_ids, read, texts

pytest.importorskip("ctranslate2")

from dubash.engine import ctranslate2 as module
from dubash.engine.ctranslate2 import worker_count

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3", "mt5", "m2m100")


def instructed(loaded, sentences):
    """Prompts with one instruction, which fit into Gemma's window of 32, long and short by turns;
    T5's have none, since its decoder is where a constant prefix would stand."""
    found = [loaded.tokenizer(text).input_ids[:22] for text in sentences[::60]]
    if loaded.kind == "causal":
        instruction = loaded.tokenizer("Into Spanish, word for word:").input_ids[:9]
        found = [instruction + row[1:] for row in found]
    return [*found[::2], *found[1::2][::-1]]


def closed(loaded, prompts):
    """A decoder-only model's prompts that end in their first token, as a chat's hold it again."""
    return prompts if loaded.kind == "seq2seq" else [[*row, row[0]] for row in prompts]


@pytest.fixture(scope="module")
def served(load, sentences):
    """`served("llama")`: a model, prompts for it, and what transformers makes of them."""
    made = {}

    def get(family):
        if family not in made:
            loaded = load(family)
            prompts = instructed(loaded, sentences)
            made[family] = loaded, prompts, [own_ids(loaded, row) for row in prompts]
        return made[family]

    return get


@pytest.mark.parametrize("family", FAMILIES)
def test_it_gives_what_transformers_gives(served, family):
    loaded, prompts, own = served(family)
    engine = chosen(loaded)
    found = engine.generate(prompts)
    assert engine.label == "ctranslate2 float32"
    assert texts(found) == [read(loaded, ids) for ids in own]
    assert [each.tokens for each in found] == [len(ids) for ids in own]
    assert len({len(row) for row in prompts}) > 5
    if loaded.kind == "causal":
        assert shared_prefix(prompts)


@pytest.mark.parametrize("family", ["llama", "mt5"])
def test_rows_end_where_they_should(served, family):
    loaded, prompts, own = served(family)
    ends = [own[0][4], own[3][0], loaded.tokenizer.eos_token_id]
    engine = chosen(loaded, ends)
    found = engine.generate(prompts)
    assert rows_of(found) == rows_of(engine.plain.generate(prompts))
    assert {each.stop for each in found} == {"end", "limit"}
    assert (found[3].text, found[3].tokens, found[3].stop) == ("", 1, "end")


@pytest.mark.parametrize("family", ["llama", "mt5"])
@pytest.mark.parametrize("penalty", [1.0, 1.6])
def test_stop_strings_end_a_row_as_it_holds_one(served, family, penalty):
    loaded, prompts, _ = served(family)
    prompts = closed(loaded, prompts)
    whole = texts(chosen(loaded, repetition_penalty=penalty).generate(prompts))
    word = max(whole, key=lambda text: len(text.split())).split()[2]
    engine = chosen(loaded, stop_strings=[word], repetition_penalty=penalty)
    found = engine.generate(prompts)
    assert engine.label == "ctranslate2 float32"
    assert rows_of(found) == rows_of(engine.plain.generate(prompts))
    assert {each.stop for each in found} == {"stop_string", "limit"}
    assert min(each.tokens for each in found) < NEW


@pytest.mark.parametrize("family", ["llama", "gemma3", "mt5"])
def test_a_repetition_penalty_counts_prompt_and_output(served, family):
    loaded, prompts, own = served(family)
    prompts = closed(loaded, prompts)
    engine = chosen(loaded, repetition_penalty=1.6)
    found = engine.generate(prompts)
    assert engine.label == "ctranslate2 float32"
    expected = [own_ids(loaded, row, repetition_penalty=1.6) for row in prompts]
    assert texts(found) == [read(loaded, ids) for ids in expected]
    assert expected != own


@pytest.mark.parametrize("family", ["llama", "mt5"])
def test_beams_are_those_of_transformers_that_stop_early(served, family):
    loaded, prompts, own = served(family)
    ends = [loaded.tokenizer.eos_token_id, *sorted({token for ids in own for token in ids})[::3]]
    found = chosen(loaded, ends, engine="ctranslate2", beams=4).generate(prompts)
    expected = [
        own_ids(loaded, row, ends=ends, num_beams=4, early_stopping=True) for row in prompts
    ]
    assert [each.tokens for each in found] == [len(ids) for ids in expected]
    assert texts(found) == [read(loaded, [t for t in ids if t not in ends]) for ids in expected]


def test_a_decoder_prefix_counts_as_prompt(served):
    loaded, prompts, _ = served("m2m100")
    engine = chosen(loaded, prefix=[7])
    assert rows_of(engine.generate(prompts)) == rows_of(engine.plain.generate(prompts))
    assert engine.label == "ctranslate2 float32"
    without = chosen(loaded).generate(prompts)
    assert texts(engine.generate(prompts)) != texts(without)


def test_an_end_token_as_padding_changes_nothing(load, served):
    """Many tokenizers have no padding token and take the end token for it."""
    loaded, prompts, own = served("llama")
    end = own[0][4]
    expected = rows_of(chosen(loaded, [end]).generate(prompts))
    other = load("llama")
    other.tokenizer.pad_token_id = end
    assert rows_of(chosen(other, [end]).generate(prompts)) == expected


def test_batches_change_neither_order_nor_text(served):
    loaded, prompts, _ = served("llama")
    expected = rows_of(chosen(loaded).generate(prompts))
    done = []
    found = chosen(loaded, batch_tokens=64).generate(prompts, done.append)
    assert rows_of(found) == expected
    assert sum(done) == len(prompts)
    assert len(done) > 5
    assert chosen(loaded).generate([]) == []


def test_what_comes_after_it_has_the_threads_that_were_there(served):
    loaded, prompts, _ = served("llama")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        chosen(loaded).generate([*prompts, *prompts] * 4)  # workers of one thread each
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("cores", "rows", "workers"),
    [
        (1, 99, 1), (2, 1, 1), (2, 9, 2), (2, 1000, 2), (7, 1000, 7), (9, 1000, 8), (11, 99, 5),
        (12, 1000, 6), (13, 1000, 6), (17, 1000, 8), (64, 1000, 8),
    ],
)  # fmt: skip
def test_nearly_all_cores_work_whatever_the_rows(cores, rows, workers):
    assert worker_count(cores, rows) == workers
    assert cores - workers * (cores // workers) <= cores / 8


def test_more_rows_get_more_workers_and_fewer_keep_them(served, monkeypatch):
    loaded, prompts, own = served("llama")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    engine = chosen(loaded)
    seen = []
    for rows in (1, len(prompts), 1):
        found = engine.generate(prompts[:rows])
        assert texts(found) == [read(loaded, ids) for ids in own[:rows]]
        seen.append(engine.fast.workers)
    assert seen == [1, 2, 2]


def test_seconds_of_all_rows_add_up_to_the_time_it_took(served, monkeypatch):
    loaded, prompts, _ = served("llama")
    engine = chosen(loaded)
    engine.generate(prompts[:2])  # converts
    looks = count()
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: float(next(looks))))
    found = engine.generate(prompts * 3)
    assert all(hypothesis.seconds > 0 for hypothesis in found)
    assert sum(hypothesis.seconds for hypothesis in found) == pytest.approx(next(looks) - 1)

"""Generation: what transformers itself gives, in order, with why each row stopped."""

from itertools import count
from types import SimpleNamespace

import pytest

from dubash.engine import transformers as module
from engine.generating import NEW, engine, own_ids, read, texts
from tiny import FAMILIES

# -- the same as transformers itself -------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_padded_batch_gives_what_each_row_gives_alone(load, sentences, family):
    loaded = load(family)
    rows = [loaded.tokenizer(text).input_ids for text in sentences[::130]]
    own = [own_ids(loaded, row) for row in rows]
    expected = [read(loaded, ids) for ids in own]
    assert len(set(expected)) > len(rows) // 2, "a model that says the same to all shows nothing"
    assert len({len(row) for row in rows}) > 5
    together = engine(loaded).generate(rows)
    assert texts(together) == expected
    assert texts(engine(loaded).generate([row])[0] for row in rows) == expected
    assert [each.tokens for each in together] == [len(ids) for ids in own]


@pytest.mark.parametrize("family", ["llama", "mt5"])
def test_beam_search_is_that_of_transformers(load, sentences, family):
    loaded = load(family)
    rows = [loaded.tokenizer(text).input_ids for text in sentences[::260]]
    beams = texts(engine(loaded, beams=4).generate(rows))
    assert beams == [read(loaded, own_ids(loaded, row, num_beams=4)) for row in rows]
    assert beams != texts(engine(loaded).generate(rows))


def test_a_repetition_penalty_is_that_of_transformers(llama, prompts):
    with_penalty = texts(engine(llama, repetition_penalty=1.8).generate(prompts))
    own = [own_ids(llama, row, repetition_penalty=1.8) for row in prompts]
    assert with_penalty == [read(llama, ids) for ids in own]
    assert with_penalty != texts(engine(llama).generate(prompts))


def test_a_length_penalty_makes_beam_search_prefer_longer_or_shorter(llama, prompts):
    # an end token that is often near the top, so that beams end early and late
    ids = [token for row in prompts for token in own_ids(llama, row)]
    ends = [llama.tokenizer.eos_token_id, *sorted(set(ids))[::3]]
    short, long = (
        sum(each.tokens for each in engine(llama, ends, beams=4, **penalty).generate(prompts))
        for penalty in ({"length_penalty": -8}, {"length_penalty": 8})
    )
    assert short < long


# -- order and batches ---------------------------------------------------------------------------


def test_rows_keep_their_order_whatever_the_batches(llama, prompts):
    expected = texts(engine(llama).generate(prompts))
    for batch_tokens in (64, 150, 4096):
        done = []
        found = engine(llama, batch_tokens=batch_tokens).generate(prompts, done.append)
        assert texts(found) == expected
        assert sum(done) == len(prompts)
        assert (len(done) == 1) == (batch_tokens == 4096)
    backwards = engine(llama).generate(prompts[::-1])
    assert texts(backwards)[::-1] == expected


def test_a_batch_stays_within_its_tokens(llama, prompts):
    limited = engine(llama, batch_tokens=150, beams=2)
    sizes = []
    run = limited._run
    limited._run = lambda rows, prefix: sizes.append(rows) or run(rows, prefix)
    limited.generate(prompts)
    for rows in sizes:
        longest = max(len(row) for row in rows)
        assert len(rows) == 1 or len(rows) * (longest + NEW) * 2 <= 150
    assert max(len(rows) for rows in sizes) > 1


def test_no_prompts_no_hypotheses(llama):
    assert engine(llama).generate([]) == []


# -- why a row stopped ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own(llama, prompts):
    """The new ids of each prompt, without any end."""
    return [own_ids(llama, row) for row in prompts]


def test_each_row_says_whether_it_ended_or_hit_the_limit(llama, prompts, own):
    ends = [own[0][4], own[3][0], llama.tokenizer.eos_token_id]
    found = engine(llama, ends).generate(prompts)
    for hypothesis, ids in zip(found, own, strict=True):
        at = next((at for at, token in enumerate(ids) if token in ends), None)
        kept = ids if at is None else ids[:at]
        assert hypothesis.stop == ("limit" if at is None else "end")
        assert hypothesis.text == read(llama, kept)
        assert hypothesis.tokens == len(kept) + (at is not None)
    assert {hypothesis.stop for hypothesis in found} == {"end", "limit"}
    assert (found[3].text, found[3].tokens, found[3].stop) == ("", 1, "end")


def test_a_stop_string_ends_a_row_and_is_cut_off(llama, prompts, own):
    # a piece from the middle of a row's own text
    whole = texts(engine(llama).generate(prompts))
    row = max(range(len(whole)), key=lambda row: len(whole[row].split()))
    word = whole[row].split()[2]
    found = engine(llama, stop_strings=[word]).generate(prompts)
    for hypothesis, text in zip(found, whole, strict=True):
        before, cut, _ = text.partition(word)
        assert hypothesis.text == before.strip()
        assert hypothesis.stop == ("stop_string" if cut else "limit")
    assert found[row].stop == "stop_string"
    assert 0 < found[row].tokens < NEW
    assert {hypothesis.stop for hypothesis in found} == {"stop_string", "limit"}


def test_the_first_of_several_stop_strings_counts(llama, prompts):
    whole = engine(llama).generate(prompts[:1])[0].text
    word = max(whole.split()[1:], key=len)
    found = engine(llama, stop_strings=[word[1:], word]).generate(prompts[:1])[0]
    cut = min(whole.find(word), whole.find(word[1:]))
    assert found.text == whole[:cut].strip()
    assert found.text != whole[: whole.find(word[1:])].strip(), "both begin at the same place"


def test_padding_with_the_end_token_changes_nothing(load, sentences, own, prompts, llama):
    """Many tokenizers have no padding token and take the end token for it."""
    loaded = load("llama")
    end = own[0][4]
    before = engine(llama, [end]).generate(prompts)
    loaded.tokenizer.pad_token_id = end
    found = engine(loaded, [end]).generate(prompts)
    assert [(each.text, each.stop, each.tokens) for each in found] == [
        (each.text, each.stop, each.tokens) for each in before
    ]
    assert {each.stop for each in found} == {"end", "limit"}
    whole = max(texts(engine(llama).generate(prompts)), key=len)
    word = whole.split()[1]
    cut, alike = (
        engine(each, [end], stop_strings=[word]).generate(prompts) for each in (loaded, llama)
    )
    assert [(each.text, each.stop, each.tokens) for each in cut] == [
        (each.text, each.stop, each.tokens) for each in alike
    ]
    assert "stop_string" in {each.stop for each in cut}


# -- the account ---------------------------------------------------------------------------------


def test_seconds_of_all_rows_add_up_to_the_time_it_took(llama, prompts, monkeypatch):
    looks = count()
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: float(next(looks))))
    found = engine(llama, batch_tokens=200).generate(prompts * 3)
    assert all(hypothesis.seconds > 0 for hypothesis in found)
    assert sum(hypothesis.seconds for hypothesis in found) == pytest.approx(next(looks) - 1)

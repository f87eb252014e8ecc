"""Generation: what transformers itself gives, in order, with why each row stopped."""

import time

import pytest
import torch
from transformers import GenerationConfig

from dubash.engine.options import GenerateOptions
from dubash.engine.transformers import TransformersEngine
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from tiny import FAMILIES

NEW = 10
"""New tokens at most, unless a test says otherwise."""


def engine(loaded, ends=(), **settings):
    """An engine on the model; a tiny model never ends by itself, so `ends` names end tokens."""
    options = GenerateOptions(**{"max_new_tokens": NEW, **settings})
    return TransformersEngine(
        loaded.model, loaded.tokenizer, loaded.kind, ends or [loaded.tokenizer.eos_token_id],
        options,
    )  # fmt: skip


def own_ids(loaded, prompt, ends=(), **settings):
    """What transformers' own `generate` makes of one unpadded prompt: the new ids alone."""
    output = loaded.model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=NEW,
        eos_token_id=list(ends) or loaded.tokenizer.eos_token_id,
        pad_token_id=loaded.tokenizer.pad_token_id,
        **{"do_sample": False, **settings},
    )
    return output[0, len(prompt) if loaded.kind == "causal" else 1 :].tolist()


def read(loaded, ids):
    return loaded.tokenizer.decode(ids, skip_special_tokens=True).strip()


def texts(hypotheses):
    return [hypothesis.text for hypothesis in hypotheses]


@pytest.fixture(scope="module")
def llama(load):
    return load("llama")


@pytest.fixture(scope="module")
def prompts(llama, sentences):
    """Prompts of 8 to 40 tokens, long and short by turns."""
    picked = sentences[::110]
    mixed = [*picked[::2], *picked[1::2][::-1]]
    return [llama.tokenizer(text).input_ids for text in mixed]


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
    limited._run = lambda rows: sizes.append(rows) or run(rows)
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


# -- sampling ------------------------------------------------------------------------------------


def test_sampling_hangs_on_its_seed_alone(llama, prompts):
    state = torch.get_rng_state()
    first = texts(engine(llama, sample=True, temperature=2.0).generate(prompts))
    assert torch.equal(torch.get_rng_state(), state), "training's dropout would change"
    torch.manual_seed(99)
    assert texts(engine(llama, sample=True, temperature=2.0).generate(prompts)) == first
    assert texts(engine(llama, sample=True, temperature=2.0, seed=2).generate(prompts)) != first


@pytest.mark.parametrize("only_the_best", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}])
def test_sampling_from_the_best_alone_is_greedy(llama, prompts, only_the_best):
    sampled = engine(llama, sample=True, **only_the_best).generate(prompts)
    assert texts(sampled) == texts(engine(llama).generate(prompts))


def test_without_top_k_every_token_may_come(llama, prompts):
    """transformers takes the 50 likeliest unless told otherwise."""
    with torch.no_grad():
        logits = llama.model(torch.tensor([prompts[0]])).logits[0, -1]
    likeliest = set(logits.topk(50).indices.tolist())
    rows = [prompts[0]] * 60

    def outside(**settings):
        sampler = engine(llama, sample=True, temperature=10.0, max_new_tokens=1, **settings)
        firsts = [ids[0] for ids in _ids(sampler, rows)]
        return sum(token not in likeliest for token in firsts)

    assert outside(top_k=50) == 0
    assert outside() > 0


def _ids(sampler, rows):
    torch.manual_seed(sampler.options.seed)
    with sampler._serving():
        return sampler._run(rows)


# -- the model's own settings --------------------------------------------------------------------

LOUD = {
    "do_sample": True, "temperature": 5.0, "top_k": 3, "repetition_penalty": 3.0, "num_beams": 3,
    "max_length": 5, "min_new_tokens": 9, "no_repeat_ngram_size": 1, "suppress_tokens": [5, 6, 7],
    "forced_eos_token_id": 3, "num_return_sequences": 2,
}  # fmt: skip


def adapted(load_from, family):
    """A model with adapters, as training makes it."""
    loaded = load_from(family)
    model = ModelOptions(name=loaded.name, device="cpu", dtype="fp32")
    return load_trainable(model, MethodOptions(rank=4, alpha=8), seed=1)


@pytest.mark.parametrize("with_adapter", [False, True])
@pytest.mark.parametrize("family", ["llama", "mt5"])
def test_what_a_checkpoint_says_of_generation_does_not_count(load, sentences, family, with_adapter):
    loaded = adapted(load, family) if with_adapter else load(family)
    rows = [loaded.tokenizer(text).input_ids for text in sentences[::260]]
    expected = engine(loaded).generate(rows)
    base = loaded.model.get_base_model() if with_adapter else loaded.model
    base.generation_config = loud = GenerationConfig(
        **LOUD, decoder_start_token_id=base.generation_config.decoder_start_token_id
    )
    if with_adapter:
        loaded.model.generation_config = loud
    found = engine(loaded).generate(rows)
    assert [(each.text, each.stop, each.tokens) for each in found] == [
        (each.text, each.stop, each.tokens) for each in expected
    ]
    assert base.generation_config is loud
    assert loaded.model.generation_config is loud


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was_found(load, training, prompts):
    loaded = adapted(load, "llama")
    loaded.model.train(training)
    base = loaded.model.get_base_model()
    before = (loaded.model.generation_config, base.generation_config)

    def stop(_rows):
        raise KeyboardInterrupt

    for advance in (None, stop):
        try:
            engine(loaded, batch_tokens=64).generate(prompts, advance)
        except KeyboardInterrupt:
            assert advance is stop
        assert loaded.model.training == base.training == training
        assert (loaded.model.generation_config, base.generation_config) == before
        assert base.generation_config is before[1]


def test_dropout_is_off_while_generating(load, prompts):
    loaded = load("llama")
    model = ModelOptions(name=loaded.name, device="cpu", dtype="fp32")
    method = MethodOptions(rank=4, alpha=8, dropout=0.9)
    trained = load_trainable(model, method, seed=1)
    with torch.no_grad():  # adapters begin as zeros: only others show their dropout
        for name, parameter in trained.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    trained.model.train()
    once, again = (texts(engine(trained).generate(prompts)) for _ in range(2))
    assert once == again


# -- the account ---------------------------------------------------------------------------------


def test_seconds_of_all_rows_add_up_to_the_time_it_took(llama, prompts):
    start = time.perf_counter()
    found = engine(llama, batch_tokens=200).generate(prompts * 3)
    took = time.perf_counter() - start
    assert all(hypothesis.seconds > 0 for hypothesis in found)
    total = sum(hypothesis.seconds for hypothesis in found)
    assert 0.5 * took < total <= took


def test_options_that_do_nothing_are_refused():
    for settings, words in (
        ({"temperature": 0.5}, "generate.temperature has no effect without sampling"),
        ({"length_penalty": 2.0}, "generate.length_penalty has no effect with generate.beams: 1"),
        ({"sample": True, "beams": 2}, "do not go together"),
        ({"stop_strings": [""]}, "holds an empty text"),
    ):
        with pytest.raises(ValueError, match=words):
            GenerateOptions(**settings)

"""Settings of generation: ours count, the checkpoint's do not, and the model is left as found."""

import pytest
import torch
from transformers import GenerationConfig

from dubash.engine.options import GenerateOptions
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from engine.generating import engine, texts

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


def test_options_that_do_nothing_are_refused():
    for settings, words in (
        ({"temperature": 0.5}, "generate.temperature has no effect without sampling"),
        ({"length_penalty": 2.0}, "generate.length_penalty has no effect with generate.beams: 1"),
        ({"sample": True, "beams": 2}, "do not go together"),
        ({"stop_strings": [""]}, "holds an empty text"),
    ):
        with pytest.raises(ValueError, match=words):
            GenerateOptions(**settings)

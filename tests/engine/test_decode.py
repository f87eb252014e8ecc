"""Our own decoding loop: the logits of every step are those of each row alone, in float64."""

import pytest
import torch

from dubash.engine.base import shared_prefix
from dubash.engine.decode import CausalRows, Chooser, Prefix, Seq2SeqRows, can_decode, decode
from dubash.engine.options import GenerateOptions
from engine.generating import engine, own_ids, read, texts

CAUSAL = ("llama", "qwen2", "qwen3", "gemma3")
SEQ2SEQ = ("mt5", "m2m100")
STEPS = 24


@pytest.fixture(scope="module")
def double(load):
    """`double("llama")`: a model of the family in float64."""
    made = {}

    def get(family, attention="sdpa"):
        if family not in made:
            made[family] = load(family)
            made[family].model.double()
        made[family].model.set_attn_implementation(attention)
        return made[family]

    return get


def instructed(loaded, sentences, count=7):
    """Prompts of one long instruction and rows of very different lengths."""
    instruction = loaded.tokenizer("Translate what follows, word for word, into Spanish:").input_ids
    rows = [loaded.tokenizer(text).input_ids[1:] for text in sentences[:: len(sentences) // count]]
    return [instruction + row for row in rows]


class Recorder(Chooser):
    """Greedy, and keeps the logits of every step by row."""

    def __init__(self, options, size):
        super().__init__(options)
        self.alive, self.logits = list(range(size)), [[] for _ in range(size)]

    def __call__(self, logits, history):
        for row, each in zip(self.alive, logits, strict=True):
            self.logits[row].append(each)
        return super().__call__(logits, history)


def recorded(rows, ends):
    """Output of the loop and the logits it chose by; rows end at tokens in `ends`."""
    chooser = Recorder(GenerateOptions(), rows.size)
    keep = rows.keep

    def kept(index):
        chooser.alive = [chooser.alive[at] for at in index.tolist()]
        keep(index)

    rows.keep = kept
    with torch.inference_mode():
        output = decode(rows, chooser, lambda ids: ids[-1] in ends, STEPS)
    return output, chooser.logits


def largest_difference(output, logits, expected):
    """`expected(row, ids)` gives the logits of each step for one row alone."""
    worst = 0.0
    for row, (ids, steps) in enumerate(zip(output, logits, strict=True)):
        assert len(steps) == len(ids)
        with torch.inference_mode():
            alone = expected(row, ids)
        worst = max(worst, float((torch.stack(steps) - alone).abs().max()))
        assert torch.stack(steps).argmax(-1).tolist() == ids
    return worst


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", CAUSAL)
def test_each_step_has_the_logits_of_the_row_alone(double, sentences, family, attention, shared):
    loaded = double(family, attention)
    model, prompts = loaded.model, instructed(loaded, sentences)
    common = shared_prefix(prompts)
    assert len(common) >= 8
    assert max(map(len, prompts)) + STEPS > 40, "past Gemma's window of 32"
    ends = own_ids(loaded, prompts[2])[4:5] + own_ids(loaded, prompts[4])[7:8]
    with torch.inference_mode():
        prefix = Prefix(model, common) if shared else None
        rows = CausalRows(model, prompts, prefix)
    output, logits = recorded(rows, ends)
    assert len({len(ids) for ids in output}) > 1, "rows ended at different steps"

    def alone(row, ids):
        whole = torch.tensor([prompts[row] + ids])
        return model(input_ids=whole, use_cache=False).logits[0, len(prompts[row]) - 1 : -1]

    # eager attention takes its softmax in float32 whatever the model's type
    assert largest_difference(output, logits, alone) < (1e-9 if attention == "sdpa" else 1e-5)


@pytest.mark.parametrize("family", SEQ2SEQ)
def test_an_encoder_decoder_too(double, sentences, family):
    loaded = double(family)
    model = loaded.model
    prompts = [loaded.tokenizer(text).input_ids for text in sentences[::130]]
    start = [model.config.decoder_start_token_id, 7]
    ids, mask = engine(loaded).pad(prompts)
    with torch.inference_mode():
        rows = Seq2SeqRows(model, ids, mask, start)
    first = recorded(rows, [])[0]
    ends = [first[1][3], first[3][9]]
    with torch.inference_mode():
        rows = Seq2SeqRows(model, ids, mask, start)
    output, logits = recorded(rows, ends)
    assert len({len(ids) for ids in output}) > 1

    def alone(row, ids):
        decoder = torch.tensor([[*start, *ids[:-1]]])
        source = torch.tensor([prompts[row]])
        return model(input_ids=source, decoder_input_ids=decoder).logits[0, 1:]

    assert largest_difference(output, logits, alone) < 1e-9


def test_rows_leave_the_batch_as_they_end(llama, sentences):
    prompts = instructed(llama, sentences)
    whole = [own_ids(llama, prompt) for prompt in prompts]
    ends = [whole[0][1], whole[3][4]]
    sizes, forward = [], llama.model.forward

    def counted(*args, **kwargs):
        sizes.append(tuple(kwargs["input_ids"].shape))
        return forward(*args, **kwargs)

    llama.model.forward = counted
    try:
        found = engine(llama, ends).generate(prompts)
    finally:
        llama.model.forward = forward
    common = len(shared_prefix(prompts))
    assert sizes[0] == (1, common), "the prefix once, for all"
    assert sizes[1] == (len(prompts), max(map(len, prompts)) - common)
    decoded = [rows for rows, width in sizes[2:]]
    assert all(width == 1 for _, width in sizes[2:])
    assert decoded == sorted(decoded, reverse=True)
    assert sum(rows for rows, _ in sizes[1:]) == sum(each.tokens for each in found)


@pytest.mark.parametrize("family", ["llama", "gemma3", "mt5", "m2m100"])
def test_settings_mean_what_they_mean_to_transformers(load, sentences, family):
    loaded = load(family)
    assert can_decode(loaded.model, GenerateOptions())
    prompts = instructed(loaded, sentences)
    for settings in ({}, {"repetition_penalty": 1.6}):
        own = [own_ids(loaded, row, **settings) for row in prompts]
        assert texts(engine(loaded, **settings).generate(prompts)) == [
            read(loaded, ids) for ids in own
        ]


def test_a_repetition_penalty_counts_no_padding(llama, sentences):
    prompts = instructed(llama, sentences)
    assert len({len(prompt) for prompt in prompts}) > 3
    with torch.inference_mode():
        rows = CausalRows(llama.model, prompts, Prefix(llama.model, shared_prefix(prompts)))
    assert [set(row) for row in rows.history.tolist()] == [set(prompt) for prompt in prompts]


def test_what_is_not_ours_is_left_to_transformers(load):
    assert not can_decode(load("llama").model, GenerateOptions(beams=2))
    assert not can_decode(load("qwen3_5").model, GenerateOptions())
    model = load("llama").model
    model.config._attn_implementation = "flash_attention_2"
    assert not can_decode(model, GenerateOptions())


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.7, "top_k": 8},
        {"top_p": 0.6, "temperature": 0.05},
        {"repetition_penalty": 2.0, "top_k": 20},
    ],
)
def test_sampling_draws_by_the_right_probabilities(llama, prompts, settings):
    """Against the probabilities as defined, worked out here without transformers' warpers."""
    prompt, count = prompts[2], 4000
    with torch.no_grad():
        scores = llama.model(torch.tensor([prompt])).logits[0, -1].double().clone()
    if (penalty := settings.get("repetition_penalty", 1.0)) != 1.0:
        seen = torch.tensor(sorted(set(prompt)))
        scores[seen] = torch.where(scores[seen] < 0, scores[seen] * penalty, scores[seen] / penalty)
    scores = scores / settings.get("temperature", 1.0)
    if "top_k" in settings:
        scores[scores < scores.topk(settings["top_k"]).values[-1]] = -torch.inf
    expected = scores.softmax(-1)
    if "top_p" in settings:
        ranked, order = expected.sort(descending=True)
        outside = order[ranked.cumsum(0) - ranked > settings["top_p"]]
        expected[outside] = 0
        expected = expected / expected.sum()
    sampler = engine(llama, sample=True, max_new_tokens=1, batch_tokens=4_000_000, **settings)
    torch.manual_seed(3)
    with sampler._serving(), torch.inference_mode():
        drawn = torch.tensor(sampler._run([prompt] * count)).squeeze(1)
    found = torch.bincount(drawn, minlength=len(expected)).double() / count
    assert found[expected == 0].sum() == 0
    assert (found - expected).abs().sum() / 2 < 0.06
    assert (expected > 0.02).sum() > 2, "more than one token to draw"

"""Exact: the packed, shared, chunked way has the loss and the gradients of the plainest way.

The plainest way is the model's own forward pass over one row at a time, its own logits, and torch's
cross entropy, in float64. Dropout is 0.
"""

import copy
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from exact import assert_same, gradients, plainest, rows_of_a_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM

from dubash.model import products
from dubash.model.load import LoadedModel
from dubash.model.products import MULTIPLE
from dubash.prompt.template import Example
from dubash.train import head as head_module
from dubash.train.attention import packed_attention
from dubash.train.batches import Collator
from dubash.train.fuse import Fused
from dubash.train.head import HeadForm, head_loss
from dubash.train.last import LastLayer
from dubash.train.loss import Scorer
from tiny import FAMILIES

PACKED = ("llama", "qwen2", "qwen3", "gemma3")


def ours(loaded, collator, examples, passes=1, smoothing=0.0, lean=None):
    """Loss and gradients as dubash takes them, the rows dealt over a number of passes."""
    scorer = Scorer(loaded.model, smoothing)
    scorer.direct = True
    supervised = sum(collator.supervised(example) for example in examples)
    total = 0.0
    # Qwen3.5's recurrence blows up the last digit of its norms, taken in fp32: compared apart below
    lean = collator.packed if lean is None else lean
    fused = Fused(loaded.model, True).active() if lean else nullcontext()
    with packed_attention(loaded.model, collator.packed), fused, LastLayer(scorer).active():
        for part in (examples[start::passes] for start in range(min(passes, len(examples)))):
            loss = scorer(collator(part), supervised)
            loss.backward()
            total += float(loss.detach())
    return total, gradients(loaded.model)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
@given(
    examples=rows_of_a_step(),
    mask=st.sampled_from(["target", "full"]),
    passes=st.integers(1, 3),
    smoothing=st.sampled_from([0.0, 0.1]),
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_loss_and_every_gradient(trainable, family, method, examples, mask, passes, smoothing):
    loaded = trainable(family, method)
    if loaded.kind == "seq2seq":
        mask = "target"
    collator = Collator(
        loaded.kind, mask, 0, getattr(loaded.model.config, "decoder_start_token_id", None),
        packed=family in PACKED,
    )  # fmt: skip
    assert_same(
        plainest(loaded, examples, mask, smoothing),
        ours(loaded, collator, examples, passes, smoothing),
    )


@pytest.mark.parametrize("family", PACKED)
@pytest.mark.parametrize("method", ["qlora", "lora-int8"])
def test_quantised_bases_in_fp32(trainable, family, method):
    """Their kernels know no float64; int8 rounds activations, and rounding may tip by a hair."""
    loaded = trainable(family, method)
    prefix = (9, 8, 7, 6)
    rows = [
        Example((*prefix, *range(5, 5 + at)), (*range(20, 22 + at), 3), str(at))
        for at in range(1, 7)
    ]
    collator = Collator("causal", "target", 0)
    assert_same(
        plainest(loaded, rows, "target"),
        ours(loaded, collator, rows, 2),
        2e-5 if method == "qlora" else 5e-2,
    )


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_checkpointed_layers_attend_by_layout_again_in_the_backward_pass(trainable, family):
    loaded = trainable(family, "lora")
    rows = [Example((9, 8, at), (at, 11, 3), str(at)) for at in range(12, 18)]
    collator = Collator("causal", "target", 0)
    expected = ours(loaded, collator, rows)
    inner = loaded.model.get_base_model()
    inner.gradient_checkpointing_enable({"use_reentrant": False})
    loaded.model.train()
    try:
        assert_same(expected, ours(loaded, collator, rows), 1e-9)
    finally:
        inner.gradient_checkpointing_disable()
        loaded.model.eval()


@pytest.mark.parametrize("family", [*PACKED, "qwen3_5"])
def test_the_last_layer_works_on_the_positions_that_the_loss_asks_for(trainable, family):
    loaded = trainable(family, "lora")
    batch = Collator("causal", "target", 0, packed=family in PACKED)(
        [Example((9, 8, at), (at, 3), str(at)) for at in range(12, 18)]
    )
    scorer = Scorer(loaded.model)
    active = LastLayer(scorer).active()
    *_, before, last = loaded.model.get_base_model().model.layers
    seen = []
    hooks = [
        part.register_forward_hook(lambda _part, inputs, _output: seen.append(inputs[0].shape[:2]))
        for part in (before.mlp.down_proj, last.self_attn.o_proj, last.mlp.down_proj)
    ]
    with packed_attention(loaded.model, batch.layout is not None), active:
        scorer(batch)
    for hook in hooks:
        hook.remove()
    # 6 rows × 2, filled up in packs
    asked = (1, MULTIPLE if family in PACKED else 6 * 2)
    assert seen == [batch.inputs["input_ids"].shape, asked, asked]


class Experts(torch.nn.Linear):
    """What a mixture of experts may do: count all tokens, and return that with the output."""

    def forward(self, states):
        return super().forward(states), states.sum()


class Mixing(torch.nn.Linear):
    """What mixes positions."""

    def forward(self, states):
        return super().forward(states) + states.mean(1, keepdim=True)


@pytest.mark.parametrize("kind", [Experts, Mixing])
def test_a_last_layer_that_works_in_another_way_is_left_as_it_is(trainable, kind, monkeypatch):
    last = trainable("llama", "full").model.model.layers[-1]
    monkeypatch.setitem(last._modules, "mlp", kind(64, 64).double())
    scorer = Scorer(trainable("llama", "full").model)
    assert LastLayer(scorer).parts == [last.self_attn.o_proj]


def test_a_norm_of_several_heads_is_left_as_it_is():
    """Cohere's queries have a weight for each head."""

    class HeadsLayerNorm(torch.nn.Module):
        weight, eps = torch.nn.Parameter(torch.ones(4, 8)), 1e-6

        def forward(self, x):
            return x * self.weight

    assert Fused(HeadsLayerNorm()).forwards == []


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_leaner_form_has_its_modules_output_and_gradients(trainable, family, method):
    """Module by module; the norms of these models work in fp32 whatever they are given."""
    fused = Fused(trainable(family, method).model)
    assert bool(fused.forwards) == (method == "lora" or family not in ("m2m100", "nllb"))
    for module, forward in fused.forwards:
        outer = getattr(module, "gate_proj", module)
        width = getattr(outer, "in_features", None) or outer.weight.shape[0]
        x = torch.randn(2, 3, width, dtype=torch.float64, requires_grad=True)
        inputs = [x, *(each for each in module.parameters() if each.requires_grad)]
        ours, own = forward(x), module(x)
        assert torch.allclose(ours, own, rtol=1e-5, atol=1e-6)
        slope = torch.randn_like(own)
        for a, b in zip(
            torch.autograd.grad(ours, inputs, slope),
            torch.autograd.grad(own, inputs, slope),
            strict=True,
        ):
            assert torch.allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_embedding_adds_the_gradient_that_it_would_have_returned(trainable, family):
    """Twice, so that it is added to what is there; padding does not learn."""
    fused = Fused(trainable(family, "full").model, direct=True)
    found = [pair for pair in fused.forwards if isinstance(pair[0], torch.nn.Embedding)]
    assert found
    for module, forward in found:
        ids = torch.randint(module.num_embeddings, (2, 2, 9))
        ids[0, 0, 0] = module.padding_idx or 0
        slope = torch.randn(*ids.shape, module.embedding_dim, dtype=module.weight.dtype)
        for each in (0, 1):
            forward(ids[each]).backward(slope[each])
        ours, module.weight.grad = module.weight.grad, None
        for each in (0, 1):
            module(ids[each]).backward(slope[each])
        assert torch.allclose(ours, module.weight.grad, rtol=1e-12, atol=1e-12)
        module.weight.grad = None


@pytest.mark.parametrize(("rows", "in_caches"), [(1, True), (7, True), (7, False)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(
    "form", [HeadForm(), HeadForm(scale=0.3), HeadForm(cap=5.0), HeadForm(scale=0.5, cap=2.0)]
)
def test_the_head_in_chunks_has_the_loss_of_the_whole(
    monkeypatch, form, smoothing, rows, in_caches
):
    """Scale, soft-cap, bias and smoothing; counts; one row of logits in a chunk, or several."""
    torch.manual_seed(0)
    monkeypatch.setattr(head_module, "CHUNK_BYTES", rows * 50 * 4)
    monkeypatch.setattr(head_module, "BLOCK_BYTES", 3 * 50 * 4)
    monkeypatch.setattr(head_module, "PRODUCT_ROWS", 7)
    head = torch.nn.Linear(16, 50).double()
    hidden = torch.randn(23, 16, dtype=torch.float64, requires_grad=True)
    labels, counts = torch.randint(50, (23,)), torch.randint(0, 4, (23,))

    def whole():
        logits = head(hidden) * form.scale
        if form.cap:
            logits = torch.tanh(logits / form.cap) * form.cap
        each = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
        return ((each * counts).sum() / 9.0).double()

    wanted = whole()
    found = head_loss(head, form, hidden, labels, counts, 9.0, smoothing, in_caches=in_caches)
    inputs = [hidden, head.weight, head.bias]
    assert torch.allclose(found, wanted, rtol=1e-12)
    for a, b in zip(
        torch.autograd.grad(found, inputs), torch.autograd.grad(wanted, inputs), strict=True
    ):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-12)
    # the same where the weight's gradient is added where it is kept, to what is there
    (slope,) = torch.autograd.grad(whole(), head.weight)
    for _ in range(2):
        head_loss(head, form, hidden, labels, counts, 9.0, smoothing, direct=True).backward()
    assert torch.allclose(head.weight.grad, 2 * slope, rtol=1e-9, atol=1e-12)


def test_gemma_2s_soft_caps_are_those_of_the_model(tmp_path):
    config = Gemma2Config(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, sliding_window=8,
        final_logit_softcapping=3.0, attn_logit_softcapping=2.0, initializer_range=0.5,
        attn_implementation="eager", pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(1)
    model = Gemma2ForCausalLM(config).double().eval()
    loaded = LoadedModel(model, None, "causal", "cpu", "fp32", "gemma2", "gemma2")
    rows = [Example((9, 8, 7, at), tuple(range(at, at + 14)), str(at)) for at in range(10, 15)]
    assert_same(plainest(loaded, rows, "full"), ours(loaded, Collator("causal", "full", 0), rows))


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_fp32_by_the_library_with_the_widest_products(trainable, family, method, monkeypatch):
    """Whichever CPU this is: the model in fp32, against itself in float64."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "_narrow", lambda: True)
    loaded = trainable(family, method)
    rows = [
        Example((9, 8, 7, *range(5, 5 + at)), (*range(20, 22 + at), 3), str(at))
        for at in range(1, 7)
    ]
    collator = Collator(
        loaded.kind, "target", 0, getattr(loaded.model.config, "decoder_start_token_id", None),
        packed=family in PACKED,
    )  # fmt: skip
    expected = plainest(loaded, rows, "target")
    narrow = replace(loaded, model=copy.deepcopy(loaded.model).float())
    fused = Fused(narrow.model).forwards
    assert any(isinstance(module, torch.nn.Linear) for module, _ in fused)
    loss, found = ours(narrow, collator, rows, 2, lean=True)
    # rounding may tip a ReLU, and a recurrence blows it up
    most = 5e-3 if family in ("m2m100", "nllb", "qwen3_5") else 1e-4
    assert_same(expected, (loss, {name: each.double() for name, each in found.items()}), most)


def kept_by(forward):
    """How many numbers a forward pass keeps for its backward pass; output and gradient."""
    sizes = {}

    def note(tensor):
        sizes[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        x = torch.linspace(-2, 2, 50 * 32, dtype=torch.float64).view(50, 32).requires_grad_()
        found = forward(x)
    (slope,) = torch.autograd.grad(found.square().sum(), x)
    return sum(sizes.values()), (found, slope)


@pytest.mark.parametrize("family", PACKED)
def test_a_gated_layer_keeps_less_and_gives_the_same(trainable, family):
    found = Fused(trainable(family, "full").model).forwards
    gated = [pair for pair in found if hasattr(pair[0], "gate_proj")]
    assert len(gated) == trainable(family, "full").model.config.num_hidden_layers
    module, forward = gated[0]
    ours, own = kept_by(forward), kept_by(module)
    assert ours[0] < own[0]
    for a, b in zip(ours[1], own[1], strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-12)


def scaled(layer):
    """Twice what it was."""
    layer.forward = lambda x: 2 * type(layer).forward(layer, x)


def learning(layer):
    """A factor of its own, which is 1 now."""
    layer.factor = torch.nn.Parameter(torch.ones(1))


def dropping(layer):
    """Dropout, which does nothing in eval mode."""
    layer.dropout = torch.nn.Dropout(0.5)


def routed(layer):
    """More inputs than one."""
    layer.router = torch.nn.Linear(4, 4)
    layer.forward = lambda x, signal: signal


@pytest.mark.parametrize("change", [scaled, learning, dropping, routed])
def test_a_gated_layer_that_may_do_more_is_left_as_it_is(trainable, change):
    layer = copy.deepcopy(trainable("llama", "full").model.model.layers[0].mlp)
    assert [pair for pair in Fused(layer).forwards if pair[0] is layer]
    change(layer)
    assert not [pair for pair in Fused(layer).forwards if pair[0] is layer]


def test_a_linear_layer_keeps_no_input_where_its_weight_is_frozen(monkeypatch):
    monkeypatch.setattr(products, "_narrow", lambda: True)
    layer = torch.nn.Linear(32, 8)
    x = torch.randn(50, 32, requires_grad=True)
    kept = []
    for trained in (True, False):
        layer.weight.requires_grad_(trained)
        ((_, forward),) = Fused(layer).forwards
        kept.append(list(forward(x).grad_fn.next_functions[0][0].saved_tensors))
    assert [each is None for each in kept[0]] == [False, False]
    assert [each is None for each in kept[1]] == [True, False]


@pytest.mark.parametrize("wide", [True, False])
def test_the_head_in_fp32_by_parts(monkeypatch, wide):
    """The parts of a large vocabulary, either library; against the whole in float64."""
    monkeypatch.setattr(products, "_narrow", lambda: wide and torch.backends.mkldnn.is_available())
    monkeypatch.setattr(head_module, "CHUNK_BYTES", 17 * 50 * 4)
    monkeypatch.setattr(head_module, "PRODUCT_ROWS", 7)
    torch.manual_seed(0)
    head = torch.nn.Linear(16, 50)
    hidden, labels = torch.randn(43, 16, requires_grad=True), torch.randint(50, (43,))
    counts = torch.randint(0, 4, (43,))
    logits = hidden.double() @ head.weight.double().t() + head.bias.double()
    wanted = (F.cross_entropy(logits, labels, reduction="none") * counts).sum() / 9
    inputs = [hidden, head.weight, head.bias]
    slopes = torch.autograd.grad(wanted, inputs)
    head_loss(head, HeadForm(), hidden, labels, counts, 9.0, direct=True).backward()
    for parameter, slope in zip(inputs, slopes, strict=True):
        assert torch.allclose(parameter.grad, slope, rtol=1e-4, atol=1e-6)

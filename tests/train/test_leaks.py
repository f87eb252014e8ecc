"""Five ways of packing that train without an error on the wrong thing: each is planted and caught.

All of them were seen in use. Rows behind one another in one flat row, positions that begin anew:
whether the model then keeps the rows apart hangs on the mask, the cache and the architecture.
"""

import pytest
import torch

from dubash.core.errors import TrainingError
from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.template import Example
from dubash.train.batches import Collator
from dubash.train.loss import Scorer
from dubash.train.probe import _rows_apart, check_loss, keeps_rows_apart, make_collator
from tiny import make_tiny

ROWS = [
    Example(tuple(range(5, 9)), (30, 31, 3), "a"),
    Example(tuple(range(9, 15)), (32, 33, 34, 3), "b"),
    Example(tuple(range(5, 25)) * 2, (*range(10, 20), 3), "long"),  # past the window of 32
]
COLLATOR = Collator("causal", "target", 0)


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    def make(family, method="full"):
        folder = tmp_path_factory.mktemp("leaks") / family
        make_tiny(family, folder, ["a good day for words"] * 20, hidden=32, spread=0.3)
        options = ModelOptions(name=str(folder), dtype="fp32")
        loaded = load_trainable(options, MethodOptions(name=method))
        loaded.model.eval()
        return loaded

    return make


def blocks(layout):
    """The block-diagonal causal mask of a pack without shared tokens, `[1, 1, time, time]`."""
    lengths = torch.tensor([*layout.lengths, layout.filler])
    row = torch.arange(len(lengths)).repeat_interleave(lengths)
    return (row[:, None] == row[None, :]).tril()[None, None]


class Planted(Scorer):
    """Packs as someone would who trusts the documentation: no layout, another `mask` each."""

    def __init__(self, model, arguments):
        super().__init__(model)
        self.arguments = arguments

    def hidden(self, batch):
        self.asked = batch.asked
        inputs = {name: batch.inputs[name] for name in ("input_ids", "position_ids")}
        for part in self.model.modules():
            if hasattr(part, "config"):
                part.config._attn_implementation = self.arguments.get("attention", "sdpa")
        mask = self.arguments["mask"](batch)
        found = self.model.model(
            **inputs, attention_mask=mask, use_cache=self.arguments.get("use_cache", False)
        )
        return found.last_hidden_state.flatten(0, 1)


class Apart(Collator):
    """Shares nothing between rows: such ways of packing know no shared tokens."""

    def __call__(self, examples, share=False):
        return super().__call__(examples, share=False)


APART = Apart("causal", "target", 0)


def no_mask(_batch):
    return None


def test_restarting_positions_alone_keep_rows_apart_which_shows_that_the_probe_can_pass(load):
    model = load("llama").model
    assert keeps_rows_apart(Planted(model, {"mask": no_mask}), APART, ROWS)


def test_the_cache_that_is_on_by_default_leaks(load):
    model = load("llama").model
    planted = Planted(model, {"mask": no_mask, "use_cache": True})
    assert not keeps_rows_apart(planted, APART, ROWS)


def test_a_mask_of_ones_leaks(load):
    planted = Planted(
        load("llama").model, {"mask": lambda batch: torch.ones_like(batch.inputs["input_ids"])}
    )
    assert not keeps_rows_apart(planted, APART, ROWS)


def test_a_boolean_mask_leaks_where_attention_is_eager(load):
    model = load("llama").model
    mask = {"mask": lambda batch: blocks(batch.layout)}
    assert keeps_rows_apart(Planted(model, mask), APART, ROWS)
    assert not keeps_rows_apart(Planted(model, {**mask, "attention": "eager"}), APART, ROWS)


def test_a_mask_of_four_dimensions_drops_gemma_3s_sliding_window(load):
    """The rows stay apart, but those past the window see too far back: the loss is another one."""
    model = load("gemma3").model
    planted = Planted(model, {"mask": lambda batch: blocks(batch.layout)})
    assert keeps_rows_apart(planted, APART, ROWS)
    check_loss(planted, APART, ROWS[:2])  # nothing to be seen on short rows
    with pytest.raises(TrainingError, match="by its own logits"):
        check_loss(planted, APART, ROWS)


def test_a_recurrent_state_leaks_through_any_mask(load):
    loaded = load("qwen3_5")
    assert not keeps_rows_apart(Planted(loaded.model, {"mask": no_mask}), APART, ROWS)
    assert not keeps_rows_apart(Scorer(loaded.model), COLLATOR, ROWS)


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3"])
def test_the_way_that_is_used_keeps_rows_apart_and_has_the_models_loss(load, family):
    loaded = load(family)
    scorer = Scorer(loaded.model)
    assert keeps_rows_apart(scorer, COLLATOR, ROWS)
    check_loss(scorer, COLLATOR, ROWS)
    assert make_collator(loaded, "target", ROWS).packed


def test_a_model_that_leaks_is_trained_padded_and_the_log_says_so(load, capsys):
    loaded = load("qwen3_5")
    assert not make_collator(loaded, "target", ROWS).packed
    assert "padded instead" in capsys.readouterr().err


def test_columns_that_llm_int8_computes_apart_are_no_leak(load, tmp_path):
    """They hang on all tokens of a batch, padded or packed: only a leak through the mask is one."""
    pytest.importorskip("bitsandbytes")
    loaded = load("llama", "lora-int8")
    with torch.no_grad():
        table = loaded.model.get_input_embeddings().weight
        table[4] = 3 * torch.eye(32)[0]  # the token put in: one column of it stands out
    layers = [each for each in loaded.model.modules() if hasattr(each, "state")]
    assert make_collator(loaded, "target", ROWS).packed
    assert {each.state.threshold for each in layers} == {6.0}  # as they were
    assert not _rows_apart(Scorer(loaded.model), COLLATOR, ROWS)
    planted = Planted(loaded.model.get_base_model(), {"mask": no_mask, "use_cache": True})
    assert not keeps_rows_apart(planted, APART, ROWS)


def test_a_head_that_is_not_understood_is_refused(load):
    loaded = load("llama")
    head = loaded.model.lm_head
    head.register_forward_hook(lambda _module, _inputs, logits: logits * 0.5)
    with pytest.raises(TrainingError, match="does not know how llama works"):
        make_collator(loaded, "target", ROWS)


def test_without_a_layout_the_packed_attention_refuses_to_run(load):
    from dubash.train.attention import packed_attention

    model = load("llama").model
    with packed_attention(model), pytest.raises(ValueError, match="needs a layout"):
        model(input_ids=torch.tensor([[5, 6, 7]]), use_cache=False)

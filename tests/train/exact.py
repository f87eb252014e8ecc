"""The plainest way to a loss and its gradients, which every faster way is compared with."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from dubash.model.load import load_trainable
from dubash.model.options import MethodOptions, ModelOptions
from dubash.prompt.template import Example
from dubash.train.batches import Collator
from tiny import make_tiny

TEXTS = ["a good day for words", "बहुत अच्छा दिन", "una casa muy vieja"]
TOKEN = st.integers(5, 30)


@st.composite
def rows_of_a_step(draw):
    """Rows of random lengths behind a prefix of random length, some longer than Gemma's window."""
    prefix = draw(st.lists(TOKEN, max_size=20))
    longest = draw(st.sampled_from([3, 12, 45]))
    count = draw(st.integers(1, 6))
    tokens = st.lists(TOKEN, min_size=1, max_size=longest)
    return [Example((*prefix, *draw(tokens)), tuple(draw(tokens)), str(at)) for at in range(count)]


def loader(root):
    """Loads a model of a family under a method, in float64, its adapters away from zero."""
    kept = {}

    def load(family, method):
        if (family, method) not in kept:
            folder = root / f"{family}-{method}"
            # wider spreads saturate mT5, whose own scale is large: no gradient would be left
            spread = 0.02 if family == "mt5" else 0.15
            make_tiny(family, folder, TEXTS * 20, hidden=32, spread=spread)
            options = {} if method == "full" else {"rank": 4, "alpha": 8}
            loaded = load_trainable(
                ModelOptions(name=str(folder), dtype="fp32"),
                MethodOptions(name=method, **options), seed=1,
            )  # fmt: skip
            with torch.no_grad():
                for name, parameter in loaded.model.named_parameters():
                    if "lora_B" in name:
                        parameter.normal_(0, 0.3)
            if method in ("full", "lora"):
                loaded.model.double()
            loaded.model.eval()  # no dropout
            kept[family, method] = loaded
        return kept[family, method]

    return load


def gradients(model):
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def plainest(loaded, examples, mask, smoothing=0.0):
    """Loss and gradients one row at a time through the model's own logits."""
    start = getattr(loaded.model.config, "decoder_start_token_id", None)
    collator = Collator(loaded.kind, mask, 0, start, packed=False)
    supervised = sum(collator.supervised(example) for example in examples)
    total = 0.0
    for example in examples:
        batch = collator([example])
        logits = loaded.model(**batch.inputs, use_cache=False).logits[0, batch.places]
        loss = F.cross_entropy(logits, batch.labels, reduction="sum", label_smoothing=smoothing)
        (loss / supervised).backward()
        total += float(loss.detach()) / supervised
    return total, gradients(loaded.model)


def assert_same(one, other, most=1e-5):
    assert one[0] == pytest.approx(other[0], rel=most)
    assert one[1].keys() == other[1].keys()
    whole = torch.stack([gradient.norm() for gradient in one[1].values()]).norm()
    for name, gradient in one[1].items():
        # some are 0 but for rounding, which is fp32's: the norms of these models take it inside
        floor = 1e-7 * whole
        distance = (gradient - other[1][name]).norm()
        assert distance <= most * gradient.norm() + floor, f"{name}: {distance:.1e}"

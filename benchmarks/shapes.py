"""Checkpoints of the true shapes with random weights, made once into a cache folder.

Speed does not depend on what the weights say, and nothing needs to be fetched. But what they make
has to depend on the tokens: with a fresh model's logits, near zero, any mask would give a loss of
the logarithm of the vocabulary's size. So embeddings are drawn wider, and layers add little to
them: through many random layers int8's error would grow until dubash's own check refused it. The
last norm flips half of the signs: where head and embedding are one table, a model would otherwise
say its last token again and again, and equal texts would prove nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dubash.core.files import cache_root, lock, new_folder
from dubash.model.options import EMBEDDED

LAYOUT = 3  # raise it when what is made here changes
SPREAD = 0.05
SEED = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's shape. `vocabulary` are its embedding's rows; `sizes` go into its configuration."""

    name: str
    title: str
    family: Literal["gemma3", "qwen2", "mt5", "embedded"]
    vocabulary: int
    sizes: dict[str, Any]

    @property
    def kind(self) -> Literal["causal", "seq2seq"]:
        """Decoder-only or encoder-decoder."""
        return "seq2seq" if self.family == "mt5" else "causal"


_GEMMA = {
    "hidden_size": 640, "num_hidden_layers": 18, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 2048, "sliding_window": 512,
    "query_pre_attn_scalar": 256, "max_position_embeddings": 32768,
    "layer_types": ["full_attention" if n % 6 == 5 else "sliding_attention" for n in range(18)],
}  # fmt: skip
_QWEN = {
    "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14,
    "num_key_value_heads": 2, "intermediate_size": 4864, "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
}  # fmt: skip
_MT5 = {
    "d_model": 512, "d_kv": 64, "d_ff": 1024, "num_layers": 8, "num_decoder_layers": 8,
    "num_heads": 6, "feed_forward_proj": "gated-gelu",
}  # fmt: skip
_TINY_GEMMA = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "head_dim": 32, "intermediate_size": 128, "sliding_window": 512, "query_pre_attn_scalar": 32,
    "layer_types": ["sliding_attention", "full_attention"],
}  # fmt: skip
_TINY_MT5 = {**_MT5, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2,
             "num_decoder_layers": 2, "num_heads": 4}  # fmt: skip

# Assumed: 32,768 rows give the sizes that the work was set for, 121M of 268M and 77M of 300M.
TRIMMED = 32_768

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("gemma-270m", "Gemma-3-270M shape", "gemma3", 262_144, _GEMMA),
        Shape("gemma-270m-trimmed", "Gemma-3-270M shape, trimmed", "gemma3", TRIMMED, _GEMMA),
        Shape("qwen-0.5b", "Qwen2.5-0.5B shape", "qwen2", 151_936, _QWEN),
        Shape("mt5-small", "mT5-small shape", "mt5", 250_112, _MT5),
        Shape("mt5-small-trimmed", "mT5-small shape, trimmed", "mt5", TRIMMED, _MT5),
        Shape("smollm2", "SmolLM2-135M (4-bit, dequantized)", "embedded", 49_152, {}),
        Shape("tiny", "tiny Gemma 3", "gemma3", 1_000, _TINY_GEMMA),
        Shape("tiny-trimmed", "tiny Gemma 3, trimmed", "gemma3", 500, _TINY_GEMMA),
        Shape("tiny-mt5", "tiny mT5", "mt5", 1_000, _TINY_MT5),
    )
}


def bench_root() -> Path:
    """Where checkpoints, rows and logs of the benchmarks stand, outside the repository."""
    return cache_root() / "bench"


def checkpoint(shape: Shape) -> Path:
    """The shape's checkpoint folder, made on the first call."""
    if shape.family == "embedded":
        from dubash.model import embedded

        return embedded.checkpoint()
    folder = bench_root() / "models" / f"{shape.name}-v{LAYOUT}"
    with lock(folder.parent / "lock"):
        if not folder.exists():
            _make(shape, folder)
    return folder


def model_name(shape: Shape) -> str:
    """What dubash's `model.name` says for it."""
    return EMBEDDED if shape.family == "embedded" else str(checkpoint(shape))


def _make(shape: Shape, folder: Path) -> None:
    import torch

    from dubash.core.progress import say
    from dubash.model.plain import quiet_loading

    say(f"  making random weights of the {shape.title}, once")
    torch.manual_seed(SEED)
    model = _mt5(shape) if shape.family == "mt5" else _causal(shape)
    with new_folder(folder) as fresh, quiet_loading():
        model.save_pretrained(fresh)
        _write_tokenizer(shape.vocabulary, fresh)


def _causal(shape: Shape) -> Any:
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, Qwen2Config, Qwen2ForCausalLM

    common = {
        "vocab_size": shape.vocabulary, "initializer_range": 0.02,
        "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip
    if shape.family == "gemma3":
        model: Any = Gemma3ForCausalLM(Gemma3TextConfig(**shape.sizes, **common))
    else:
        model = Qwen2ForCausalLM(Qwen2Config(**shape.sizes, **common))
    parts = 2 * model.config.num_hidden_layers
    signs = torch.randint(2, model.model.norm.weight.shape) * 2.0 - 1
    with torch.no_grad():
        model.model.norm.weight.copy_(signs - 1 if shape.family == "gemma3" else signs)
        model.model.embed_tokens.weight.normal_(std=SPREAD)
        for layer in model.model.layers:
            if shape.family == "gemma3":  # it norms what a layer adds, by one plus a weight
                for norm in (layer.post_attention_layernorm, layer.post_feedforward_layernorm):
                    norm.weight.fill_(parts**-0.5 - 1)
            else:
                for linear in (layer.self_attn.o_proj, layer.mlp.down_proj):
                    linear.weight.div_(parts)
    return model


def _mt5(shape: Shape) -> Any:
    """As the published checkpoint: head and embedding are two tensors. transformers 5 ties those of
    every T5 it makes, and leaves them apart where it finds both in a checkpoint.

    Without dropout, or no two losses would be alike.
    """
    import torch
    from transformers import MT5Config, MT5ForConditionalGeneration

    config = MT5Config(
        vocab_size=shape.vocabulary, dropout_rate=0.0, pad_token_id=0, eos_token_id=1,
        decoder_start_token_id=0, **shape.sizes,
    )  # fmt: skip
    model = MT5ForConditionalGeneration(config)
    with torch.no_grad():
        head = torch.randn_like(model.shared.weight).mul_(SPREAD)
        model.shared.weight.normal_(std=1.0)
    model.lm_head.weight = torch.nn.Parameter(head)
    return model


def _write_tokenizer(size: int, folder: Path) -> None:
    """A tokenizer with a word for each id, since checkpoints come with one; rows are ids already,
    so nothing is ever split by it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "</s>", "<s>", "<unk>"]
    vocabulary = {token: number for number, token in enumerate(special)}
    vocabulary |= {f"w{number}": number for number in range(len(special), size)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", bos_token="<s>",
        unk_token="<unk>",
    )  # fmt: skip
    tokenizer.save_pretrained(folder)


def parameters(folder: Path) -> int:
    """The weights of a checkpoint, counted from the header of its safetensors file."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as handle:
            header = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        header.pop("__metadata__", None)
        for entry in header.values():
            count = 1
            for side in entry["shape"]:
                count *= side
            total += count
    return total

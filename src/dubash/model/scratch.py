"""A small model from nothing: random weights, and a tokenizer trained on the training rows.

For a pair that no model at hand knows. What it starts from was measured for a few thousand to a few
tens of thousands of pairs by Sennrich and Zhang 2019 (arXiv:1905.11901) and Araabi and Monz 2020
(arXiv:2011.02266): a small vocabulary, a shallow Transformer, strong dropout.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    M2M100Config,
    M2M100ForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from dubash.core.files import new_folder, write_json
from dubash.model.options import SCRATCH, ScratchOptions
from dubash.model.plain import quiet_loading

PAD, BEGIN, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
"""What a text falls into that no other token covers, so that nothing is unknown."""


def make(options: ScratchOptions, texts: Sequence[str], seed: int, folder: Path) -> dict[str, int]:
    """Write a model of random weights, drawn from `seed`, with its tokenizer to `folder`: an
    ordinary checkpoint. Returns its tokens and parameters.

    The tokenizer learns from `texts`; it may come to fewer tokens than asked for.
    """
    tokenizer = train_tokenizer(texts, options.vocabulary, options.kind == "seq2seq")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = (_seq2seq if options.kind == "seq2seq" else _causal)(options, tokenizer)
    with new_folder(folder) as fresh, quiet_loading():
        model.save_pretrained(str(fresh))
        tokenizer.save_pretrained(str(fresh))
        write_json(fresh / SCRATCH, {**options.model_dump(mode="json"), "seed": seed})
        for file in fresh.iterdir():
            file.chmod(0o644)
    return {
        "tokens": len(tokenizer),
        "parameters": sum(each.numel() for each in model.parameters()),
    }


def train_tokenizer(texts: Sequence[str], size: int, ends: bool) -> PreTrainedTokenizerFast:
    """A BPE tokenizer of at most `size` tokens over both languages' texts; what it has no token
    for falls into bytes. `ends` puts the end token behind what an encoder reads."""
    special = [PAD, BEGIN, END, UNKNOWN]
    raw = Tokenizer(models.BPE(unk_token=UNKNOWN, byte_fallback=True, fuse_unk=True))
    raw.normalizer = normalizers.NFC()
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
         decoders.Strip(" ", 1, 0)]
    )  # fmt: skip
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=[*special, *BYTES],
        show_progress=False,
        # letters past that fall into bytes; the trainer would keep them all, whatever the size
        limit_alphabet=max(1, size - len(special) - len(BYTES)),
    )
    raw.train_from_iterator(texts, trainer)
    if ends:
        raw.post_processor = processors.TemplateProcessing(
            single=f"$A {END}", special_tokens=[(END, raw.token_to_id(END))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=_bytes_as_ordinary(raw, special), pad_token=PAD, bos_token=BEGIN,
        eos_token=END, unk_token=UNKNOWN, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def _bytes_as_ordinary(raw: Tokenizer, special: list[str]) -> Tokenizer:
    """The trainer takes only special tokens beforehand; as such, bytes would be left out of what
    is decoded, and a text that spells one would become it."""
    content = json.loads(raw.to_str())
    content["added_tokens"] = [
        each for each in content["added_tokens"] if each["content"] in special
    ]
    found: Tokenizer = Tokenizer.from_str(json.dumps(content))
    return found


def _seq2seq(options: ScratchOptions, tokenizer: Any) -> Any:
    config = M2M100Config(
        vocab_size=len(tokenizer), d_model=options.width,
        encoder_layers=options.layers, decoder_layers=options.layers,
        encoder_attention_heads=options.heads, decoder_attention_heads=options.heads,
        encoder_ffn_dim=4 * options.width, decoder_ffn_dim=4 * options.width,
        dropout=options.dropout, attention_dropout=options.dropout / 3, activation_dropout=0.0,
        encoder_layerdrop=0.0, decoder_layerdrop=0.0, max_position_embeddings=1024,
        scale_embedding=True, init_std=options.width**-0.5,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, decoder_start_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    return M2M100ForConditionalGeneration(config)


def _causal(options: ScratchOptions, tokenizer: Any) -> Any:
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=options.width,
        intermediate_size=4 * options.width, num_hidden_layers=options.layers,
        num_attention_heads=options.heads, num_key_value_heads=options.heads,
        attention_dropout=options.dropout / 3, max_position_embeddings=2048,
        tie_word_embeddings=True, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return LlamaForCausalLM(config)

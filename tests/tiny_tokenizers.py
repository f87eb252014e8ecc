"""The tokenizers of the tiny checkpoints: the families' real classes, trained on a few texts."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceTrainer
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GemmaTokenizer,
    M2M100Tokenizer,
    NllbTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    Qwen3_5Tokenizer,
    T5Tokenizer,
)

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Qwen3's own kind: the last answer begins with a thought, an empty one where none is given, and
# so does the generation prompt where thinking is off.
QWEN3_CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% set content = message['content'] %}"
    "{% if message['role'] == 'assistant' %}"
    "{% set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1] "
    "if '</think>' in content else '' %}"
    "{% set content = content.split('</think>')[-1].lstrip('\\n') %}"
    "{% if loop.last %}{{ '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}{{ content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)

# Gemma's own kind: begins with <bos>, calls the assistant `model`, puts the system's words
# before the first user's.
GEMMA_CHAT = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set prefix = messages[0]['content'] + '\\n\\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set prefix = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else '') }}"
    "{{ message['content'] | trim + '<end_of_turn>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)


def _byte_level(texts: list[str], size: int, pieces: Any) -> tuple[dict[str, int], list[Any]]:
    """Vocabulary and merges of a byte-level BPE; the three specials have the ids 0, 1, 2."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pieces
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return _vocabulary_and_merges(raw)


def _vocabulary_and_merges(raw: Tokenizer) -> tuple[dict[str, int], list[Any]]:
    model = json.loads(raw.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _llama_tokenizer(texts: list[str], size: int) -> Any:
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vocabulary, merges = _byte_level(texts, size, pieces)
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pieces
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHATML,
    )


def _qwen_tokenizer(kind: Any, texts: list[str], size: int) -> Any:
    pieces = kind().backend_tokenizer.pre_tokenizer
    vocabulary, merges = _byte_level(texts, size, pieces)
    tokenizer = kind(
        vocab=vocabulary, merges=merges, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    tokenizer.chat_template = CHATML
    return tokenizer


def _qwen3_tokenizer(texts: list[str], size: int) -> Any:
    tokenizer = _qwen_tokenizer(Qwen2Tokenizer, texts, size)  # its tokenizer is Qwen2's
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in ("<think>", "</think>")])
    tokenizer.chat_template = QWEN3_CHAT
    return tokenizer


def _gemma_tokenizer(texts: list[str], size: int) -> Any:
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
    empty = GemmaTokenizer().backend_tokenizer
    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    raw.normalizer, raw.pre_tokenizer = empty.normalizer, empty.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        limit_alphabet=size // 3,  # rarer characters go by bytes
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    vocabulary, merges = _vocabulary_and_merges(raw)
    tokenizer = GemmaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]}
    )
    tokenizer.chat_template = GEMMA_CHAT
    return tokenizer


def _mt5_tokenizer(texts: list[str], size: int) -> Any:
    raw = Tokenizer(models.Unigram())
    raw.pre_tokenizer = T5Tokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    pieces = [tuple(piece) for piece in json.loads(raw.to_str())["model"]["vocab"]]
    return T5Tokenizer(vocab=pieces, extra_ids=0)


def _m2m100_tokenizer(texts: list[str], size: int) -> Any:
    """SentencePiece and a vocabulary of its own order, as M2M-100 has it, and its 100 languages."""
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=size, model_type="bpe",
        hard_vocab_limit=False, character_coverage=1.0, minloglevel=2, num_threads=1,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pieces = Path(folder) / "sentencepiece.bpe.model"
        pieces.write_bytes(model.getvalue())
        words = ["<s>", "<pad>", "</s>", "<unk>"]
        bare = M2M100Tokenizer(_vocabulary_file(Path(folder), words), str(pieces))
        known = [bare.sp_model.id_to_piece(at) for at in range(bare.sp_model.get_piece_size())]
        words += [piece for piece in known if piece not in words]
        return M2M100Tokenizer(
            _vocabulary_file(Path(folder), words),
            str(pieces),
            additional_special_tokens=list(bare.lang_token_to_id),
        )


def _vocabulary_file(folder: Path, words: list[str]) -> str:
    path = folder / "vocab.json"
    path.write_text(json.dumps({word: at for at, word in enumerate(words)}), encoding="utf-8")
    return str(path)


def _nllb_tokenizer(texts: list[str], size: int) -> Any:
    raw = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    raw.pre_tokenizer = NllbTokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    raw.train_from_iterator(texts, trainer)
    vocabulary, merges = _vocabulary_and_merges(raw)
    return NllbTokenizer(vocab=vocabulary, merges=merges)


TOKENIZERS: dict[str, Callable[[list[str], int], Any]] = {
    "llama": _llama_tokenizer,
    "qwen2": lambda texts, size: _qwen_tokenizer(Qwen2Tokenizer, texts, size),
    "qwen3": _qwen3_tokenizer,
    "qwen3_5": lambda texts, size: _qwen_tokenizer(Qwen3_5Tokenizer, texts, size),
    "gemma3": _gemma_tokenizer,
    "mt5": _mt5_tokenizer,
    "m2m100": _m2m100_tokenizer,
    "nllb": _nllb_tokenizer,
}
"""By family: trained on the texts, with a vocabulary of about that size."""

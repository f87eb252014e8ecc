"""Run by COMET's own Python: makes tiny COMET checkpoints, and scores with COMET itself.

python comet_maker.py make FOLDER CLASS     a checkpoint of that class, with random weights
python comet_maker.py direct CHECKPOINT     rows as JSON in, scores as JSON out, by `predict`
python comet_maker.py plant CHECKPOINT PATH make loading it (were it allowed) make a file
"""

import json
import sys
from pathlib import Path

import pytorch_lightning
import torch
import yaml
from comet import load_from_checkpoint
from comet.models import str2model
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import XLMRobertaConfig, XLMRobertaTokenizerFast

LETTERS = "▁abcdefghijklmnopqrstuvwxyzáéíóúñü¿?¡!.,:;ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def make_encoder(folder: Path) -> None:
    """Tokenizer and configuration of a tiny XLM-R that reads letter by letter."""
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(mark, 0.0) for mark in marks]
    pieces += [(letter, -3.0 - place / 50) for place, letter in enumerate(LETTERS)]
    pieces.append(("<mask>", 0.0))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )  # fmt: skip
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    XLMRobertaConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=200, pad_token_id=1, bos_token_id=0,
        eos_token_id=2,
    ).save_pretrained(folder)  # fmt: skip


def make(folder: Path, kind: str) -> None:
    """As COMET's own training saves it: Lightning's checkpoint, and the settings beside it."""
    make_encoder(folder / "encoder")
    settings = {
        "encoder_model": "XLM-RoBERTa", "pretrained_model": str(folder / "encoder"),
        "load_pretrained_weights": False, "hidden_sizes": [24, 8],
    }  # fmt: skip
    if kind == "unified_metric":
        settings |= {"sent_layer": "mix", "word_layer": 2, "input_segments": ["mt", "src"]}
        settings |= {"layer_transformation": "sparsemax"}
    else:  # what wmt22-comet-da has, which COMET since 2.2.4 takes for softmax
        settings |= {"layer_transformation": "sparsemax_patch"}
    torch.manual_seed(3)
    model = str2model[kind](**settings)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    trainer = pytorch_lightning.Trainer(
        logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False
    )
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "checkpoints" / "model.ckpt")
    text = yaml.safe_dump({**settings, "class_identifier": kind})
    (folder / "hparams.yaml").write_text(text, encoding="utf-8")


def direct(checkpoint: Path) -> None:
    """The scores by COMET's own `predict`."""
    rows = json.load(sys.stdin)
    model = load_from_checkpoint(str(checkpoint))
    found = model.predict(rows, batch_size=4, gpus=0, progress_bar=False)
    print(json.dumps(found["scores"]))


class Marker:
    """What makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def plant(checkpoint: Path, path: str) -> None:
    """Put the marker among the callbacks' states, where Lightning keeps objects of any kind."""
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "callbacks": {"EarlyStopping": Marker(path)}}, checkpoint)


if __name__ == "__main__":
    task, where, *more = sys.argv[1:]
    {"make": make, "direct": direct, "plant": plant}[task](Path(where), *more)

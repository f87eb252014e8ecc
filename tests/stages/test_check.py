"""`dubash check` through the real command line, on a tiny checkpoint and a small CSV."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text
from transformers import AutoTokenizer

sys.path.insert(0, str(Path(__file__).parents[1]))

from dubash.core.errors import ModelError, PreflightError, TrainingError, UserError
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data.frozen import Prepared
from dubash.model import device
from dubash.prompt.mask import IGNORE
from dubash.recipe.load import load_recipe
from dubash.recipe.options import Recipe
from dubash.stages import check, run, train
from dubash.stages.check import (
    checked_examples,
    preflight,
    refuse_on_this_machine,
    render,
    render_rows,
    show,
)
from dubash.stages.common import make_template
from dubash.train.batches import Collator
from dubash.train.options import TrainOptions
from tiny import CHATML, TOKENIZERS, make_tiny

GREEN = "\x1b[1;32m"


def some_rows(count: int) -> list[tuple[str, str]]:
    """English-looking and Spanish-looking rows of made-up words, no two alike."""
    rows = []
    for number in range(count):
        draw = random.Random(number)
        words = ["".join(draw.choices("abdefgilmnorstu", k=6)) for _ in range(8)]
        rows.append((f"The {' '.join(words[:4])}.", f"El {' '.join(words[4:])} ñandú."))
    return rows


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny `llama`, and `broken`: its copy, whose chat opens no answer."""
    root = tmp_path_factory.mktemp("models")
    texts = [side for row in some_rows(8) for side in row]
    for name in ("llama", "broken"):
        make_tiny("llama", root / name, texts, hidden=16, layers=1, vocabulary=400)
    chat = CHATML.split("{% if add_generation_prompt")[0]
    (root / "broken" / "chat_template.jinja").write_text(chat, encoding="utf-8")
    return root


def uncoloured(line: str, label: str) -> str:
    """A shown row without its colours and the bars between its tokens."""
    return Text.from_ansi(line).plain.replace("|", "").removeprefix(label).strip(" ")


def command(folder: Path, model: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m dubash check recipe.yaml …` in a folder with a CSV and a recipe."""
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("english", "spanish"), *some_rows(40)])
    columns = {"source": "english", "target": "spanish"}
    recipe = {
        "languages": {"source": "en", "target": "es"},
        "data": {
            "train": [{"path": "rows.csv", "columns": columns}], "dev_rows": 5, "test_rows": 5,
        },
        "model": {"name": str(model)},
        "run": {"name": "checked"},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return subprocess.run(
        [sys.executable, "-m", "dubash", "check", "recipe.yaml", *arguments],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "2000", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


# -- the command -------------------------------------------------------------------------------


def test_check_shows_a_row_as_trained_and_as_served(models: Path, tmp_path: Path):
    done = command(tmp_path, models / "llama", "--rows", "2")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    trained = [line for line in lines if "as trained" in line]
    served = [line for line in lines if "as served" in line]
    assert len(trained) == len(served) == 2
    assert sum("rows.csv:" in line for line in lines) == 2
    for one, other in zip(trained, served, strict=True):
        before, after = one.split("▮")
        assert uncoloured(before, "as trained") == uncoloured(other, "as served").rstrip("▮")
        assert uncoloured(before, "as trained").endswith("<im_end>⏎<im_start>assistant⏎")
        assert GREEN not in before
        assert GREEN not in other
        assert f"{GREEN}El|" in after or f"{GREEN}E|" in after
        last = after.rstrip().removesuffix("\x1b[0m")
    assert last.endswith("<|im_end|>|")
    assert last[last.rindex("\x1b") :].startswith(GREEN)
    plain = Text.from_ansi(done.stdout).plain
    assert "30 of 30 rows checked: the end token is supervised" in plain


def test_check_refuses_a_broken_chat_template_in_one_line(models: Path, tmp_path: Path):
    done = command(tmp_path, models / "broken")
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert error == done.stderr.splitlines()[-1]
    assert error.startswith("error: prompt.style: training prompt ≠ serving prompt")
    assert "leave out '<|im_start|>assistant" in error
    assert error.endswith("set prompt.style: plain.")
    assert "as trained" not in done.stdout


# -- what the command is made of ---------------------------------------------------------------


@pytest.fixture
def recipe(models: Path) -> Callable[..., Recipe]:
    def make(**prompt: Any) -> Recipe:
        return Recipe.model_validate(
            {
                "languages": {"source": "en", "target": "es"},
                "data": {"train": ["rows.csv"]},
                "model": {"name": str(models / "llama")},
                "run": {"name": "checked"},
                "prompt": prompt,
            }
        )

    return make


@pytest.fixture(scope="module")
def tokenizer(models: Path) -> Any:
    return AutoTokenizer.from_pretrained(models / "llama")


PAIRS = [Pair(*row, origin=f"rows.csv:{at + 2}") for at, row in enumerate(some_rows(300))]


def test_rows_past_the_limit_are_set_aside_whole(recipe, tokenizer, tmp_path):
    long = Pair(PAIRS[0].source * 20, PAIRS[0].target, origin="rows.csv:999")
    made = recipe(max_tokens=180)
    template = make_template(made, tokenizer, "causal")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    prepared = Prepared(train=[long, *PAIRS[:9]], dev=[PAIRS[10], long], test=[], account={})
    train, dev = checked_examples(run, made, prepared)
    assert [example.origin for example in train] == [pair.origin for pair in PAIRS[:9]]
    assert [example.origin for example in dev] == [PAIRS[10].origin]
    aside = [json.loads(line) for line in (run.path / "too_long.jsonl").open(encoding="utf-8")]
    tokens = template.example(long).longest
    assert aside == [
        {"split": split, "origin": "rows.csv:999", "tokens": tokens} for split in ("train", "dev")
    ]
    assert run.read_manifest()["too_long"] == {"max_tokens": 180, "train": 1, "dev": 1}


def test_letters_of_several_tokens_are_shown_whole(recipe, tokenizer):
    made = recipe()
    template = make_template(made, tokenizer, "causal")
    pair = Pair("The well.", "કૂવો ક્યાં છે?", origin="rows.csv:2")  # not in the tokenizer's texts
    collator = Collator("causal", "target", tokenizer.pad_token_id)
    (row,) = render_rows(template, collator, [(pair, template.example(pair))])
    console = Console(record=True, width=400)
    show(console, row, template)
    shown = console.export_text()
    assert "\ufffd" not in shown
    assert "કૂવો ક્યાં છે?" in shown.replace("|", "")


def test_a_language_token_is_shown_as_served_and_as_trained(recipe):
    """It begins what the decoder writes, so the mark of where serving leaves off is behind it."""
    nllb = TOKENIZERS["nllb"]([side for row in some_rows(8) for side in row], 400)
    template = make_template(recipe(), nllb, "seq2seq")
    collator = Collator("seq2seq", "target", nllb.pad_token_id, nllb.eos_token_id)
    (row,) = render_rows(template, collator, [(PAIRS[0], template.example(PAIRS[0]))])
    console = Console(record=True, width=400)
    show(console, row, template)
    _, _, trained, served, *_ = console.export_text().splitlines()
    assert trained.startswith("as trained  eng_Latn|")
    assert served.startswith("as served   eng_Latn|")
    assert served.endswith("|</s>|spa_Latn|▮")
    assert "|</s>|spa_Latn|▮El|" in trained
    assert trained.endswith("|</s>|")


def test_dev_rows_that_are_all_too_long_are_refused(recipe, tmp_path):
    run = RunFolder(tmp_path / "run")
    long = Pair(PAIRS[0].source * 20, PAIRS[0].target, origin="rows.csv:999")
    prepared = Prepared(train=PAIRS[:9], dev=[long], test=[], account={})
    with pytest.raises(PreflightError, match=r"prompt\.max_tokens: every dev row is over 180"):
        checked_examples(run, recipe(max_tokens=180), prepared)


@pytest.mark.parametrize(
    ("room", "update", "where"),
    [
        ("method", {"name": "qlora"}, "method.name"),
        ("train", {"optimizer": "paged-adamw-8bit"}, "train.optimizer"),
    ],
)
def test_what_needs_bitsandbytes_is_refused_where_it_is_missing(
    recipe, tmp_path, monkeypatch, room, update, where
):
    monkeypatch.setattr(device, "has_bitsandbytes", lambda: False)
    made = recipe()
    made = made.model_copy(update={room: getattr(made, room).model_copy(update=update)})
    with pytest.raises(ModelError, match="which is not installed") as caught:
        refuse_on_this_machine(RunFolder(tmp_path / "run"), made)
    assert caught.value.where == where


STAGES = {
    "check": lambda loaded: check.check(loaded, 1), "train": train.train, "run": run.run,
}  # fmt: skip
"""The stages that train, or say whether that will go well."""


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("train.processes=4", "train.processes: 4 processes are asked for, but 1 came"),
        ("model.device=cuda", "model.device: no CUDA GPU is visible here"),
        ("model.dtype=fp16", "model.dtype: fp16 needs a GPU"),
        ("method.name=qlora", "method.name: qlora needs bitsandbytes"),
        ("train.tensorboard=true", "train.tensorboard: it needs the library 'tensorboard'"),
    ],
)
def test_what_this_machine_has_not_is_refused_before_the_data_is_read(
    job, monkeypatch, stage, setting, told
):
    monkeypatch.setattr(device, "has_bitsandbytes", lambda: False)
    monkeypatch.setattr("dubash.train.tensorboard.has_tensorboard", lambda: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    settings = ["model.device=auto", "model.dtype=auto", "data.train=[nothing.csv]", setting]
    with pytest.raises(UserError, match=f"^{told}"):
        STAGES[stage](load_recipe("recipe.yaml", settings))
    assert not (job / "runs").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_state_in_a_file_is_refused_on_a_gpu_before_the_data_is_read(job, monkeypatch, stage):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    settings = [
        "model.device=auto", "model.dtype=fp32", "data.train=[nothing.csv]",
        "train.optimizer=adamw-disk",
    ]  # fmt: skip
    with pytest.raises(TrainingError, match=r"^train\.optimizer: adamw-disk is for a CPU"):
        STAGES[stage](load_recipe("recipe.yaml", settings))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("dubash.train.disk._file_system", lambda _folder: "tmpfs")
    with pytest.raises(TrainingError, match=r"^run\.folder: its folder lies in memory"):
        STAGES[stage](load_recipe("recipe.yaml", settings))


def test_the_processes_that_torchrun_started_are_those_asked_for(recipe, tmp_path, monkeypatch):
    made = recipe()
    made = made.model_copy(update={"train": TrainOptions(processes=4)})
    folder = RunFolder(tmp_path / "run")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(TrainingError, match="but 1 came"):
        refuse_on_this_machine(folder, made)
    monkeypatch.setenv("LOCAL_RANK", "2")
    refuse_on_this_machine(folder, made)
    monkeypatch.delenv("WORLD_SIZE")
    folder.model.mkdir(parents=True)  # what is trained may be scored again by one
    refuse_on_this_machine(folder, made)


def test_preflight_looks_at_the_shortest_the_longest_and_a_spread(recipe, tokenizer):
    made = recipe()
    template = make_template(made, tokenizer, "causal")
    fitting, aside = render("train", template, PAIRS)
    assert (len(fitting), aside) == (300, [])
    rows = preflight(made, template, fitting)
    lengths = sorted(example.longest for _, example in fitting)
    seen = [sum(row.attention) for row in rows]
    assert (min(seen), max(seen)) == (lengths[0], lengths[-1])
    assert 64 <= len(rows) < 130


def test_nothing_left_to_train_on_is_refused(recipe, tokenizer):
    made = recipe(max_tokens=8)
    template = make_template(made, tokenizer, "causal")
    fitting, aside = render("train", template, PAIRS[:5])
    assert len(aside) == 5
    with pytest.raises(PreflightError, match="no training row is left"):
        preflight(made, template, fitting)


@pytest.mark.parametrize("mask", ["target", "full"])
def test_a_row_is_shown_whole_even_where_the_end_token_pads(recipe, tokenizer, mask):
    """The user's `<|im_end|>` is no padding, and brackets in a name are no markup."""
    template = make_template(recipe(mask=mask), tokenizer, "causal")
    pair = Pair("Hi", "Hola [/bold] [red]", origin="rows[/1].csv:2")
    pairs = [(each, template.example(each)) for each in (pair, PAIRS[0])]
    collator = Collator("causal", mask, template.end_id, packed=False)
    row = render_rows(template, collator, pairs)[0]
    assert 0 in row.attention
    out = io.StringIO()
    show(Console(file=out, width=4000, color_system="standard", force_terminal=True), row, template)
    name, trained, served = [line for line in out.getvalue().splitlines() if line][:3]
    assert "rows[/1].csv:2" in name
    assert trained.count("<|im_end|>|") == 2  # the user's and the answer's, and no padding
    assert served.count("<|im_end|>|") == 1
    before = trained.split("▮")[0]
    assert (GREEN in before) == (mask == "full")
    assert out.getvalue().count(f"{sum(i != IGNORE for i in row.labels)} supervised") == 1

"""The benchmarks on tiny shapes: both sides do the same work, and it shows where they do not."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from benchmarks.cases import CASES, chosen
from benchmarks.check import compare_training, compare_translation, holds, summary
from benchmarks.duel import WorkerDiedError, interleaved, once
from benchmarks.job import Channel, Job
from benchmarks.rows import make_rows, read_examples, write_rows
from benchmarks.run import main
from benchmarks.shapes import SHAPES, checkpoint, parameters
from benchmarks.variants import TRL

from benchmarks import duel, ours, shapes, trainers, translators
from dubash.core.errors import UserError

ROOT = Path(__file__).parents[2]
SUM = {"rows": 8, "tokens": 100, "supervised": 40, "loss": 280.0}


class Memory(Channel):
    """A line within this process: the word comes so many times."""

    def __init__(self, rounds=2):
        self.left, self.lines, self.started = rounds, [], 0.0
        self.cpu = 0.0

    def wait(self):
        self.left -= 1
        self.started = 1.0
        return self.left >= 0

    def _write(self, content):
        self.lines.append(content)

    @property
    def facts(self):
        return self.lines[0]["ready"]

    @property
    def last(self):
        return self.lines[-1]


@pytest.fixture(autouse=True)
def _accelerate_starts_afresh():
    """Its state is one for the process; workers have one each."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def job(tmp_path):
    def make(worker, variant="default", shape="tiny", **settings):
        rows = tmp_path / "rows.jsonl"
        if not rows.exists():
            write_rows(rows, make_rows("lognormal", SHAPES[shape], 500, 10, 1))
        folder = str(checkpoint(SHAPES[shape]))
        return Job(
            worker, variant, folder, folder, str(rows), kind=SHAPES[shape].kind, batch=4,
            scratch=str(tmp_path / f"{worker}-{variant}"), new_tokens=3, **settings,
        )  # fmt: skip

    return make


def rounds(work, job, count=2):
    channel = Memory(count)
    with suppress(SystemExit):  # how a trainer leaves its loop
        work(job, channel)
    assert len(channel.lines) == 1 + count
    return channel


# -- the two sides of a case -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["full", "lora"])
def test_ours_and_the_trainer_see_the_same_tokens_and_loss(job, method):
    mine = rounds(ours.train, job("ours-train", method=method))
    other = rounds(trainers.trainer, job("trainer", method=method))
    check = compare_training(mine.last, other.last, other.last, "fp32")
    assert check["invalid"] == ""
    assert mine.last["tokens"] > mine.last["supervised"] > 0
    assert mine.facts["trainable"] == other.facts["trainable"]


def test_weights_stay_so_that_rounds_can_be_compared(job):
    first, second = (each["loss"] for each in rounds(ours.train, job("ours-train")).lines[1:])
    assert first == pytest.approx(second, rel=1e-6)


def test_ours_and_seq2seqtrainer_agree(job):
    mine = rounds(ours.train, job("ours-train", shape="tiny-mt5"))
    other = rounds(trainers.trainer, job("trainer", "grouped", shape="tiny-mt5"))
    assert compare_training(mine.last, other.last, other.last, "fp32")["invalid"] == ""
    assert other.facts["train_sampling_strategy"] == "group_by_length"


@pytest.mark.slow
@pytest.mark.parametrize("variant", sorted(TRL))
def test_ours_and_each_setup_of_trl_agree(job, variant, tmp_path):
    pytest.importorskip("trl")
    if variant == "packed-liger":
        pytest.skip("needs a GPU")
    mine = rounds(ours.train, job("ours-train", method="lora"))
    other = rounds(trainers.trl, job("trl", variant, method="lora"))
    precision = "bf16" if other.facts["bf16"] == "True" else "fp32"
    assert precision == ("bf16" if variant == "default" else "fp32")
    check = compare_training(mine.last, other.last, other.last, precision)
    longest = max(each.longest for each in read_examples(tmp_path / "rows.jsonl")[0])
    fits = longest <= int(other.facts.get("max_length") or longest)
    assert check["invalid"].startswith("" if fits else "tokens differ")
    assert fits == (check["invalid"] == "")  # a setup that cuts a row is found


def test_a_prompt_in_the_loss_is_found(job, monkeypatch):
    monkeypatch.setattr(trainers, "causal_labels", lambda e, mask: [*e.prompt, *e.target])
    mine = rounds(ours.train, job("ours-train"), 1)
    other = rounds(trainers.trainer, job("trainer"), 1)
    assert (
        "supervised differ"
        in compare_training(mine.last, other.last, other.last, "fp32")["invalid"]
    )


def test_another_context_of_the_same_length_is_found(job, monkeypatch):
    from transformers import Gemma3ForCausalLM

    plain = Gemma3ForCausalLM.forward

    @wraps(plain)
    def forgetful(self, input_ids=None, **inputs):
        forgotten = input_ids.clone()
        forgotten[:, :10] = 9
        return plain(self, input_ids=forgotten, **inputs)

    mine = rounds(ours.train, job("ours-train"), 1)
    monkeypatch.setattr(Gemma3ForCausalLM, "forward", forgetful)
    other = rounds(trainers.trainer, job("trainer"), 1)
    assert "losses differ" in compare_training(mine.last, other.last, other.last, "fp32")["invalid"]


@pytest.mark.parametrize("variant", ["plain", "sorted-4", "prefix-4", "prefix-all"])
def test_each_way_to_generate_gives_what_ours_gives(job, variant):
    task = replace(job("generate", variant), ends=())
    other = rounds(translators.generate, task, 1)
    mine = rounds(ours.translate, replace(task, worker="ours-translate"), 1)
    check = compare_translation(mine.last, other.last, real_ends=False)
    assert check["invalid"] == ""
    assert mine.last["tokens"] == 10 * 3


# -- shapes and rows ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("gemma-270m", 268.098176), ("gemma-270m-trimmed", 121.297536),
        ("qwen-0.5b", 494.032768), ("mt5-small", 300.176768), ("mt5-small-trimmed", 77.616512),
    ],
)  # fmt: skip
def test_shapes_are_the_published_ones(name, millions):
    shape = SHAPES[name]
    with torch.device("meta"):
        model = (shapes._mt5 if shape.family == "mt5" else shapes._causal)(shape)
    assert sum(each.numel() for each in model.parameters()) == round(millions * 1e6)


def test_parameters_are_counted_from_the_file():
    from transformers import AutoModelForSeq2SeqLM

    folder = checkpoint(SHAPES["tiny-mt5"])
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    assert model.lm_head.weight is not model.shared.weight
    assert parameters(folder) == sum(each.numel() for each in model.parameters())


def test_rows_share_the_instruction_and_nothing_else(tmp_path):
    rows = make_rows("lognormal", SHAPES["gemma-270m"], 32_768, 50, 3)
    assert rows == make_rows("lognormal", SHAPES["gemma-270m"], 32_768, 50, 3)
    heads = {tuple(row["prompt"][:20]) for row in rows}
    assert len(heads) == 1
    assert len({row["prompt"][20] for row in rows}) > 40
    assert all(8 <= token < 32_768 for row in rows for token in row["prompt"])
    assert all(row["target"][-1] == 1 for row in rows)
    write_rows(tmp_path / "rows", rows)
    examples, references = read_examples(tmp_path / "rows")
    assert [list(each.prompt) for each in examples] == [row["prompt"] for row in rows]
    assert not any(references)


def test_rows_that_are_not_there_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_TEST_DATA", str(tmp_path))
    with pytest.raises(UserError, match="lognormal"):
        make_rows("manythings", SHAPES["tiny"], 500, 4, 1)


# -- verdicts and reports ----------------------------------------------------------------------


def test_ratios_are_summed_up_by_their_median():
    assert summary([3.0, 1.0, 2.5]) == {"median": 2.5, "low": 1.0, "high": 3.0}
    assert holds(5.0, 5.0, "train") is True
    assert holds(4.99, 5.0, "train") is False
    assert holds(0.41, 0.4, "memory") is False
    assert holds(0.4, None, "memory") is None


def test_losses_that_differ_make_a_case_invalid():
    assert compare_training(SUM, SUM, SUM, "fp32")["invalid"] == ""
    other = {**SUM, "loss": 280.5}
    assert "losses differ" in compare_training(SUM, other, other, "fp32")["invalid"]
    assert compare_training(SUM, other, other, "bf16")["invalid"] == ""
    nan = {**SUM, "loss": float("nan")}
    assert "losses differ" in compare_training(SUM, nan, nan, "fp32")["invalid"]
    whole = {**SUM, **ours.quality(["a b"], [""])}
    short = {**whole, "rows": 7, "texts": []}
    assert "rows differ" in compare_translation(whole, short, real_ends=True)["invalid"]


def test_every_wish_of_the_table_has_a_case(capsys):
    assert main(["--list"]) == 0
    wanted = [case.wanted for case in chosen([], "cpu")]
    assert sorted(wanted) == sorted(
        [5, 10, 2, 4, 2, 3.5, 6, 2.5, 0.4, 0.4, 0.7, 0.7, 0.7, 5, 3, 0.95, 1.5]
    )
    printed = capsys.readouterr().out
    assert all(name in printed for name in CASES)
    assert main(["gemma-trainr"]) == 2
    assert "Did you mean gemma-trainer?" in capsys.readouterr().err


# -- processes ---------------------------------------------------------------------------------


def test_threads_wait_as_each_side_has_it(monkeypatch, job, tmp_path):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    policies = {}
    for name in ("ours-train", "ours-translate", "trainer", "trl", "generate", "ct2"):
        monkeypatch.setattr(duel.subprocess, "Popen", lambda *_, env, **__: env)
        worker = duel.Worker(job(name), tmp_path / name, 2)
        policies[name] = worker.process.get("OMP_WAIT_POLICY")
    assert policies == {
        "ours-train": "PASSIVE", "ours-translate": "PASSIVE",
        "trainer": None, "trl": None, "generate": None, "ct2": None,
    }  # fmt: skip


def test_a_frozen_base_has_the_precision_of_ours(job):
    lora = replace(job("trl"), method="lora", dtype="bf16")
    assert trainers.base_dtype(lora) == "bfloat16"
    assert trainers.base_dtype(replace(lora, method="full")) == "float32"
    assert trainers.base_dtype(replace(lora, dtype="fp32")) == "float32"


def test_most_texts_of_the_same_numbers_must_be_equal():
    one = {**SUM, **ours.quality(["a b", "c d", "e f", "g h", "i j"], [""])}
    other = {**SUM, **ours.quality(["a b", "c d", "e f", "g h", "i k"], [""])}
    most = compare_translation(one, other, False, True)
    assert (most["invalid"], most["alike"]) == ("", 0.8)
    third = {**SUM, **ours.quality(["a b", "c d", "e f", "g x", "i k"], [""])}
    assert compare_translation(one, third, real_ends=False)["invalid"] == ""
    assert "only 60% of the texts" in compare_translation(one, third, False, True)["invalid"]


def test_a_model_that_repeats_itself_proves_nothing():
    alike = {**SUM, **ours.quality(["w5 w5 w5 w5"], [""])}
    assert alike["varied"] == 0.25
    assert "repeat themselves" in compare_translation(alike, alike, False, True)["invalid"]
    assert compare_translation(alike, alike, real_ends=True)["invalid"] == "", "real texts may"


def test_what_a_worker_asked_for_in_vain_counts_as_needed():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 50, dtype=torch.uint8)
    died = WorkerDiedError("trainer", 1, (900.0, 800.0), f"…\n{refused.value}")
    assert died.out_of_memory
    assert died.peak == 800.0 + (1 << 30)
    assert WorkerDiedError("trainer", 1, (900.0, 800.0), "KeyError: x").peak == 900.0
    assert not WorkerDiedError("trainer", 1, (900.0, 800.0), "KeyError: x").out_of_memory


@pytest.mark.slow
def test_two_processes_take_turns(job):
    mine, other, pairs = interleaved(job("ours-train"), job("trainer"), 3, 1)
    assert mine["threads"] == other["threads"] == 1
    assert [pair["first"] for pair in pairs] == ["ours", "theirs", "ours"]
    assert all(pair["ours"]["seconds"] > 0 and pair["ours"]["peak_mb"] > 50 for pair in pairs)


@pytest.mark.slow
def test_a_worker_that_dies_says_why(job, tmp_path):
    broken = replace(job("trainer"), checkpoint=str(tmp_path / "nowhere"))
    with pytest.raises(WorkerDiedError, match="left with 1") as died:
        once(broken, 1)
    assert not died.value.out_of_memory
    assert died.value.peak > 50


@pytest.mark.slow
def test_the_command_measures_a_case(tmp_path):
    out = tmp_path / "results.json"
    command = ["tiny-trimmed", "--pairs", "2", "--rows", "lognormal", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "benchmarks.run", *command], cwd=ROOT, check=True)
    found = json.loads(out.read_text())["cases"]["tiny-trimmed fp32 lognormal"]
    assert found["invalid"] == ""
    assert len(found["pairs"]) == 2
    assert found["check"]["difference"] < 1e-5
    assert found["check"]["loss_theirs"] > found["check"]["loss_ours"]  # more words to choose from

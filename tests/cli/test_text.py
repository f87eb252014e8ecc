"""Text through the command line: standard input and output, and any hypothesis file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.process import DUBASH, dubash, environment
from dubash.core.files import read_jsonl
from stages.small import pairs


def test_standard_input_is_translated_in_utf8_whatever_the_locale(finished):
    folder, _ = finished
    test = next(read_jsonl(folder / "runs" / "first" / "data" / "test.jsonl"))
    tuned = next(read_jsonl(folder / "runs" / "first" / "translations" / "S1.jsonl"))
    done = subprocess.run(
        [*DUBASH, "translate", "runs/first"], cwd=folder, capture_output=True,
        env=environment(LC_ALL="C", PYTHONIOENCODING="ascii"),
        input=f"{test['source']}\r\n\nSeñor Núñez?".encode(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.decode("utf-8").split("\n")[:-1]
    assert first == " ".join(tuned["text"].split())
    assert second == ""
    assert third not in ("", first)


def test_hypotheses_of_any_system_score_as_sacrebleu_has_them(tmp_path):
    rows = pairs()[:80]
    references = tmp_path / "ref.es"
    references.write_text("".join(f"{target}\n" for _, target in rows), encoding="utf-8")
    hypotheses = tmp_path / "out.es"
    worse = [" ".join(target.split()[: -1 - len(target) % 2]) or "no" for _, target in rows]
    hypotheses.write_text("".join(f"{text}\n" for text in worse), encoding="utf-8")
    done = dubash(
        "evaluate", "--hypotheses", hypotheses, "--references", references, "--target", "es",
        at=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    own = subprocess.run(
        [sys.executable, "-m", "sacrebleu", references, "-i", hypotheses, "-m", "bleu", "chrf",
         "--chrf-word-order", "2", "-f", "json", "-w", "1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for metric in json.loads(own.stdout):
        assert f" {metric['score']:.1f}" in done.stdout
        assert metric["signature"] in done.stdout
    assert 10 < json.loads(own.stdout)[0]["score"] < 99


@pytest.mark.parametrize(
    ("output", "code", "words"), [("/dev/full", 2, "the disk is full"), (None, 141, "")]
)
def test_output_that_nobody_takes(tmp_path, output, code, words):
    """A full device, or a pipe whose reader has gone: `dubash recipe schema | head -1`."""
    if output and not Path(output).exists():
        pytest.skip(f"no {output} here")
    reader, writer = os.pipe()
    os.close(reader)
    sink = os.open(output, os.O_WRONLY) if output else writer
    done = subprocess.run(
        [*DUBASH, "recipe", "schema"], cwd=tmp_path, stdout=sink, stderr=subprocess.PIPE, text=True
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode in (code, 1 if code == 141 else code)
    assert words in done.stderr

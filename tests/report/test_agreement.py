"""The page reads what the data and evaluate rooms really write, not only what the fixture says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dubash.core.files import read_jsonl, write_json, write_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis, Pair
from dubash.data.options import DataOptions
from dubash.data.prepare import prepare
from dubash.evaluate.comparison import compare
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import System
from dubash.report.card import write_card
from dubash.report.html import write_report

PAIR = LanguagePair(language("en"), language("es"))


@pytest.fixture
def rows(build_run: Any) -> list[dict[str, Any]]:
    return list(read_jsonl(build_run(count=12).rows))


def evaluate(run: RunFolder, rows: list[dict[str, Any]], measured: bool) -> dict[str, Any]:
    pairs = [Pair(row["source"], row["reference"], row["document"]) for row in rows]
    sources = [pair.source for pair in pairs]
    systems = []
    for name, label in (("S0", "untuned model"), ("S1", "tuned model")):
        texts = [row["systems"][name] for row in rows]
        outputs = [Hypothesis(each["text"], each["stop"], 9, 0.2) for each in texts]
        systems.append(System(name, label, sources, outputs, measured))
    found = compare(pairs, systems, PAIR, EvaluateOptions(bootstrap_samples=100))
    write_json(run.scores, found.scores)
    write_jsonl(run.rows, found.rows)
    return found.scores


@pytest.mark.parametrize("measured", [True, False])
def test_scores_and_rows(tmp_path: Path, rows: list[dict[str, Any]], measured: bool) -> None:
    run = RunFolder(tmp_path / "run")
    run.note(name="agreement")
    scores = evaluate(run, rows, measured)
    text = write_report(run).read_text(encoding="utf-8")
    assert f'value="{scores["differences"]["S1"]["chrf++"]["value"]}"' in text
    assert ("fig-stops" in text) == measured
    card = write_card(run, tmp_path / "model").read_text(encoding="utf-8")
    assert ("not measured" in card) != measured


def test_the_data_account(tmp_path: Path) -> None:
    lines = [f"Sentence number {n} about the farm.\tFrase número {n} de la granja.\n"
             for n in range(60)]  # fmt: skip
    (tmp_path / "en-es.tsv").write_text("".join([*lines, "same\tsame\n", "empty\t\n"]))
    options = DataOptions.model_validate(
        {"train": ["en-es.tsv"], "dev_rows": 4, "test_rows": 6, "near_duplicate": 0.99}
    )
    run = RunFolder(tmp_path / "run")
    account = prepare(options, PAIR, "translation", tmp_path, run.data).account
    run.note(name="agreement")
    text = write_report(run).read_text(encoding="utf-8")
    assert account["splits"]["test"]["fingerprint"] in text
    assert account["files"][0]["sha256"] in text
    for reason in account["dropped"]:
        assert reason in text

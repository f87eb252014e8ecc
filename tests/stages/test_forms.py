"""`dubash evaluate RUN --forms`: the adapter by itself and merged."""

import pytest

from dubash.core.errors import UserError
from dubash.core.files import read_json, read_jsonl, write_text
from dubash.core.run import RunFolder
from dubash.stages.compare import compare_runs
from dubash.stages.evaluate import evaluate_run
from dubash.stages.systems import by_another_engine


def test_both_forms_stand_beside_the_others_and_say_the_same(own_run, tmp_path, capsys):
    run = RunFolder(own_run)
    before = read_json(run.scores)
    evaluate_run(own_run, forms=True)
    scores = read_json(run.scores)
    names = [each["name"] for each in scores["systems"]]
    assert names == [*(each["name"] for each in before["systems"]), "S1-adapter", "S1-merged"]
    assert scores["differences"]["S1"] == before["differences"]["S1"]
    texts = {
        name: [row["text"] for row in read_jsonl(run.hypotheses(name))]
        for name in ("S1-adapter", "S1-merged")
    }
    assert texts["S1-adapter"] == texts["S1-merged"]  # in fp32 nothing is rounded
    engines = run.read_manifest()["engines"]
    assert {engines["S1-adapter"], engines["S1-merged"]} == {"transformers fp32"}
    assert by_another_engine(run) == []  # the forms are no reason to translate S0 again
    evaluate_run(own_run, forms=True)
    assert "translate S1-merged: already done, kept" in capsys.readouterr().err
    compare_runs([own_run], [], tmp_path / "out", None)
    latency = read_json(tmp_path / "out" / "compare.json")["latency"]
    assert latency["S1-adapter"]["p95"] > 0
    assert latency["S1-merged"]["p95"] > 0


def test_a_run_without_an_adapter_has_no_forms(own_run):
    recipe = RunFolder(own_run).recipe
    text = recipe.read_text(encoding="utf-8")
    start, end = text.index("method:"), text.index("train:", text.index("method:"))
    write_text(recipe, text[:start] + "method: {name: full}\n" + text[end:])
    with pytest.raises(UserError, match="no adapter that translates"):
        evaluate_run(own_run, forms=True)

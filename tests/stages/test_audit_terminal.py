"""What `dubash audit` prints of texts that others wrote drives no terminal and floods none."""

import json
import shutil

from dubash.core.files import read_json, write_jsonl
from dubash.core.run import RunFolder
from dubash.data import prepare as data
from dubash.stages.audit import audit
from dubash.stages.audit.asked import Asked


def test_a_base_s_name_drives_no_terminal(finished_run, small_model, tmp_path, capsys):
    run = RunFolder(finished_run)
    adapter = shutil.copytree(run.model, tmp_path / "adapter")
    file = adapter / "adapter_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "base_model_name_or_path": "a/\x1b[2J\nb\u202ec"}))
    given = Asked(
        "en", "es", tmp_path / "out", test=run.split("test"), train=(run.split("train"),),
        base=str(small_model), adapter=adapter,
    )  # fmt: skip
    audit(given, ["model.device=cpu", "model.dtype=fp32", "evaluate.few_shot=0"])
    out = capsys.readouterr().out
    assert "CAUTION  model: The adapter says it was trained on a/ [2J b c, not on" in out
    assert not set("\x1b\u202e") & set(out)


def test_rows_of_any_length_are_shown_by_their_beginning(finished_run, tmp_path, capsys):
    tested = data.load(RunFolder(finished_run).data).test
    words = " ".join(f"word{number}" for number in range(400))
    held_out = [{"source": row.source, "target": row.target} for row in tested]
    write_jsonl(tmp_path / "test.jsonl", [*held_out, {"source": words, "target": "Sí."}])
    write_jsonl(tmp_path / "train.jsonl", [{"source": f"{words} more", "target": "No."}])
    (tmp_path / "out.es").write_text("Hola\n" * (len(tested) + 1), encoding="utf-8")
    given = Asked(
        "en", "es", tmp_path / "out", test=tmp_path / "test.jsonl",
        train=(tmp_path / "train.jsonl",), hypotheses=tmp_path / "out.es",
    )  # fmt: skip
    audit(given, [])
    kept = read_json(tmp_path / "out" / "audit.json")["findings"]
    assert any(words in line for each in kept for line in each["evidence"])
    out = capsys.readouterr().out
    assert "         word0 word1 word2" in out
    assert max(map(len, out.splitlines())) < 400

"""`dubash benchmark fingerprint`, and a recipe that asks for it."""

import pytest

from dubash.core.errors import DataError, LeakError
from dubash.recipe.load import load_recipe
from dubash.stages.benchmark import fingerprint
from dubash.stages.prepare import prepare


def test_a_recipe_refuses_to_train_on_what_was_fingerprinted(job, capsys):
    lines = (job / "rows.csv").read_text(encoding="utf-8").splitlines()[1:4]
    (job / "secret.txt").write_text("\n".join(line.split(",")[0] for line in lines) + "\n")
    fingerprint([job / "secret.txt"], "secret", job / "secret.json")
    assert "data.benchmarks: [secret.json]" in capsys.readouterr().out
    with pytest.raises(LeakError, match="of 'secret'"):
        prepare(load_recipe("recipe.yaml", ["data.benchmarks=[secret.json]"]))
    on_purpose = ["data.benchmarks=[secret.json]", "data.allow_benchmarks=[secret]"]
    prepare(load_recipe("recipe.yaml", on_purpose))


def test_a_file_that_is_no_text_is_refused_with_its_line(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"a fine line of enough length\nbad \xff byte\n")
    with pytest.raises(DataError, match=r"bad.txt:2: not UTF-8"):
        fingerprint([tmp_path / "bad.txt"], "bad", tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()

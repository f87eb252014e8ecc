"""A grid of runs: its files, its sample of the rows, and a whole one by the real commands."""

import sys
from pathlib import Path

import pytest
import yaml
from experiments.grid import main, overrides, sample, train
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.files import read_json
from dubash.recipe.load import load_recipe
from dubash.stages.common import settings_by_key
from dubash.stages.compare import MOST_SYSTEMS
from stages.small import make_model, pairs

GRIDS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))

GRID = """\
recipe:
  languages: {{source: en, target: es}}
  data: {{dev_rows: 8, test_rows: 12}}
  model: {{name: {model}, device: cpu, dtype: fp32}}
  method: {{name: lora, rank: 4, alpha: 8}}
  train: {{max_steps: 3, batch_size: 4, accumulation: 1, dev_sample: 2}}
  generate: {{max_new_tokens: 24, engine: transformers}}
  evaluate: {{few_shot: 0}}
tune: {{key: train.learning_rate, values: [1.0e-3, 1.0e-4]}}
cells:
  small: {{set: {{}}}}
"""


def settings(path, tmp_path):
    """The settings of each cell by key."""
    grid = yaml.safe_load(path.read_text(encoding="utf-8"))
    grid["recipe"]["data"]["train"] = ["rows.tsv"]
    grid["recipe"]["run"] = {"name": "base"}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(grid["recipe"]), encoding="utf-8")
    key = grid["tune"]["key"]
    for cell in grid["cells"].values():
        for value in cell.get("tune", grid["tune"]["values"]):
            words = overrides({key: value, **cell["set"]})
            yield settings_by_key(load_recipe(str(recipe), words).recipe)


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_a_grid_s_cells_can_all_be_compared(path, tmp_path):
    cells = len(yaml.safe_load(path.read_text(encoding="utf-8"))["cells"])
    found = list(settings(path, tmp_path))
    prompts = {str({k: v for k, v in each.items() if "prompt." in k}) for each in found}
    # S0, its cut form and S1; the first two stand once where all runs ask alike
    assert (cells + 2 if len(prompts) == 1 else 3 * cells) <= MOST_SYSTEMS


def test_sizes_differ_in_nothing_but_the_rows(tmp_path):
    (path,) = [each for each in GRIDS if each.stem == "sizes"]
    found = list(settings(path, tmp_path))
    differ = {key for each in found for key in each if each[key] != found[0].get(key)}
    assert differ == {"data.max_rows"}


@given(
    st.lists(st.binary(max_size=3).filter(lambda b: not set(b"\r\n") & set(b))), st.integers(0, 9)
)
def test_a_sample_is_of_so_many_lines_in_their_order(lines, most):
    content = b"".join(line + b"\n" for line in lines)
    drawn = sample(content, most).splitlines()
    assert len(drawn) == min(most, len(lines))
    rest = iter(lines)
    assert all(line in rest for line in drawn)
    assert sample(content, most).splitlines() == drawn


@pytest.mark.slow
def test_a_grid_is_trained_once_and_refuses_to_be_another(tmp_path, monkeypatch, capsys):
    grid, file, work = tmp_path / "grid.yaml", tmp_path / "all.tsv", tmp_path / "work"
    text = GRID.format(model=make_model(tmp_path / "tiny"))
    grid.write_text(text, encoding="utf-8")
    file.write_text("".join(f"{one}\t{other}\n" for one, other in pairs()), encoding="utf-8")
    words = ["grid.py", str(grid), str(file), "--work", str(work), "--most", "60"]
    monkeypatch.setattr(sys, "argv", words)
    main()
    assert len((work / "rows.tsv").read_bytes().splitlines()) == 60
    assert "| small | 0.00" in capsys.readouterr().out
    taken = work / "small-0.001" / "taken.json"
    measured = read_json(taken)["peak_mb"]
    assert measured > 100

    def again():
        return train(work / "recipe.yaml", work, "small", {}, "train.learning_rate", 1e-3)

    assert again().peak_mb == measured
    taken.unlink()  # stopped before it was written
    assert again().peak_mb is None

    def refused():
        with pytest.raises(SystemExit, match="dubash train failed"):
            main()

    grid.write_text(text.replace("max_steps: 3", "max_steps: 4"), encoding="utf-8")
    refused()
    grid.write_text(text, encoding="utf-8")
    file.write_text("Where?\t¿Dónde?\n" * 60, encoding="utf-8")
    refused()

"""The model card's code, run with plain libraries where the card lies: it says what dubash says."""

import contextlib
import io

import pytest

from dubash.recipe.load import load_recipe
from dubash.stages.run import run
from dubash.stages.translate import translate
from stages.small import make_job, pairs
from tiny import make_tiny

TEXT = "Your text here."


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", ["llama", "gemma3", "mt5", "m2m100", "nllb"])
def test_the_code_of_the_card_translates_as_dubash_does(
    family, method, tmp_path, monkeypatch, capsys
):
    texts = [text for pair in pairs() for text in pair]
    model = make_tiny(family, tmp_path / "model", texts, spread=0.3)
    recipe = make_job(tmp_path / "job", model)
    settings = [f"method={{name: {method}}}", "train.max_steps=1", "generate.engine=transformers"]
    made = run(load_recipe(str(recipe), [*settings, f"run.folder={tmp_path / 'runs'}"]))
    capsys.readouterr()
    translate(made.path, [TEXT], None, None)
    expected = capsys.readouterr().out

    card = (made.model / "README.md").read_text(encoding="utf-8")
    code = card.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(made.model)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code.replace("path/to/the/base/model", str(model)), {})
    assert said.getvalue().split() == expected.split() != []

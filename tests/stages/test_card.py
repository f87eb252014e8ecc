"""The model card's code, run with plain libraries where the card lies: it says what dubash says."""

import contextlib
import io

import pytest

from dubash.recipe.load import load_recipe
from dubash.stages.run import run
from dubash.stages.translate import translate
from stages.small import make_job, pairs
from tiny import make_tiny


@pytest.mark.parametrize(
    ("family", "method"),
    [("llama", "lora"), ("qwen3", "full"), ("mt5", "full"), ("m2m100", "lora"), ("nllb", "full")],
)
def test_the_code_of_the_card_translates_as_dubash_does(
    family, method, tmp_path, monkeypatch, capsys
):
    texts = [text for pair in pairs() for text in pair]
    model = make_tiny(family, tmp_path / "model", texts, spread=0.3)
    recipe = make_job(tmp_path / "job", model)
    if method == "full":
        text = recipe.read_text(encoding="utf-8")
        recipe.write_text(text.replace("{name: lora, rank: 4, alpha: 8}", "{name: full}"))
    settings = ["train.max_steps=1", "generate.engine=transformers"]
    made = run(load_recipe(str(recipe), [*settings, f"run.folder={tmp_path / 'runs'}"]))
    capsys.readouterr()
    sources = [source for source, _ in pairs()[:6]]
    translate(made.path, sources, None, None, untuned=False, details=False)
    expected = [line.split() for line in capsys.readouterr().out.splitlines()]

    card = (made.model / "README.md").read_text(encoding="utf-8")
    code = card.partition("```python\n")[2].partition("```")[0]
    code = code.replace("path/to/the/base/model", str(model))
    monkeypatch.chdir(made.model)
    said = []
    for source in sources:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code.replace('"Your text here."', repr(source)), {})
        said.append(out.getvalue().split())
    assert said == expected
    assert any(said)

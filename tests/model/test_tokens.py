from dubash.model.load import load_base, load_tokenizer
from dubash.model.options import ModelOptions
from dubash.model.tokens import prepare_tokenizer


def test_a_padding_token_that_is_there_stays(tiny):
    assert load_tokenizer(ModelOptions(name=str(tiny("llama")))).pad_token == "<|endoftext|>"


def test_without_one_a_spare_special_is_taken_before_the_end_token(tiny):
    tokenizer = load_tokenizer(ModelOptions(name=str(tiny("gemma3"))))
    tokenizer.pad_token = None
    assert prepare_tokenizer(tokenizer).pad_token == "<pad>"

    tokenizer = load_tokenizer(ModelOptions(name=str(tiny("llama"))))
    tokenizer.pad_token = None
    assert prepare_tokenizer(tokenizer).pad_token == "<|im_end|>"


def test_the_model_is_told(tiny, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(tiny("llama"), tmp_path / "model")
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        content = json.loads((folder / name).read_text())
        for key in ("pad_token", "pad_token_id"):
            content.pop(key, None)
        (folder / name).write_text(json.dumps(content))
    loaded = load_base(ModelOptions(name=str(folder)))
    assert loaded.tokenizer.pad_token == "<|im_end|>"
    assert loaded.model.config.pad_token_id == loaded.tokenizer.pad_token_id
    assert loaded.model.generation_config.pad_token_id == loaded.tokenizer.pad_token_id

"""The cache of conversions: made once, made again where they must be."""

import os
import time

import pytest
import torch

pytest.importorskip("ctranslate2")

from dubash.core.files import read_json
from dubash.engine import convert
from dubash.engine.verify import fitting
from engine.converting import chosen, rows, rows_of, unmended


def kept(loaded, prompts):
    return convert.conversion(loaded, prompts, "float32")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ctranslate2"


def test_a_conversion_is_made_once_and_again_for_other_weights(load, cache, capsys):
    loaded = load("llama")
    first = kept(loaded, rows(size=900))
    assert kept(load("llama"), rows(size=900)) == first
    assert capsys.readouterr().err.count("converting") == 1
    with torch.no_grad():
        loaded.model.model.layers[0].mlp.up_proj.weight[0, 0] += 1e-3
    assert kept(loaded, rows(size=900)).folder != first.folder
    assert convert.conversion(loaded, rows(size=900), "int8").folder.name.endswith("int8")
    assert not list(cache.glob(".*")), "nothing half made stays"


def test_other_prompts_are_another_conversion(load, cache):
    """What it is smoothed with and judged on is part of it, not a matter of who came first."""
    loaded = load("llama")
    first = kept(loaded, rows(size=900))
    assert kept(loaded, rows(4, size=900)).folder != first.folder
    engine = chosen(loaded, typical=rows(size=900))
    engine.generate(rows(3, size=900))
    assert engine.fast.folder == first.folder, "what is typical counts, not what comes"


def test_without_the_memory_for_it_transformers_serves(load, cache, capsys, monkeypatch):
    monkeypatch.setattr(convert, "free_memory", lambda: 1000)
    engine = chosen(load("llama"))
    engine.generate(rows(size=900))
    assert engine.label == "transformers fp32"
    assert "GiB of memory, and 0.0 GiB are free" in capsys.readouterr().err
    assert not list(cache.glob("*-float32"))


def test_long_prompts_are_left_out_where_their_logits_would_not_fit(monkeypatch):
    monkeypatch.setattr("dubash.engine.verify.MOST_LOGITS", 4 * 120 * 30)
    assert [len(each) for each in fitting(rows(), 120)] == [6, 9, 12]
    assert [len(each) for each in fitting(rows()[-1:], 120)] == [18]


def test_how_adapters_are_scaled_counts(adapted):
    before = convert.content_hash(adapted.model)
    for module in adapted.model.modules():
        if isinstance(getattr(module, "scaling", None), dict):
            module.scaling["default"] *= 2
    assert convert.content_hash(adapted.model) != before


def test_a_damaged_conversion_is_made_again(load, cache, capsys):
    first = kept(load("llama"), rows(size=900))
    whole = (first.folder / "model.bin").read_bytes()
    (first.folder / "model.bin").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (cache / ".making-left-by-a-kill").mkdir()
    again = kept(load("llama"), rows(size=900))
    assert "damaged" in capsys.readouterr().err
    assert (again.folder / "model.bin").read_bytes() == whole
    assert not (cache / ".making-left-by-a-kill").exists()


def test_a_failed_check_is_kept_and_never_serves(load, cache, capsys, monkeypatch):
    unmended(monkeypatch)
    loaded = load("mt5")
    engine = chosen(loaded)
    prompts = rows(size=900)
    found = engine.generate(prompts)
    assert engine.label == "transformers fp32"
    assert rows_of(found) == rows_of(engine.plain.generate(prompts))
    folder = next(cache.glob("*-float32"))
    assert [each.name for each in folder.iterdir()] == ["manifest.json"], "no model to serve"
    assert "differ" in read_json(folder / "manifest.json")["verdict"]["wrong"]
    chosen(loaded).generate(prompts)
    said = capsys.readouterr().err
    assert said.count("converting") == 1
    assert said.count("the check of its conversion failed, its logits differ") == 2


def test_the_conversions_used_longest_ago_go_first(cache, monkeypatch):
    monkeypatch.setattr(convert, "MOST_BYTES", 2500)
    for age, name in enumerate(["new", "recent", "old", "older", "stays"]):
        (cache / name).mkdir(parents=True)
        (cache / name / "model.bin").write_bytes(bytes(1000))
        (cache / name / "manifest.json").write_text("")
        then = time.time() - age * 3000
        os.utime(cache / name / "manifest.json", (then, then))
    convert.prune(cache, cache / "stays")
    # `recent` is over the bound, but was used within the hour: another process may be reading it
    assert {each.name for each in cache.iterdir()} == {"new", "recent", "stays"}

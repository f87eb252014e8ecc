"""Which engine serves, and what is said of it."""

import pytest

from dubash.core.errors import ModelError
from dubash.engine import choose
from dubash.engine.options import GenerateOptions, unlike
from engine.converting import chosen

pytest.importorskip("ctranslate2")


@pytest.fixture
def fitting(llama, prompts):
    return [row[:20] for row in prompts]


def label_and_log(engine, prompts, capsys):
    engine.generate(prompts)
    return engine.label, capsys.readouterr().err


def test_auto_takes_ctranslate2_and_says_how_near_it_is(llama, fitting, capsys):
    label, said = label_and_log(chosen(llama, compute_type="int8"), fitting, capsys)
    assert label == "ctranslate2 int8"
    assert "engine: ctranslate2 int8 (against transformers in fp32: logits differ by 0.0" in said


def test_transformers_by_name_is_taken_without_a_word(llama, fitting, capsys):
    engine = chosen(llama, engine="transformers", compute_type="int8")
    assert label_and_log(engine, fitting, capsys) == ("transformers fp32", "")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sample": True}, "it draws samples by a seed of its own"),
        ({"beams": 2}, "its beam search stops sooner"),
        ({"repetition_penalty": 1.3}, "its repetition penalty leaves out the first token"),
    ],
)
def test_settings_of_another_meaning_go_to_transformers(llama, fitting, capsys, settings, reason):
    engine = chosen(llama, **settings)
    label, said = label_and_log(engine, fitting, capsys)
    assert label == "transformers fp32"
    assert f"engine: transformers fp32, not ctranslate2: {reason}" in said
    engine.generate(fitting)
    assert capsys.readouterr().err == "", "said once"


def test_by_name_what_it_cannot_do_is_an_error(llama, load, fitting):
    with pytest.raises(ModelError, match=r"generate\.engine: .*leaves out the first token"):
        chosen(llama, engine="ctranslate2", repetition_penalty=1.3).generate(fitting)
    with pytest.raises(ModelError, match="no tested conversion of qwen3_5"):
        chosen(load("qwen3_5"), engine="ctranslate2").generate(fitting)
    for settings in ({"sample": True}, {"beams": 2, "stop_strings": ["x"]}):
        with pytest.raises(ValueError, match="ctranslate2 cannot do this"):
            GenerateOptions(engine="ctranslate2", **settings)
    assert not unlike(GenerateOptions(engine="ctranslate2", beams=2))
    with pytest.raises(ValueError, match="compute_type has no effect"):
        GenerateOptions(engine="transformers", compute_type="float32")


def test_a_penalty_under_which_m2m_would_keep_its_end_token(load, fitting, capsys):
    """Its decoder starts with the end token, which transformers then penalises."""
    loaded = load("m2m100")
    start = loaded.model.generation_config.decoder_start_token_id
    label, said = label_and_log(chosen(loaded, [start], repetition_penalty=1.3), fitting, capsys)
    assert label == "transformers fp32"
    assert "leaves out the first token" in said


def test_prompts_past_a_sliding_window_go_to_transformers(load, fitting, capsys):
    loaded = load("gemma3")
    engine = chosen(loaded)
    engine.generate(fitting)
    assert engine.label == "ctranslate2 float32"
    label, said = label_and_log(engine, [[5] * 33, *fitting], capsys)
    assert label == "transformers fp32"
    assert "sliding window of 32 tokens" in said
    engine.generate(fitting)
    assert engine.label == "ctranslate2 float32", "of each call its own"


def test_a_reason_of_the_caller_counts(llama, fitting, capsys):
    options = GenerateOptions(max_new_tokens=4)
    engine = choose.ChosenEngine(llama, [2], options, against="qlora computes otherwise")
    label, said = label_and_log(engine, fitting, capsys)
    assert (label, "qlora computes otherwise" in said) == ("transformers fp32", True)


def test_where_it_is_not_installed(llama, fitting, capsys, monkeypatch):
    monkeypatch.setattr(choose.importlib.util, "find_spec", lambda name: None)
    label, said = label_and_log(chosen(llama), fitting, capsys)
    assert label == "transformers fp32"
    assert "pip install -e '.[ct2]'" in said


@pytest.mark.parametrize("error", [RuntimeError("std::bad_alloc"), MemoryError()])
def test_where_memory_runs_out_as_it_is_converted(llama, fitting, capsys, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("dubash.engine.convert.conversion", fail)
    label, said = label_and_log(chosen(llama), fitting, capsys)
    assert label == "transformers fp32"
    assert "memory ran out as it was converted" in said

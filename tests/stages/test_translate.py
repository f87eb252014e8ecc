"""`dubash translate`: segments in from anywhere, one line out for each."""

import io
import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from dubash.core.errors import DataError, UserError
from dubash.core.files import read_jsonl
from dubash.core.run import RunFolder
from dubash.core.types import Hypothesis
from dubash.recipe.load import read_resolved
from dubash.stages.translate import MAX_LINE, tell_cut, translate


@pytest.fixture
def run(finished_run):
    return RunFolder(finished_run)


@pytest.fixture(scope="module")
def sources(finished_run):
    return [row["source"] for row in read_jsonl(finished_run / "data" / "test.jsonl")]


def do(run, *texts, source=None, output=None, untuned=False, details=False):
    translate(run.path, texts, source, output, untuned=untuned, details=details)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("untuned", "system"), [(False, "S1"), (True, "S0")])
def test_a_text_is_translated_as_the_systems_did(run, sources, capsys, untuned, system):
    do(run, *sources, untuned=untuned)
    known = [flat(row["text"]) for row in read_jsonl(run.hypotheses(system))]
    assert capsys.readouterr().out.splitlines() == known


def test_empty_lines_stay_empty(run, sources, tmp_path, capsys):
    book = tmp_path / "book.en"
    book.write_text(f"\n{sources[0]}\n  \t\n{sources[1]}\n\n", encoding="utf-8")
    do(run, source=book)
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 6
    assert [bool(line) for line in lines] == [False, True, False, True, False, False]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n \n"])
def test_nothing_to_translate_needs_no_model(run, tmp_path, capsys, content, monkeypatch):
    monkeypatch.setattr("dubash.model.load.load_tuned", lambda *_: pytest.fail("loaded"))
    book = tmp_path / "book.en"
    book.write_bytes(content)
    do(run, source=book)
    assert capsys.readouterr().out == "\n" * content.count(b"\n")


def test_line_ends_and_byte_order_mark_of_other_systems(run, sources, tmp_path, capsys):
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.write_bytes(f"{sources[0]}\n{sources[1]}\n".encode())
    other.write_bytes(f"\ufeff{sources[0]}\r\n{sources[1]}".encode())
    do(run, source=plain)
    expected = capsys.readouterr().out
    do(run, source=other)
    assert capsys.readouterr().out == expected


def test_a_segment_is_normalised_as_the_training_data_was(run, capsys):
    do(run, "¿Dónde está el señor Núñez?")
    expected = capsys.readouterr().out
    do(run, unicodedata.normalize("NFD", "  ¿Dónde  está el\tseñor Núñez?\n"))
    assert capsys.readouterr().out == expected


def test_standard_input(run, sources, capsys, monkeypatch):
    do(run, *sources[:2])
    expected = capsys.readouterr().out
    stdin = io.TextIOWrapper(io.BytesIO(f"{sources[0]}\n{sources[1]}\n".encode()), "ascii")
    monkeypatch.setattr("sys.stdin", stdin)
    do(run)
    assert capsys.readouterr().out == expected


def test_details_say_how_each_ended(run, sources, capsys):
    do(run, sources[0], "", details=True)
    first, empty = map(json.loads, capsys.readouterr().out.splitlines())
    tuned = next(read_jsonl(run.hypotheses("S1")))
    assert {**first, "seconds": 0} == {**tuned, "seconds": 0}
    assert first["seconds"] > 0
    assert empty == {"source": "", "text": "", "stop": "end", "tokens": 0, "seconds": 0.0}


def test_translations_that_did_not_end_are_counted(run, sources, capsys):
    do(run, "", *sources)
    told = capsys.readouterr().err  # the tiny model never comes to an end
    assert (
        f"\n{len(sources)} of {len(sources)} translations stopped at generate.max_new_tokens=24 "
        "(the first: the text given:2)\n"
    ) in told
    assert "prompt.max_tokens" not in told
    ended, cut = Hypothesis("Hola.", "end", 3, 0.1), Hypothesis("Hola, hola", "limit", 24, 0.1)
    tell_cut({1: ended, 3: cut, 4: cut}, 24, "book.en")
    assert capsys.readouterr().err == (
        "2 of 3 translations stopped at generate.max_new_tokens=24 (the first: book.en:3)\n"
    )
    tell_cut({1: ended}, 24, "book.en")
    assert capsys.readouterr().err == ""


def test_sources_longer_than_any_training_row_are_counted(own_run, sources, capsys):
    do(RunFolder(own_run), *sources[:2])
    before = capsys.readouterr().out
    recipe = own_run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("max_tokens: 256", "max_tokens: 8"))
    do(RunFolder(own_run), "", *sources[:2])
    told = capsys.readouterr()
    assert told.out == f"\n{before}"
    assert (
        "\n2 of 2 sources are over prompt.max_tokens=8, longer than anything it was trained on; "
        "split them into sentences (the first: the text given:2)\n"
    ) in told.err
    do(RunFolder(own_run), *sources[:2], untuned=True)
    assert "trained on" not in capsys.readouterr().err


# -- the output file -----------------------------------------------------------------------------


def test_the_output_file_is_replaced_when_all_is_done(run, sources, tmp_path, capsys):
    output = tmp_path / "deep" / "book.es"
    do(run, sources[0], output=output)
    once = output.read_text(encoding="utf-8")
    assert once.endswith("\n")
    do(run, *sources[:2], output=output)
    assert output.read_text(encoding="utf-8").startswith(once)
    assert [path.name for path in output.parent.iterdir()] == ["book.es"]
    assert capsys.readouterr().out == ""


def test_a_translation_that_fails_leaves_the_old_output(own_run, sources, tmp_path):
    weights = own_run / "model" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    output = tmp_path / "book.es"
    output.write_text("an older translation\n")
    with pytest.raises(UserError, match="cut short or not safetensors"):
        do(RunFolder(own_run), sources[0], output=output)
    assert output.read_text() == "an older translation\n"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_link_or_a_device_is_written_to_and_not_replaced(run, sources, tmp_path):
    (tmp_path / "real.es").write_text("old\n")
    link = tmp_path / "link.es"
    link.symlink_to(tmp_path / "real.es")
    do(run, sources[0], output=link)
    assert link.is_symlink()
    assert (tmp_path / "real.es").read_text(encoding="utf-8") != "old\n"
    pipe = tmp_path / "pipe.es"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    do(run, sources[0], output=pipe)
    assert os.read(reader, 1 << 16) == (tmp_path / "real.es").read_bytes()
    os.close(reader)
    assert pipe.is_fifo()


# -- faults --------------------------------------------------------------------------------------


def test_faults_are_found_before_a_model_is_loaded(run, tmp_path, monkeypatch):
    for name in ("load_base", "load_tuned"):
        monkeypatch.setattr(f"dubash.model.load.{name}", lambda *_: pytest.fail("loaded"))
    (tmp_path / "latin.txt").write_bytes("señor\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt: not UTF-8 text \(byte 2\)"):
        do(run, source=tmp_path / "latin.txt")
    with pytest.raises(DataError, match=r"the text given: not UTF-8 \(byte 0xf1\)"):
        do(run, "hello", "se\udcf1or")
    with pytest.raises(UserError, match="not both"):
        do(run, "hello", source=tmp_path / "latin.txt")
    with pytest.raises(UserError, match=r"this is a folder\. Give --output a file's name"):
        do(run, "hello", output=tmp_path)
    with pytest.raises(FileNotFoundError):
        do(run, source=tmp_path / "nothing.txt")
    with pytest.raises(UserError, match=r"not a run folder .* such as runs/demo"):
        do(RunFolder(tmp_path), "hello")


@pytest.fixture
def short_context(own_run, tmp_path):
    """The run, on a model with a context of 120 tokens (and 24 of them for the hypothesis)."""
    recipe = own_run / "recipe.yaml"
    name = read_resolved(recipe).model.name
    model = tmp_path / "short"
    shutil.copytree(name, model)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 120}))
    recipe.write_text(recipe.read_text(encoding="utf-8").replace(name, str(model)))
    return RunFolder(own_run)


@pytest.mark.parametrize("untuned", [False, True])
def test_a_line_that_leaves_no_room_is_named(short_context, sources, tmp_path, untuned):
    do(short_context, sources[0], untuned=untuned)
    book, output = tmp_path / "book.en", tmp_path / "book.es"
    book.write_text(f"{sources[0]}\n\n{' '.join(sources)}\n", encoding="utf-8")
    with pytest.raises(UserError) as refused:
        do(short_context, source=book, output=output, untuned=untuned)
    assert f"{book}:3: its prompt of " in str(refused.value)
    assert "generate.max_new_tokens (24) do not go into the model's context of 120" in str(
        refused.value
    )
    assert not output.exists()


def test_a_line_without_end_is_refused_before_a_model_is_loaded(run, sources, monkeypatch):
    monkeypatch.setattr("dubash.model.load.load_tuned", lambda *_: pytest.fail("loaded"))
    with pytest.raises(UserError, match=r"the text given:2: a line of 100,001 characters; 100,000"):
        do(run, sources[0], "x" * (MAX_LINE + 1))


def test_nothing_on_a_terminal_is_said(run, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(UserError, match=r"nothing to translate\. Give text, --input FILE"):
        do(run)


def test_an_output_that_may_not_be_written_is_refused_first(run, tmp_path, monkeypatch):
    monkeypatch.setattr("dubash.model.load.load_tuned", lambda *_: pytest.fail("loaded"))
    place = tmp_path
    if os.geteuid() == 0:  # who may write everywhere but into a system's own folders
        place = Path("/proc")
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="nothing can be written here"):
        do(run, "hello", output=place / "new" / "book.es")


def test_a_run_that_was_not_trained_can_show_its_base(own_run, sources, capsys):
    shutil.rmtree(own_run / "model")
    run = RunFolder(own_run)
    with pytest.raises(UserError, match=r"no tuned model yet.* or use --untuned"):
        do(run, sources[0])
    do(run, sources[0], untuned=True)
    assert capsys.readouterr().out.strip()

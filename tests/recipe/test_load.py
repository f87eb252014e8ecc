"""From a file to a recipe: what YAML makes of it, what it extends, overrides."""

from pathlib import Path

import pytest
from small import SMALL, mistake

from dubash.recipe.load import DEEPEST, load_recipe, read_resolved, resolved_yaml


def test_a_small_recipe_has_defaults_for_the_rest(write):
    loaded = load_recipe(write(SMALL))
    assert loaded.recipe.method.name == "lora"
    assert loaded.recipe.train.seed == 1


# -- where data paths start ----------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder to be in, with a recipe in `base/` and one in `own/` that extends it."""
    moses = "{source_path: a.en, target_path: ../a.es}"
    files = {
        "base/recipe.yaml": SMALL.replace("[rows.csv]", f"[rows.csv, {moses}, ~/my.csv, /x/y.csv]"),
        "own/recipe.yaml": "extends: ../base/recipe.yaml\ndata: {test: [{path: ./test.csv}]}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(recipe):
    entries = (*recipe.data.train, *(recipe.data.test or ()))
    return [
        each for entry in entries for each in (entry.path, entry.source_path, entry.target_path)
        if each
    ]  # fmt: skip


def test_a_data_path_starts_from_the_folder_of_the_file_it_stands_in(project, monkeypatch):
    own = load_recipe("own/recipe.yaml").recipe
    fixed = ["~/my.csv", "/x/y.csv"]
    assert paths(own) == ["base/rows.csv", "base/a.en", "a.es", *fixed, "own/test.csv"]
    monkeypatch.chdir(project / "own")
    own = load_recipe("recipe.yaml").recipe
    assert paths(own) == ["../base/rows.csv", "../base/a.en", "../a.es", *fixed, "test.csv"]


def test_so_does_the_path_of_a_glossary(project, monkeypatch):
    with (project / "base" / "recipe.yaml").open("a") as recipe:
        recipe.write("evaluate: {glossary: terms.csv}\n")
    own = load_recipe("own/recipe.yaml").recipe
    assert own.evaluate.glossary == "base/terms.csv"
    given = load_recipe("own/recipe.yaml", ["evaluate.glossary=mine.tbx"]).recipe
    assert given.evaluate.glossary == "mine.tbx"
    run = project / "runs" / "first"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(resolved_yaml(own, Path("runs/first")))
    assert read_resolved(Path("runs/first/recipe.yaml")) == own
    monkeypatch.chdir(run)
    assert load_recipe("recipe.yaml").recipe.evaluate.glossary == "../../base/terms.csv"


def test_on_the_command_line_and_in_a_shipped_recipe_it_starts_from_the_current_folder(project):
    own = load_recipe("own/recipe.yaml", ["data.train=[rows.csv, {path: deep/b.csv}]"]).recipe
    assert paths(own) == ["rows.csv", "deep/b.csv", "own/test.csv"]
    assert paths(load_recipe("en-hi-mt5-csv").recipe) == ["data/translation_data.csv"]


def test_a_resolved_recipe_can_be_run_from_anywhere_and_moves_with_its_project(
    project, monkeypatch
):
    own = load_recipe("own/recipe.yaml").recipe
    run = project / "runs" / "first"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(resolved_yaml(own, Path("runs/first")))
    assert str(project) not in (run / "recipe.yaml").read_text()
    assert load_recipe("runs/first/recipe.yaml").recipe == own
    assert read_resolved(Path("runs/first/recipe.yaml")) == own
    monkeypatch.chdir(run)
    assert paths(load_recipe("recipe.yaml").recipe)[0] == "../../base/rows.csv"
    moved = project.rename(project.with_name("moved"))
    monkeypatch.chdir(moved)
    assert load_recipe("runs/first/recipe.yaml").recipe == own


def test_a_folder_behind_a_symbolic_link_is_the_one_it_really_is(project):
    far = project / "far" / "disk"
    far.mkdir(parents=True)
    (project / "runs").symlink_to(far)
    (project / "base" / "rows.csv").write_text("a,b\n")
    own = load_recipe("own/recipe.yaml").recipe
    (far / "first").mkdir()
    (far / "first" / "recipe.yaml").write_text(resolved_yaml(own, Path("runs/first")))
    for name in ("runs/first/recipe.yaml", "far/disk/first/recipe.yaml"):
        assert Path(paths(load_recipe(name).recipe)[0]).read_text() == "a,b\n"


@pytest.mark.parametrize("entry", ["''", '"a\\0b"', "{path: ''}"])
def test_a_path_that_is_none_is_refused(write, entry):
    told = mistake(write(SMALL.replace("[rows.csv]", f"[{entry}]")))
    assert told == "recipe.yaml:2: data.train.0: a path is empty or holds a NUL character."


# -- files that are no recipes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "recipe.yaml: a recipe is a mapping of keys to settings."),
        ("- a\n- b\n", "recipe.yaml: a recipe is a mapping of keys to settings."),
        ("train: [1", "recipe.yaml:1: not valid YAML"),
        ("train:\n\tepochs: 1\n", "recipe.yaml:2: not valid YAML"),
        ("? [a]\n: 1\n", "recipe.yaml:1: not valid YAML"),
        ("train: !!python/object/apply:os.getcwd []\n", "recipe.yaml:1: not valid YAML"),
        ("train: \0\n", "recipe.yaml: not valid YAML"),
        (b"run: {name: caf\xe9}\n", "recipe.yaml: not a text file in UTF-8."),
        (bytes(range(256)), "recipe.yaml: not a text file in UTF-8."),
        ("train: " + "[" * 5000 + "]" * 5000, "recipe.yaml: nested too deep."),
        (SMALL + "train: &a {seed: *a}\n", "recipe.yaml:5: an anchor that holds itself."),
        (SMALL + "1: 2\n", "recipe.yaml:5: 1: Keys should be strings."),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_line(write, text, told):
    found = mistake(write(text))
    assert found.startswith(told)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert mistake(str(tmp_path / "no.yaml")) == "no.yaml: no such file."
    assert "a folder, not a recipe file" in mistake(str(tmp_path))
    (tmp_path / "folder.yaml").mkdir()
    assert "a folder, not a recipe file" in mistake(str(tmp_path / "folder.yaml"))
    assert "cannot be read" in mistake(str(tmp_path / ("x" * 300 + ".yaml")))


def test_a_path_through_a_file_is_refused(write):
    assert "cannot be read: Not a directory." in mistake(f"{write(SMALL)}/recipe.yaml")


def test_an_unknown_name_gets_the_nearest_shipped_recipe():
    assert mistake("dmeo").endswith("Did you mean 'demo'?")
    assert "neither a file nor one that ships" in mistake("")


def test_a_folder_does_not_hide_a_shipped_recipe(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_recipe("demo").recipe.run.name == "demo"


def test_a_doubled_key_is_refused_with_its_second_line(write):
    text = SMALL + "train:\n  epochs: 1\n  seed: 2\n  epochs: 3\n"
    assert mistake(write(text)) == "recipe.yaml:8: 'train.epochs' stands twice."


def test_anchors_may_be_used_and_are_read_once_however_many_aliases_there_are(write):
    text = SMALL.replace("[rows.csv]", "[&rows {path: rows.csv}], test: [*rows]")
    data = load_recipe(write(text)).recipe.data
    assert data.test == data.train == load_recipe(write(SMALL)).recipe.data.train
    laughs = "".join(
        f"{key}: &{key} [{', '.join(['*' + below] * 9)}]\n"
        for below, key in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    assert "unknown key 'a'" in mistake(write("a: &a [x]\n" + laughs + SMALL))


def test_a_byte_order_mark_is_no_mistake(write):
    assert load_recipe(write(b"\xef\xbb\xbf" + SMALL.encode())).recipe.run.name == "test"


def test_norwegian_is_a_language_and_not_false(write):
    recipe = load_recipe(write(SMALL.replace("source: en", "source: no"))).recipe
    assert recipe.languages.pair().source.name == "Norwegian"
    assert "source: 'no'" in resolved_yaml(recipe)
    assert load_recipe(write(resolved_yaml(recipe))).recipe == recipe


@pytest.mark.parametrize("written", ["1e-4", "1E-4", "1.0e-4", "0.0001", "'1e-4'"])
def test_a_number_may_be_written_as_one_writes_it(write, written):
    recipe = load_recipe(write(SMALL + f"train: {{learning_rate: {written}}}\n")).recipe
    assert recipe.train.learning_rate == 1e-4
    assert load_recipe(write(SMALL), [f"train.learning_rate={written}"]).recipe == recipe


def test_true_and_false_are_read_as_such(write):
    for written, meant in (("true", True), ("false", False)):
        recipe = load_recipe(write(SMALL + f"generate: {{sample: {written}}}\n")).recipe
        assert recipe.generate.sample is meant


def test_a_date_or_a_number_as_a_name_is_refused_rather_than_guessed(write):
    for name in ("2024-01-01", "7"):
        told = mistake(write(SMALL.replace("name: test", f"name: {name}")))
        assert told == "recipe.yaml:4: run.name: Input should be a valid string."


def test_a_chain_of_recipes_is_merged_key_by_key(write):
    write(SMALL + "train: {epochs: 1, seed: 7}\nmethod: {rank: 4}\n", "first.yaml")
    write("extends: first.yaml\ntrain: {epochs: 2}\n", "second.yaml")
    recipe = load_recipe(write("extends: second.yaml\nmethod: {alpha: 8}\n")).recipe
    assert (recipe.train.epochs, recipe.train.seed) == (2, 7)
    assert (recipe.method.rank, recipe.method.alpha) == (4, 8)


def test_a_recipe_may_extend_one_that_ships(write):
    recipe = load_recipe(write("extends: demo\nrun: {name: mine}\n")).recipe
    assert recipe == load_recipe("demo", ["run.name=mine"]).recipe


def test_a_list_is_replaced_whole(write):
    write(SMALL.replace("[rows.csv]", "[a.csv, b.csv]"), "first.yaml")
    recipe = load_recipe(write("extends: first.yaml\ndata: {train: [c.csv]}\n")).recipe
    assert [Path(each.path).name for each in recipe.data.train] == ["c.csv"]


def test_what_it_extends_is_looked_for_beside_it(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "first.yaml").write_text(SMALL)
    recipe = tmp_path / "inner" / "recipe.yaml"
    recipe.write_text("extends: ../first.yaml\n")
    assert load_recipe(str(recipe)).recipe.run.name == "test"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_is_refused(write, length):
    for at in range(length):
        name = write(f"extends: {(at + 1) % length}.yaml\n", f"{at}.yaml")
    assert "extend one another in a circle" in mistake(name)


def test_a_long_chain_that_ends_is_none(write):
    write(SMALL, "0.yaml")
    for at in range(1, DEEPEST + 1):
        name = write(f"extends: {at - 1}.yaml\n", f"{at}.yaml")
    assert load_recipe(name).recipe.run.name == "test"


def test_extends_names_one_recipe_that_is_there(write):
    assert mistake(write("extends: [a, b]\n")) == "recipe.yaml:1: extends names one recipe."
    assert mistake(write("extends: no.yaml\n")) == "no.yaml: no such file."
    assert mistake(write("extends: dmeo\n")).endswith("Did you mean 'demo'?")


def test_a_mistake_is_told_where_it_stands_be_it_in_what_is_extended(write):
    write(SMALL + "train:\n  epochz: 1\n", "first.yaml")
    text = "extends: first.yaml\n\n\ntrain:\n  seed: 2\n"
    assert mistake(write(text)).startswith("first.yaml:6: train.epochz: unknown key")
    fixed = text + "  epochs: -1\n"
    write(SMALL + "train:\n  epochs: 1\n", "first.yaml")
    assert mistake(write(fixed)).startswith("recipe.yaml:6: train.epochs: ")


def test_a_key_missing_in_a_list_is_not_sought_in_the_list_that_was_replaced(write):
    columns = "columns: {source: a, target: b}"
    write(SMALL.replace("[rows.csv]", f"[{{path: a.csv, {columns}}}]"), "first.yaml")
    text = "extends: first.yaml\ndata:\n  train: [{path: b.csv, columns: {source: a}}]\n"
    told = mistake(write(text))
    assert told == (
        "recipe.yaml:3: data.train.0.columns.target: Field required, as in target: spanish."
    )


def test_overrides_come_last_and_the_last_of_them_wins(write):
    name = write(SMALL + "train: {epochs: 1}\n")
    recipe = load_recipe(name, ["train.epochs=2", "train.epochs=3", "method.rank=4"]).recipe
    assert (recipe.train.epochs, recipe.method.rank) == (3, 4)


def test_an_override_may_be_a_list_a_mapping_or_nothing(write):
    name = write(SMALL + "train: {max_steps: 5}\n")
    recipe = load_recipe(name, ["data.train=[a.csv, {hub: b/c}]", "method={rank: 2, alpha: 3}"])
    assert [each.name for each in recipe.recipe.data.train] == ["a.csv", "b/c:train"]
    assert (recipe.recipe.method.rank, recipe.recipe.method.alpha) == (2, 3)
    assert load_recipe(name, ["train.max_steps=null"]).recipe.train.max_steps is None


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.epochs", "'train.epochs' is no setting. Write it as key.key=value"),
        ("=1", "'=1' is no setting."),
        ("train.epochs=[1", "train.epochs: the value is not valid YAML."),
        ("train=&a {seed: *a}", "command line:1: an anchor that holds itself."),
        ("train.epochs=" + "[" * 5000, "train.epochs: the value is not valid YAML."),
        ("train.epochz=1", "command line: train.epochz: unknown key 'epochz'. Did you mean 'ep"),
        ("train.epochs=many", "command line: train.epochs: Input should be a valid number"),
        ("train={epochz: 1}", "command line: train.epochz: unknown key"),
        (
            "train=1",
            "command line: train: Input should be settings, each as key: value, "
            "as in train: {epochs: 3}.",
        ),
        (
            "data.train=rows.csv",
            "command line: data.train: Input should be a list, as in train: [rows.csv].",
        ),
        ("data.train=[{pathh: a}]", "command line: data.train.0.pathh: unknown key"),
        ("extends=demo", "command line: extends: unknown key"),
        ("model.name=embedded:foo", "command line: model.name: there is one embedded model"),
        ("model={name: embedded:foo}", "command line: model.name: there is one embedded model"),
        ("run.name=../up", "command line: run.name is made of letters"),
    ],
)
def test_a_wrong_override_is_told_as_one(write, override, told):
    name = write(SMALL.replace("[rows.csv]", "[{hub: a/b}]") + "train:\n  epochs: 1\n")
    assert mistake(name, override).startswith(told)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.seed=1", "recipe.yaml:6: generate.length_penalty has no effect"),
        ("generate.beams=1", "command line: generate.length_penalty has no effect with"),
        ("generate={sample: true, beams: 2}", "command line: generate.sample and generate.beams"),
    ],
)
def test_settings_at_odds_are_told_where_the_last_word_was_said(write, override, told):
    name = write(SMALL + "generate:\n  length_penalty: 0.5\n")
    assert mistake(name, override).startswith(told)

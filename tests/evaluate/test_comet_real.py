"""COMET itself, installed as a user installs it, on tiny models of its own classes."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dubash.core.environment import Environment
from dubash.data.phrasebook import folder as phrasebooks
from dubash.evaluate import comet
from dubash.evaluate.comet import CometMetric
from dubash.evaluate.rowwise import Blank, RowScores, Segment
from dubash.stages.metrics import install

pytestmark = pytest.mark.slow

CLASSES = ["regression_metric", "referenceless_regression_metric", "unified_metric"]


@pytest.fixture(scope="session")
def env() -> Environment:
    """1.4 GB, and a minute or several. With $DUBASH_CACHE set it is made once for all runs."""
    install("comet")
    return comet.environment()


def ours(env: Environment, *words: object, given: str = "") -> str:
    """What COMET's own Python says when it runs the maker."""
    maker = Path(__file__).with_name("comet_maker.py")
    done = subprocess.run(
        [env.python, "-I", maker, *map(str, words)], input=given, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="session")
def models(env: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {kind: tmp_path_factory.mktemp("comet") / kind for kind in CLASSES}
    for kind, folder in made.items():
        ours(env, "make", folder, kind)
    return made


@pytest.fixture(autouse=True)
def kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No scores of before, and none left; the environment stays where it is."""
    monkeypatch.setattr(comet, "cache_root", lambda: tmp_path / "kept")


def segments() -> list[Segment]:
    lines = (phrasebooks() / "en-es.tsv").read_text(encoding="utf-8").splitlines()[1:40]
    pairs = [line.split("\t")[1:] for line in lines]
    return [
        Segment(source, target[: len(target) * (1 + i % 4) // 4], target)
        for i, (source, target) in enumerate(pairs)
    ]


@pytest.mark.parametrize("kind", CLASSES)
def test_scores_are_those_of_comet_itself(
    env: Environment, models: dict[str, Path], kind: str
) -> None:
    rows = [{"src": s.source, "mt": s.hypothesis, "ref": s.reference} for s in segments()]
    file = models[kind] / "checkpoints" / "model.ckpt"
    theirs = json.loads(ours(env, "direct", file, given=json.dumps(rows)).splitlines()[-1])
    found = CometMetric("comet", str(models[kind]), 4).score(segments())
    assert isinstance(found, RowScores), found
    assert found.values == pytest.approx(theirs, abs=1e-5)
    assert len(set(theirs)) > 20
    assert f"class:{kind}|precision:fp32|comet:2.2.7|torch:2.13.0" in found.signature
    again = CometMetric("comet", str(models[kind]), 4, env).score(segments()[::-1])
    assert isinstance(again, RowScores)
    assert again.values == found.values[::-1]


def test_only_one_that_needs_references_looks_at_them(models: dict[str, Path]) -> None:
    rows = segments()
    other = [each._replace(reference="Otra cosa.") for each in rows]
    for kind, model in models.items():
        found, changed = (CometMetric("comet", str(model), 8).score(each) for each in (rows, other))
        assert isinstance(found, RowScores)
        assert isinstance(changed, RowScores)
        same = found.values == pytest.approx(changed.values, abs=1e-6)
        assert same == (kind != "regression_metric")


def test_a_planted_checkpoint_does_not_run_its_code(
    env: Environment, models: dict[str, Path], tmp_path: Path
) -> None:
    evil, made = tmp_path / "evil", tmp_path / "made-by-the-checkpoint"
    shutil.copytree(models["regression_metric"], evil)
    file = evil / "checkpoints" / "model.ckpt"
    ours(env, "plant", file, made)
    found = CometMetric("comet", str(evil), 8).score(segments())
    assert isinstance(found, Blank)
    assert "could run code of the file, so it is refused" in found.why
    assert not made.exists()
    program = "import sys, torch; torch.load(sys.argv[1], weights_only=False)"
    subprocess.run([env.python, "-I", "-c", program, file], check=True, timeout=120)
    assert made.exists(), "the plant works where nothing is in its way"


def test_planted_settings_do_not_run_their_code(models: dict[str, Path], tmp_path: Path) -> None:
    evil, made = tmp_path / "evil", tmp_path / "made-by-the-settings"
    shutil.copytree(models["regression_metric"], evil)
    text = (evil / "hparams.yaml").read_text(encoding="utf-8")
    planted = f"{text}evil: !!python/object/apply:builtins.open ['{made}', w]\n"
    (evil / "hparams.yaml").write_text(planted, encoding="utf-8")
    found = CometMetric("comet", str(evil), 8).score(segments())
    assert isinstance(found, Blank)
    assert "hparams.yaml" in found.why
    assert not made.exists()
    yaml.unsafe_load(planted)
    assert made.exists(), "the plant works where nothing is in its way"


def test_an_encoder_that_is_not_there_is_told(models: dict[str, Path], tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(models["regression_metric"], moved)
    aside = models["regression_metric"] / "encoder"
    os.rename(aside, aside.with_name("away"))
    try:
        found = CometMetric("comet", str(moved), 8).score(segments())
    finally:
        os.rename(aside.with_name("away"), aside)
    assert isinstance(found, Blank)
    assert "its checkpoint cannot be loaded" in found.why


def test_a_second_installation_says_it_is_there(
    env: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    install("comet")
    printed = capsys.readouterr()
    assert printed.err == "already there\n"
    assert "unbabel-comet        2.2.7\ntorch                2.13.0" in printed.out
    assert str(env.folder) in printed.out

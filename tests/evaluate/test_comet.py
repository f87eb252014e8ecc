"""All around COMET: what is asked, kept, and said where it cannot run. COMET itself: slow tests."""

from pathlib import Path

import pytest
import torch

from dubash.core.errors import MetricError
from dubash.core.files import cache_root
from dubash.evaluate import comet
from dubash.evaluate.comet import CometMetric
from dubash.evaluate.rowwise import Blank, RowScores, Segment
from evaluate.stand_in import Marker, StandIn, checkpoint

ROWS = [Segment(f"source {'x' * (9 - i)}", "palabra " * (1 + i % 4), "r") for i in range(8)]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path / "cache"))
    return StandIn(tmp_path / "environment")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "tiny-comet", {"weight": 0.5})


def metric(env: StandIn, model: object, batch_size: int = 3) -> CometMetric:
    return CometMetric("comet", str(model), batch_size, env)  # type: ignore[arg-type]


def why(found: RowScores | Blank | None) -> str:
    assert isinstance(found, Blank), found
    return found.why


def test_each_segment_gets_its_own_score(env: StandIn, model: Path) -> None:
    found = metric(env, model).score(ROWS)
    assert isinstance(found, RowScores)
    assert found.values == [0.5 * len(each.hypothesis) for each in ROWS]
    assert env.batches() == [3, 3, 2]
    assert "model:tiny-comet|sha256:" in found.signature
    assert "|class:regression_metric|precision:fp32|comet:2.2.7|torch:" in found.signature


def test_what_was_scored_before_costs_nothing(env: StandIn, model: Path) -> None:
    first = metric(env, model).score(ROWS[:5])
    assert isinstance(first, RowScores)
    before = env.batches()
    env.python.rename(env.folder / "away")  # whoever asks COMET now gets nothing
    again = metric(env, model).score(ROWS[:5][::-1])
    assert isinstance(again, RowScores)
    assert again.values == first.values[::-1]
    (env.folder / "away").rename(env.python)
    metric(env, model, batch_size=16).score(ROWS)
    assert env.batches() == [*before, 3]


def test_another_model_or_text_is_scored_afresh(env: StandIn, model: Path, tmp_path: Path) -> None:
    metric(env, model).score(ROWS[:1])
    other = checkpoint(tmp_path / "other", {"weight": 2.0})
    found = metric(env, other).score(ROWS[:1])
    assert isinstance(found, RowScores)
    assert found.values == [2.0 * len(ROWS[0].hypothesis)]
    changed = [
        ROWS[0]._replace(source="s"), ROWS[0]._replace(hypothesis="h"),
        ROWS[0]._replace(reference="t"),
    ]  # fmt: skip
    metric(env, other).score([ROWS[0], *changed])
    assert env.batches() == [1, 1, 3]
    (other / "hparams.yaml").write_text("class_identifier: unified_metric\n")
    metric(env, other).score(ROWS[:1])
    assert env.batches() == [1, 1, 3, 1], "other settings are another model"


def test_what_was_done_when_it_was_stopped_is_kept(
    env: StandIn, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Enough(BaseException):
        pass

    def stop(self: object, count: int) -> None:
        raise Enough

    monkeypatch.setattr("dubash.core.progress.Ticker.__call__", stop)
    with pytest.raises(Enough):
        metric(env, model, batch_size=1).score(ROWS)
    monkeypatch.undo()
    monkeypatch.setenv("DUBASH_CACHE", str(env.folder.parent / "cache"))
    (env.folder / "batches").unlink()
    assert isinstance(metric(env, model, batch_size=1).score(ROWS), RowScores)
    assert 1 <= len(env.batches()) < len(ROWS)


def test_a_checkpoint_that_would_run_code_is_refused_and_does_not(
    env: StandIn, tmp_path: Path
) -> None:
    made = tmp_path / "made-by-the-checkpoint"
    evil = checkpoint(tmp_path / "evil", {"weight": 1.0, "callbacks": Marker(made)})
    assert why(metric(env, evil).score(ROWS)) == (
        f"{evil}: its checkpoint holds more than tensors and plain settings; loading that could "
        "run code of the file, so it is refused."
    )
    assert not made.exists()
    torch.load(evil / "checkpoints" / "model.ckpt", weights_only=False)
    assert made.exists(), "the plant works where nothing is in its way"


def test_a_worker_that_dies_leaves_a_blank_and_what_it_had_done(env: StandIn, model: Path) -> None:
    rows = [*ROWS[:2], Segment("die", "x", "y")]
    found = why(metric(env, model, batch_size=1).score([*rows, Segment("a", "b", "c")]))
    assert "COMET ended with status 3" in found
    assert isinstance(metric(env, model).score([Segment("a", "b", "c")]), RowScores)
    assert env.batches() == [1, 1], "the shortest source came first and was kept"


def test_a_score_that_is_no_number_is_none(env: StandIn, model: Path) -> None:
    found = metric(env, model).score([Segment("a", "nan", "c"), ROWS[0]])
    assert why(found) == f"{model}: a score was no finite number."


def test_without_sources_there_is_nothing_to_read(env: StandIn, model: Path) -> None:
    found = metric(env, model).score([Segment("", "Hola", "Hola"), Segment(" ", "Sí", "Sí")])
    assert why(found) == "COMET reads the sources, and there are none."
    assert env.batches() == []


def test_kept_scores_that_cannot_be_read_are_named(env: StandIn, model: Path) -> None:
    kept = cache_root() / "metrics" / "comet.sqlite3"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"no database " * 100)
    with pytest.raises(MetricError, match=r"comet\.sqlite3: the scores kept .* Remove the file"):
        metric(env, model).score(ROWS)


# -- before it can run ---------------------------------------------------------------------------


def test_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setenv("DUBASH_CACHE", str(tmp_path / "cache"))
    here = CometMetric("comet", str(model), 16)
    for found in (here.check(), here.score(ROWS)):
        assert why(found) == "COMET is not installed. Install it: dubash metrics install comet"


def test_a_local_checkpoint_may_be_named_by_folder_or_file(env: StandIn, model: Path) -> None:
    file = model / "checkpoints" / "model.ckpt"
    assert metric(env, model).check() is None
    assert metric(env, file).check() is None
    file.rename(file.with_name("epoch=3.ckpt"))
    assert metric(env, model).check() is None
    assert "there is no such folder or file" in why(metric(env, file).check())
    (file.parent / "second.ckpt").write_bytes(b"")
    assert "2 files checkpoints/*.ckpt, not one" in why(metric(env, model).check())


@pytest.mark.parametrize("settings", [None, "", "[1", "a: 1", "- class_identifier"])
def test_a_checkpoint_without_settings_is_none(
    env: StandIn, model: Path, settings: str | None
) -> None:
    (model / "hparams.yaml").unlink()
    if settings is not None:
        (model / "hparams.yaml").write_text(settings)
    assert "no hparams.yaml that names its class_identifier" in why(metric(env, model).check())


@pytest.mark.parametrize("name", ["wmt22-comet-da", "wmt22-cometkiwi-da", "someone/own-comet"])
def test_a_model_of_the_hub_without_network(
    env: StandIn, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked of the real hub library, which the tests keep offline."""
    assert why(metric(env, name).check()) == (
        f"{name}: its weights are not in the hub's cache on this machine, and HF_HUB_OFFLINE is "
        "set."
    )
    assert f"{name}: fetching it from the hub" in capsys.readouterr().err


def test_a_model_in_the_hubs_cache_is_found_without_network(
    env: StandIn, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = tmp_path / "hub" / "models--Unbabel--wmt22-comet-da"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0123abc")
    (cached / "snapshots").mkdir()
    model.rename(cached / "snapshots" / "0123abc")
    found = metric(env, "wmt22-comet-da").score(ROWS)
    assert isinstance(found, RowScores)
    assert found.signature.startswith("model:Unbabel/wmt22-comet-da|")
    (cached / "snapshots" / "0123abc" / "checkpoints" / "model.ckpt").unlink()
    assert "it has no checkpoints/model.ckpt with hparams.yaml" in why(
        metric(env, "wmt22-comet-da").check()
    )


def test_an_environment_that_broke_leaves_a_blank(env: StandIn, model: Path) -> None:
    (env.folder / "comet.py").write_text("raise ImportError('numpy is broken')")
    found = why(metric(env, model).score(ROWS))
    assert found.startswith(f"{model}: COMET ended with status 1. It said: ")
    assert found.endswith("ImportError: numpy is broken")
    env.python.write_text("#!/nowhere/python\n")
    assert "its environment cannot be used (No such file" in why(metric(env, model).score(ROWS))


def test_the_pins_are_those_of_the_steps() -> None:
    pins = set(comet.environment().pins.read_text(encoding="utf-8").split())
    assert {package for step in comet.STEPS for package in step} <= pins

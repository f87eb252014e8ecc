"""TensorBoard's files, as TensorBoard reads them: what `metrics.jsonl` holds, each step once."""

import pytest
from toy import assert_same, left_behind, stop_after, toy_loop

from dubash.core.errors import Interrupted, TrainingError
from dubash.train import tensorboard
from dubash.train.sample import Sample, Scored

reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

SCALARS = {
    ("train", "loss"): "train/loss",
    ("train", "learning_rate"): "train/learning_rate",
    ("train", "gradient_norm"): "train/gradient_norm",
    ("dev", "loss"): "dev/loss",
    ("dev", "chrf"): "dev/chrF++",
}


def read(run):
    """The files as TensorBoard itself reads them: by tag, steps and values."""
    events = reader.EventAccumulator(str(run.tensorboard), size_guidance={"tensors": 0}).Reload()
    scalars = {
        tag: [(each.step, each.value) for each in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }
    texts = {
        tag: [(each.step, each.tensor_proto.string_val[0].decode()) for each in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
    return scalars, texts


def scored_loop(model, folder, **options):
    """A toy run whose dev sample is one row; the model's translation of it is the step's number."""
    loop = toy_loop(model, folder, tensorboard=True, **options)

    def score(_model):
        step = loop.state.step
        return Scored(10.0 + step, Sample("two cats", f"*{step}*\ngatos", "dos gatos"))

    loop.score = score
    return loop


def assert_as_metrics(run):
    scalars, texts = read(run)
    records = run.read_metrics()
    for (kind, name), tag in SCALARS.items():
        expected = [(each["step"], each[name]) for each in records if each["kind"] == kind]
        assert [step for step, _ in scalars[tag]] == [step for step, _ in expected]
        assert [v for _, v in scalars[tag]] == pytest.approx([v for _, v in expected], rel=1e-6)
    steps = [each["step"] for each in records if each["kind"] == "train"]
    assert [step for step, _ in scalars["train/tokens_per_second"]] == steps
    assert all(value > 0 for _, value in scalars["train/tokens_per_second"])
    ((tag, texts),) = texts.items()
    assert tag == "dev/translation/text_summary"
    assert [step for step, _ in texts] == [r["step"] for r in records if r["kind"] == "dev"]
    for step, text in texts:
        assert text.splitlines() == [
            "    source     two cats", f"    hypothesis *{step}* gatos", "    reference  dos gatos",
        ]  # fmt: skip


def test_its_files_hold_what_the_metrics_hold(tiny_llama, tmp_path):
    loop = scored_loop(tiny_llama, tmp_path)
    loop.train()
    assert_as_metrics(loop.run)


def test_training_is_the_same_with_and_without(tiny_llama, tmp_path):
    loops = [
        toy_loop(tiny_llama, tmp_path / str(on), tensorboard=on, max_steps=4)
        for on in (True, False)
    ]
    for loop in loops:
        loop.train()
    assert_same(*map(left_behind, loops))
    assert not loops[1].run.tensorboard.exists()


@pytest.mark.parametrize("at", [1, 5])
def test_a_resumed_run_shows_each_step_once(tiny_llama, tmp_path, at):
    """Killed after steps that no checkpoint holds, it takes them again."""
    first = scored_loop(tiny_llama, tmp_path, save_every=4)
    real = first._step

    def die(*arguments):
        real(*arguments)
        if first.state.step == at:
            raise RuntimeError("died")

    first._step = die
    with pytest.raises(RuntimeError, match="died"):
        first.train()
    second = scored_loop(tiny_llama, tmp_path, save_every=4)
    second.train()
    assert_as_metrics(second.run)


def test_a_run_begun_anew_shows_nothing_of_the_old_one(tiny_llama, tmp_path):
    first = scored_loop(tiny_llama, tmp_path)
    first._save = lambda: None
    stop_after(first, 5)
    with pytest.raises(Interrupted):
        first.train()
    second = scored_loop(tiny_llama, tmp_path, max_steps=3)
    second.train()
    assert_as_metrics(second.run)


def test_a_look_that_no_checkpoint_holds_is_shown_once(tiny_llama, tmp_path):
    first = scored_loop(tiny_llama, tmp_path, keep_best="chrf", save_every=100, dev_sample=1)
    real, score = first._look, first.score
    first.score = lambda model: Scored(-score(model).chrf, score(model).sample)  # never better

    def die(watch):
        real(watch)
        if first.state.step == 8:
            raise RuntimeError("died")

    first._look = die
    with pytest.raises(RuntimeError, match="died"):
        first.train()
    second = scored_loop(tiny_llama, tmp_path, save_every=100)
    second.train()
    assert_as_metrics(second.run)


def test_a_tensorboard_that_is_open_shows_no_step_twice_either(tiny_llama, tmp_path):
    first = scored_loop(tiny_llama, tmp_path, save_every=4)
    first._save = lambda: None
    stop_after(first, 5)
    with pytest.raises(Interrupted):
        first.train()
    open_one = reader.EventAccumulator(str(first.run.tensorboard)).Reload()
    assert len(open_one.Scalars("train/loss")) == 5
    second = scored_loop(tiny_llama, tmp_path)
    second.train()
    shown = [each.step for each in open_one.Reload().Scalars("train/loss")]
    assert shown == list(range(1, 13))


def test_an_event_cut_by_a_kill_goes(tmp_path):
    events = tensorboard.EventFiles(tmp_path, 0)
    for step in (1, 2):
        record = {"kind": "train", "loss": 3.0, "learning_rate": 1e-4, "gradient_norm": 1.0}
        events.record({"step": step, **record}, 9.0)
    events.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for left in (len(whole) - 1, len(whole) - 20, len(whole)):
        path.write_bytes(whole[:left])
        tensorboard.drop_from(tmp_path, 3)
        assert whole.startswith(path.read_bytes())
        assert (path.read_bytes() == whole) == (left == len(whole))
    tensorboard.drop_from(tmp_path, 1)
    assert 0 < path.stat().st_size < len(whole) / 2, "what says the version of its format"
    tensorboard.drop_from(tmp_path, 0)
    assert path.read_bytes() == b""


def test_without_the_library_the_way_to_it_is_named(tiny_llama, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "has_tensorboard", lambda: False)
    loop = toy_loop(tiny_llama, tmp_path, tensorboard=True)
    with pytest.raises(TrainingError, match=r"pip install -e '\.\[tensorboard\]'"):
        loop.train()
    assert not loop.run.metrics.exists()

"""The real command on a real terminal: the panel with a dev row's translation, and what is said."""

from __future__ import annotations

from cli.process import DUBASH
from screen import Screen, run_on_terminal


def test_a_training_shows_its_panel_with_a_translation(job):
    code, written = run_on_terminal([*DUBASH, "train", "recipe.yaml"], at=job)
    screen = Screen().feed(written)
    assert code == 0, screen
    assert screen.cursor_visible
    lines = str(screen).splitlines()
    (first,) = [at for at, line in enumerate(lines) if line.startswith("── train · step 4/4 · ")]
    labels = [line.split("  ")[1].strip() for line in lines[first + 2 : first + 9]]
    assert labels == [
        "loss", "dev loss", "dev chrF++", "memory", "source", "hypothesis", "reference",
    ]  # fmt: skip
    assert [line.split(" · ")[0] for line in lines[first - 3 : first]] == [
        "  step 0/4", "  step 2/4", "  step 4/4",
    ]  # fmt: skip
    assert lines[-1] == "the tuned model is in runs/first/model"
    rows = (job / "rows.csv").read_text(encoding="utf-8")
    source, reference = (lines[first + at].split("  ", 2)[2].strip() for at in (6, 8))
    assert source in rows
    assert reference in rows

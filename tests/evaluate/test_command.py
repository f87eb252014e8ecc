"""A user's own metric: a real program, given rows, refused where it does not give numbers."""

import json
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from dubash.core.errors import MetricError
from dubash.evaluate.command import CommandMetric
from dubash.evaluate.options import CommandOptions, EvaluateOptions
from dubash.evaluate.rowwise import Segment

ROWS = [
    Segment("Where is it?", "¿Dónde está?", "¿Dónde queda?"),
    Segment("Two\nlines", "Dos líneas", "Dos\nlíneas"),
    Segment("", "", "Sí"),
]

LENGTHS = """\
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(len(row["hypothesis"]) / len(row["reference"]))
"""


def metric(program: str, tmp_path: Path, **more: object) -> CommandMetric:
    script = tmp_path / "score.py"
    script.write_text(program, encoding="utf-8")
    options = {"name": "mine", "command": [sys.executable, str(script)], "higher_is_better": True}
    return CommandMetric(CommandOptions.model_validate({**options, **more}))


def test_it_gets_the_rows_and_its_numbers_are_the_scores(tmp_path: Path) -> None:
    found = metric(LENGTHS, tmp_path).score(ROWS)
    assert found.values == [12 / 13, 10 / 10, 0.0]
    assert found.signature.startswith("mine|command:")


def test_it_gets_exactly_the_three_texts_of_each_row(tmp_path: Path) -> None:
    copy = tmp_path / "given"
    program = f"import sys; rows = sys.stdin.read(); open({str(copy)!r}, 'w').write(rows)\n"
    metric(program + "for _ in rows.splitlines(): print(1)", tmp_path).score(ROWS)
    given = [json.loads(line) for line in copy.read_text(encoding="utf-8").splitlines()]
    assert given == [each._asdict() for each in ROWS]


def test_it_is_signed_by_its_words_and_its_files(tmp_path: Path) -> None:
    first = metric(LENGTHS, tmp_path).signature
    assert metric(LENGTHS, tmp_path).signature == first
    assert metric(LENGTHS + "# other\n", tmp_path).signature != first
    more = [sys.executable, str(tmp_path / "score.py"), "--fast"]
    assert metric(LENGTHS, tmp_path, command=more).signature != first
    assert metric(LENGTHS, tmp_path, name="other").signature.startswith("other|")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise SystemExit('no model here')", "ended with status 1. It said: no model here"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("print(1)", "printed 1 numbers for 3 rows"),
        ("print(1); print(2); print(3); print(4)", "printed 4 numbers for 3 rows"),
        ("print(1); print('NaN'); print(3)", "line 2 of its output is no finite number: 'NaN'"),
        ("print(1); print('-Infinity'); print(3)", "line 2 .* no finite number"),
        ("print('9' * 400); print(2); print(3)", "line 1 .* no finite number"),
        ("print(1); print(2); print('true')", "line 3 .* no finite number: 'true'"),
        ("print('score: 1'); print(2); print(3)", "line 1 .* no finite number: 'score: 1'"),
        ("print(1); print(); print(2); print(3)", "line 2 .* no finite number: ''"),
        ("print([1, 2, 3])", "line 1 .* no finite number"),
        ("import sys; sys.stdout.buffer.write(bytes([255, 10]))", "line 1 .* no finite number"),
    ],
)
def test_what_gives_no_number_for_each_row_is_refused(
    tmp_path: Path, program: str, words: str
) -> None:
    with pytest.raises(MetricError, match=f"evaluate.commands, mine: .*{words}"):
        metric(program, tmp_path).score(ROWS)


def test_it_is_ended_where_it_takes_or_writes_too_much(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match="took more than 1 seconds, and was ended"):
        metric("import time; time.sleep(600)", tmp_path, timeout=1).score(ROWS)
    endless = "while True: print(1)"
    with pytest.raises(MetricError, match=r"more than 1,048,576 bytes to standard output"):
        metric(endless, tmp_path).score(ROWS)


def test_a_program_that_is_not_there_is_told_beforehand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = metric(LENGTHS, tmp_path, command=["no-such-program", "x"])
    with pytest.raises(MetricError, match="no program 'no-such-program'"):
        missing.check()
    with pytest.raises(MetricError, match="cannot be started"):
        missing.score(ROWS)
    assert metric(LENGTHS, tmp_path).check() is None
    assert "mine will be computed by:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"command": "python score.py"}, "a list of words"),
        ({"command": []}, "at least 1"),
        ({"name": "BLEU"}, "a metric that dubash has"),
        ({"name": "two words"}, "pattern"),
        ({"higher_is_better": None}, "bool"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], words: str) -> None:
    good = {"name": "mine", "command": ["true"], "higher_is_better": True}
    CommandOptions.model_validate(good)
    with pytest.raises(ValidationError, match=words):
        CommandOptions.model_validate({**good, **settings})


def test_which_way_is_better_must_be_said_and_names_are_of_one_each() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        CommandOptions.model_validate({"name": "mine", "command": ["true"]})
    one = {"name": "mine", "command": ["true"], "higher_is_better": True}
    with pytest.raises(ValidationError, match="two commands have the same name"):
        EvaluateOptions.model_validate({"commands": [one, one]})


@pytest.mark.parametrize(
    ("metrics", "words"),
    [(["bleu"], "always computed"), (["chrf++", "chrf++"], "twice"), (["chrf++", "bleurt"], "ter")],
)
def test_metrics_are_known_ones_with_chrf_among_them(metrics: list[str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EvaluateOptions.model_validate({"metrics": metrics})

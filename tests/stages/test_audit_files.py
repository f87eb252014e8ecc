"""`dubash audit` of plain files: bad rows are told by the user's own line numbers, everywhere."""

import json

import pytest

from dubash.core.errors import ComparisonError, DataError, UserError
from dubash.core.files import read_json, read_jsonl
from dubash.core.run import RunFolder
from dubash.stages import audit as stage
from dubash.stages.audit import audit
from dubash.stages.audit.asked import Asked
from stages.audits import QUICK, asked, lines

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
SOURCES = [
    f"The {a} birds saw {b} cats by the river" for a in NUMBERS for b in [*NUMBERS, "no", "my"]
]
TARGETS = [f"Pájaros {a}, y también gatos {b}, vistos junto al río" for a in NUMBERS
           for b in [*NUMBERS, "no", "my"]]  # fmt: skip


@pytest.fixture
def given(tmp_path):
    """An audit of 120 translations that are right but for what a test puts in."""

    def make(train: str = "", **other) -> Asked:
        texts = {**dict(enumerate(TARGETS, start=1)), **other.pop("wrong", {})}
        (tmp_path / "train.tsv").write_text(f"source\ttarget\nWell?\t¿Bien?\n{train}")
        files = {
            "sources": lines(tmp_path / "s.en", SOURCES),
            "references": lines(tmp_path / "r.es", TARGETS),
            "hypotheses": lines(tmp_path / "out.es", list(texts.values())),
            "train": (tmp_path / "train.tsv",),
        }
        return Asked("en", "es", tmp_path / "audited", **{**files, **other})

    return make


def told(out) -> list[str]:
    """The findings as the terminal writes them."""
    starts = ("FAULT    ", "CAUTION  ")
    return [line.partition(": ")[2] for line in out.splitlines() if line.startswith(starts)]


def in_markdown(file) -> list[str]:
    text = file.read_text(encoding="utf-8").replace("\\", "")
    starts = ("- fault: ", "- caution: ")
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith(starts)]


def test_bad_rows_are_told_by_line_where_a_leaked_one_is_left_out(given, capsys):
    loop = "el río " * 30
    wrong = {20: "", 30: "", 40: loop, 11: loop}
    one = given(train=f"{SOURCES[4]}\t{TARGETS[4]}\n", wrong=wrong)  # line 5
    assert audit(one, []) == 4
    found = told(capsys.readouterr().out)
    assert "S1: empty, on 2 of 119 rows (1.7%): lines 20, 30." in found
    assert "S1: repetition loop, on 2 of 119 rows (1.7%): lines 11, 40." in found
    assert "S1 has a fault of some kind on 4 of 119 rows (3.4%)." in found
    assert [row["line"] for row in read_jsonl(one.out / "rows.jsonl")][3:5] == [4, 6]
    kept = read_json(one.out / "audit.json")["findings"]
    assert found == in_markdown(one.out / "report.md") == [each["text"] for each in kept]


def test_lines_are_those_of_a_table_with_a_header(given, tmp_path):
    rows = [f"{source}\t{target}" for source, target in zip(SOURCES, TARGETS, strict=True)]
    table = lines(tmp_path / "test.tsv", ["source\ttarget", *rows])
    one = given(wrong={20: ""}, sources=None, references=None, test=table)
    assert audit(one, []) == 0
    assert "rows (0.8%): line 21." in (one.out / "report.md").read_text(encoding="utf-8")


def test_a_file_without_faults_has_little_to_worry_about(given, capsys):
    one = given()
    assert audit(one, []) == 0
    (only,) = told(capsys.readouterr().out)
    assert only.startswith("One file of translations: ")
    page = (one.out / "report.html").read_text(encoding="utf-8")
    assert "S1 (out.es) at 100.0 chrF++, with nothing to compare it with" in page
    assert json.loads((one.out / "audit.json").read_text())["findings"][0]["about"] == "one seed"


def test_few_rows_are_a_fault_on_the_terminal_too(given, tmp_path, capsys):
    few = {"sources": SOURCES, "references": TARGETS, "hypotheses": TARGETS}
    files = {name: lines(tmp_path / name, texts[:39]) for name, texts in few.items()}
    assert audit(given(**files), []) == 4
    assert "FAULT    few rows: 39 test rows only" in capsys.readouterr().out


# -- what is refused leaves nothing --------------------------------------------------------------


def test_a_refused_audit_leaves_no_folder_and_says_what_was_set_aside(given, tmp_path):
    one = given(references=lines(tmp_path / "gap.es", ["", *TARGETS[1:]]))
    with pytest.raises(ComparisonError, match=r"119 test rows \(s\.en:1 \(empty\) set aside\)"):
        audit(one, [])
    assert not one.out.exists()
    with pytest.raises(DataError, match="no such file"):
        audit(given(base_hypotheses=tmp_path / "none.es"), [])
    assert not one.out.exists()


def test_a_folder_that_was_there_stays(given, tmp_path):
    one = given(hypotheses=lines(tmp_path / "short.es", ["Hola"]))
    one.out.mkdir()
    (one.out / "note.txt").write_text("mine")
    with pytest.raises(ComparisonError):
        audit(one, [])
    assert [each.name for each in one.out.iterdir()] == ["note.txt"]


def test_what_a_model_has_translated_stays(rows, small_model, tmp_path, monkeypatch):
    def refuse(*_):
        raise UserError("refused late")

    monkeypatch.setattr(stage, "compare_systems", refuse)
    given = asked(rows, tmp_path / "out", base=str(small_model))
    with pytest.raises(UserError, match="refused late"):
        audit(given, [*QUICK, "evaluate.few_shot=0"])
    assert RunFolder(tmp_path / "out").hypotheses("S0").exists()

"""`dubash glossary lint` as a process: what goes where, and the exit codes that CI goes by."""

from __future__ import annotations

import pytest

from cli.process import assert_one_error, dubash

LINT = ("glossary", "lint", "terms.tsv", "--source", "en", "--target", "es")


@pytest.fixture
def terms(tmp_path):
    (tmp_path / "terms.tsv").write_text("file\tarchivo\nscreen\tpantalla\n", encoding="utf-8")
    return tmp_path


def test_a_glossary_without_faults_exits_with_0(terms):
    done = dubash(*LINT, at=terms)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "2 entries: nothing found\n"


def test_findings_are_printed_and_exit_with_1(terms):
    (terms / "terms.tsv").write_text("file\tarchivo\nFile\tlima\n", encoding="utf-8")
    done = dubash(*LINT, at=terms)
    assert done.returncode == 1
    assert done.stdout.startswith("terms.tsv:2: 'File' → 'lima': terms.tsv:1 translates it as")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"terms.tsv": "nothing.tsv"}, ["nothing.tsv: no such file"]),
        ({"terms.tsv": "terms.docx"}, ["terms.docx", "none of a glossary"]),
        ({"es": "spanish"}, ["unknown language code 'spanish'"]),
    ],
)
def test_what_cannot_be_read_exits_with_2(terms, changes, words):
    (terms / "terms.docx").write_bytes(b"PK")
    assert_one_error(dubash(*(changes.get(each, each) for each in LINT), at=terms), *words)


def test_its_help_says_what_the_exit_code_means(terms):
    done = dubash("glossary", "lint", "--help", at=terms)
    assert "exits with 1" in " ".join(done.stdout.split())


def test_files_are_evaluated_by_their_terms(terms):
    for name, text in (("out", "el fichero"), ("ref", "el archivo"), ("src", "the file")):
        (terms / name).write_text(f"{text}\n", encoding="utf-8")
    options = {"hypotheses": "out", "references": "ref", "sources": "src", "target": "es"}
    given = [word for key, value in options.items() for word in (f"--{key}", value)]
    done = dubash("evaluate", *given, "--source", "en", "--glossary", "terms.tsv", at=terms)
    assert done.returncode == 0, done.stderr
    assert "terms of terms.tsv, 1 place in the sources:" in done.stdout
    assert "  out        0.0 [0.0, 0.0], 0" in done.stdout
    assert_one_error(dubash("evaluate", *given, "--glossary", "terms.tsv", at=terms), "--source")
    assert_one_error(dubash("evaluate", "runs/x", "--glossary", "terms.tsv", at=terms), "not both")

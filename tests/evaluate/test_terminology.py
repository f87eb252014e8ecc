"""Terminology accuracy in a comparison: counts, intervals, differences, and what a row says."""

from pathlib import Path

import pytest

from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.comparison import Comparison, compare
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import System
from dubash.evaluate.table import WIDTH, scores_table
from dubash.evaluate.terminology import add_terminology, signature
from dubash.memory.entry import TermEntry
from dubash.memory.glossary import Glossary, read_glossary

PAIR = LanguagePair(language("en"), language("es"))
FAST = EvaluateOptions(bootstrap_samples=200)
ENTRIES = (
    TermEntry("clinic", ("clínica",), ("consultorio",), origin="terms.csv:2"),
    TermEntry("bus", ("autobús",), ("bus", "camión"), origin="terms.csv:3"),
    TermEntry("ticket", ("boleto",), origin="terms.csv:4"),
    TermEntry("airport", ("aeropuerto",), origin="terms.csv:5"),
)
ROWS = [
    Pair("Where is the clinic?", "¿Dónde está la clínica?"),
    Pair("The bus is late; the next bus too.", "El autobús llega tarde; el siguiente también."),
    Pair("I need two tickets.", "Necesito dos boletos."),
    Pair("Can you repeat that?", "¿Puede repetir eso?"),
]
UNTUNED = [
    "¿Dónde está el consultorio?\nIt is a clínica.",
    "El bus llega tarde; el bus también.",
    "Necesito dos tickets.",
    "¿Puede repetir eso?",
]
TUNED = [row.target for row in ROWS]


def glossary(entries: tuple[TermEntry, ...] = ENTRIES) -> Glossary:
    return Glossary("terms.csv", PAIR, entries, (), "f" * 64)


def system(name: str, texts: list[str]) -> System:
    found = [Hypothesis(text, "end", 10, 0.5) for text in texts]
    return System(name, f"label of {name}", [row.source for row in ROWS], found)


def compared(systems: list[System], terms: Glossary) -> Comparison:
    return add_terminology(compare(ROWS, systems, PAIR, FAST), ROWS, systems, terms, FAST)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compared([system("S0", UNTUNED), system("S1", TUNED)], glossary())


def test_each_system_and_the_references_are_counted(found: Comparison) -> None:
    counted = {each["name"]: each["terminology"] for each in found.scores["systems"]}
    assert {
        name: (each["right"], each["occurrences"], each["forbidden"])
        for name, each in counted.items()
    } == {"S0": (1, 4, 3), "S0-cut": (0, 4, 3), "S1": (3, 4, 0)}
    assert [each["value"] for each in counted.values()] == [25, 0, 75]
    for each in counted.values():
        assert 0 <= each["low"] <= each["value"] <= each["high"] <= 100
        assert each["signature"] == signature(glossary())
    about = found.scores["terminology"]
    assert about["reference"] == {"value": 75, "right": 3, "occurrences": 4, "forbidden": 0}
    assert (about["glossary"], about["entries"], about["rows_with_terms"]) == ("terms.csv", 4, 3)


def test_the_signature_names_the_glossary_by_its_hash_and_the_rules() -> None:
    assert signature(glossary()) == (
        "terms|glossary:ffffffffffffffff|pair:en-es|rules:1|unit:occurrence|overlaps:longest"
    )


def test_the_gain_is_over_the_better_untuned_form(found: Comparison) -> None:
    difference = found.scores["differences"]["S1"]["terminology"]
    assert (difference["against"], difference["value"]) == ("S0", 50)
    assert difference["low"] <= 50 <= difference["high"]
    assert 0 < difference["p"] <= 1
    assert set(found.scores["differences"]["S1"]) == {"bleu", "chrf++", "terminology"}


def test_the_same_system_twice_makes_no_difference() -> None:
    again = compared([system("S0", TUNED), system("S1", TUNED)], glossary())
    difference = again.scores["differences"]["S1"]["terminology"]
    assert (difference["value"], difference["low"], difference["high"]) == (0, 0, 0)
    assert difference["p"] == 1


def test_each_term_that_occurs_has_its_line(found: Comparison) -> None:
    lines = {each["source"]: each for each in found.scores["terminology"]["terms"]}
    assert list(lines) == ["bus", "clinic", "ticket"]  # the commonest first; no airport anywhere
    bus = lines["bus"]
    assert (bus["occurrences"], bus["reference_right"], bus["origin"]) == (2, 1, "terms.csv:3")
    assert (bus["targets"], bus["forbidden"]) == (["autobús"], ["bus", "camión"])
    assert bus["systems"] == {
        "S0": {"right": 0, "forbidden": 2},
        "S0-cut": {"right": 0, "forbidden": 2},
        "S1": {"right": 1, "forbidden": 0},
    }


def test_a_row_says_which_terms_were_missed_and_which_are_forbidden(found: Comparison) -> None:
    first, second, _, last = (row["systems"] for row in found.rows)
    assert first["S0"]["flags"] == ["over_generation", "term_forbidden"]  # it has a second line
    assert first["S0"]["terms"] == {"term_forbidden": ["clinic"]}
    assert first["S0-cut"]["terms"] == {"term_missed": ["clinic"], "term_forbidden": ["clinic"]}
    assert second["S0"]["terms"]["term_missed"] == ["bus", "bus"]
    assert second["S1"]["terms"] == {"term_missed": ["bus"]}
    assert last["S0"]["flags"] == []
    assert last["S0"]["terms"] == {}
    for each in found.scores["systems"]:  # flags of behaviour are counted as before
        assert not any(name.startswith("term") for name in each["behaviour"])


def test_other_scores_are_left_as_they_are(found: Comparison) -> None:
    plain = compare(ROWS, [system("S0", UNTUNED), system("S1", TUNED)], PAIR, FAST)
    for before, after in zip(plain.scores["systems"], found.scores["systems"], strict=True):
        assert {**after, "terminology": None} == {**before, "terminology": None}
    assert [row["gain"] for row in plain.rows] == [row["gain"] for row in found.rows]


def test_where_no_term_occurs_there_is_no_value(found: Comparison) -> None:
    none = compared([system("S0", UNTUNED), system("S1", TUNED)], glossary(ENTRIES[3:]))
    for each in none.scores["systems"]:
        assert each["terminology"]["value"] is each["terminology"]["low"] is None
        assert each["terminology"]["occurrences"] == 0
    assert "terminology" not in none.scores["differences"]["S1"]
    assert none.scores["terminology"]["terms"] == []
    assert "terms: none of terms.csv stands in the sources" in scores_table(none.scores)


def test_the_files_can_be_written_and_read_back(found: Comparison, tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", found.scores)
    write_jsonl(tmp_path / "rows.jsonl", found.rows)
    assert read_json(tmp_path / "scores.json") == found.scores
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == found.rows


def test_the_closing_table_says_how_far_each_keeps_to_the_glossary(found: Comparison) -> None:
    lines = scores_table(found.scores).splitlines()
    assert max(map(len, lines)) <= WIDTH
    start = next(at for at, line in enumerate(lines) if line.startswith("terms of terms.csv"))
    assert lines[start] == "terms of terms.csv, 4 places in the sources:"
    assert lines[start + 2].split()[:2] == ["S0", "25.0"]
    assert lines[start + 2].endswith(", 3")
    assert lines[start + 5].split() == ["references", "75.0,", "0"]
    assert any(line.startswith("  terms") and line.endswith("against S0") for line in lines)


def test_two_references_of_real_rows_keep_to_a_real_glossary_about_alike(shared_data: Path) -> None:
    """The second reference is the first one revised: it keeps to as many terms, to a point."""
    texts = [
        (shared_data / f"en-es.{name}.tsv").read_text(encoding="utf-8").splitlines()
        for name in ("ntrex128", "ntrex128-ref2")
    ]
    rows = [Pair(*line.split("\t")) for line in texts[0]]
    second = [Hypothesis(line.split("\t")[1], "end", 1, 1.0) for line in texts[1]]
    other = System("other", "", [row.source for row in rows], second)
    path = shared_data / "en-es.glossary-cldr.tsv"
    terms = read_glossary(path, path.name, PAIR)
    plain = compare(rows, [other], PAIR, FAST)
    found = add_terminology(plain, rows, [other], terms, FAST).scores
    reference = found["terminology"]["reference"]
    assert reference["occurrences"] > 1000
    assert 50 < reference["value"] < 60
    assert found["systems"][0]["terminology"]["value"] == pytest.approx(reference["value"], abs=1)

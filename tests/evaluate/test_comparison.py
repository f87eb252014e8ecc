"""Systems on the same rows: what is refused, what the baseline is, what the files hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubash.core.errors import ComparisonError
from dubash.core.files import read_json, read_jsonl, write_json, write_jsonl
from dubash.core.languages import LanguagePair, language
from dubash.core.types import Hypothesis, Pair
from dubash.data.splits import fingerprint
from dubash.evaluate.behaviour import FLAGS
from dubash.evaluate.comparison import Comparison, compare
from dubash.evaluate.metrics import chrf
from dubash.evaluate.options import EvaluateOptions
from dubash.evaluate.systems import System, cut_at_first_line
from dubash.evaluate.table import WIDTH, scores_table

PAIR = LanguagePair(language("en"), language("es"))
FAST = EvaluateOptions(bootstrap_samples=100)
ROWS = [
    Pair("Where is the clinic?", "¿Dónde está la clínica?", "clinic", "file:1"),
    Pair("The bus is late today.", "El autobús llega tarde hoy.", "travel", "file:2"),
    Pair("I need two tickets.", "Necesito dos boletos.", "travel", "file:3"),
    Pair("Can you repeat that?", "¿Puede repetir eso?", "phone", "file:4"),
]
UNTUNED = (
    "¿Dónde es la clínica?",
    "El bus es tarde hoy.",
    "Yo necesito dos tickets.",
    "¿Puedes repetir?",
)
CHATTY = [f"{text}\n\nI hope this helps you with your translation." for text in UNTUNED]
TUNED = [row.target for row in ROWS[:3]] + ["¿Puede repetirlo?"]


def system(name: str, texts: list[str], rows: list[Pair] = ROWS, stop: str = "end") -> System:
    found = [Hypothesis(text, stop, 10, 0.5) for text in texts]  # type: ignore[arg-type]
    return System(name, f"label of {name}", [row.source for row in rows], found)


@pytest.fixture(scope="module")
def compared() -> Comparison:
    s0 = system("S0", CHATTY, stop="limit")
    return compare(ROWS, [s0, system("S1", TUNED)], PAIR, FAST, ["I hope this helps"])


def test_every_system_is_scored_and_the_cut_one_derived(compared: Comparison) -> None:
    scores = compared.scores
    assert [each["name"] for each in scores["systems"]] == ["S0", "S0-cut", "S1"]
    assert scores["systems"][1]["label"] == "label of S0, cut at its first line"
    for each in scores["systems"]:
        texts = [row["systems"][each["name"]]["text"] for row in compared.rows]
        assert each["scores"]["chrf++"]["value"] == chrf(texts, [row.target for row in ROWS])
        for score in each["scores"].values():
            assert score["low"] <= score["high"]
            assert "version:" in score["signature"]
    assert (scores["rows"], scores["source_language"], scores["target_language"]) == (4, "en", "es")
    assert scores["bootstrap"] == {"samples": 100, "seed": 12345, "confidence": 0.95}


def test_the_gain_is_claimed_over_the_better_untuned_form(compared: Comparison) -> None:
    scores = {each["name"]: each["scores"] for each in compared.scores["systems"]}
    assert scores["S0-cut"]["chrf++"]["value"] > scores["S0"]["chrf++"]["value"]
    assert compared.scores["baseline"] == "S0-cut"
    assert list(compared.scores["differences"]) == ["S1"]
    difference = compared.scores["differences"]["S1"]
    assert set(difference) == {"bleu", "chrf++"}
    for metric in ("bleu", "chrf++"):
        assert difference[metric]["against"] == "S0-cut"
        gain = scores["S1"][metric]["value"] - scores["S0-cut"][metric]["value"]
        assert difference[metric]["value"] == gain
        assert set(difference[metric]) == {"against", "value", "low", "high", "p"}
    assert difference["chrf++"]["low"] > 0


def test_where_cutting_loses_the_raw_form_is_the_baseline() -> None:
    texts = [f"Sure!\n{row.target}" for row in ROWS]
    found = compare(ROWS, [system("S0", texts), system("S1", TUNED)], PAIR, FAST).scores
    assert found["baseline"] == "S0"
    assert {each["against"] for each in found["differences"]["S1"].values()} == {"S0"}
    same = compare(ROWS, [system("S0", TUNED)], PAIR, FAST).scores
    assert (same["baseline"], same["differences"]) == ("S0", {})


def test_by_each_metric_the_form_that_is_better_by_that_metric_is_the_baseline() -> None:
    """A second line with the rest of the answer: BLEU is better without it, chrF++ with it."""
    texts = [
        "¿Dónde está la clínica?\nx x x x x x",
        "El autobús llega tarde hoy.\nx x x x x x",
        "boletos\nNecesito dos boletos.",
        "eso\n¿Puede repetir eso?",
    ]
    found = compare(ROWS, [system("S0", texts), system("S1", TUNED)], PAIR, FAST)
    scores = {each["name"]: each["scores"] for each in found.scores["systems"]}
    better = {
        metric: max(("S0", "S0-cut"), key=lambda name: scores[name][metric]["value"])
        for metric in ("chrf++", "bleu")
    }
    assert better == {"chrf++": "S0", "bleu": "S0-cut"}
    difference = found.scores["differences"]["S1"]
    for metric, form in better.items():
        assert difference[metric]["against"] == form
        gain = scores["S1"][metric]["value"] - scores[form][metric]["value"]
        assert difference[metric]["value"] == gain
    assert found.scores["baseline"] == better["chrf++"]
    row = found.rows[0]["systems"]
    assert found.rows[0]["gain"] == row["S1"]["chrf"] - row["S0"]["chrf"]
    lines = scores_table(found.scores).splitlines()
    assert [line.strip().split()[0] for line in lines if line.endswith("against S0")] == ["chrF++"]
    assert [line.strip().split()[0] for line in lines if line.endswith("against S0-cut")] == [
        "BLEU"
    ]


def test_ter_is_better_where_it_is_lower() -> None:
    """Chatter after the first line costs edits: cut, S0 is better by every metric."""
    three = EvaluateOptions(bootstrap_samples=100, metrics=("bleu", "chrf++", "ter"))
    found = compare(ROWS, [system("S0", CHATTY), system("S1", TUNED)], PAIR, three).scores
    scores = {each["name"]: each["scores"]["ter"] for each in found["systems"]}
    assert scores["S0"]["value"] > scores["S0-cut"]["value"] > scores["S1"]["value"]
    assert all(each["higher_is_better"] is False for each in scores.values())
    difference = found["differences"]["S1"]["ter"]
    assert difference["against"] == "S0-cut"
    assert difference["value"] == scores["S1"]["value"] - scores["S0-cut"]["value"] < 0
    assert difference["low"] <= difference["value"] <= difference["high"]


def test_a_metric_that_was_not_asked_for_is_not_there() -> None:
    one = EvaluateOptions(bootstrap_samples=100, metrics=("chrf++",))
    found = compare(ROWS, [system("S0", CHATTY), system("S1", TUNED)], PAIR, one).scores
    assert set(found["differences"]["S1"]) == {"chrf++"}
    assert all(set(each["scores"]) == {"chrf++"} for each in found["systems"])


def test_ter_stays_blank_for_a_language_without_spaces() -> None:
    options = EvaluateOptions(bootstrap_samples=100, metrics=("chrf++", "ter"))
    rows = [Pair("Hello", "สวัสดี"), Pair("Yes", "ใช่")]
    systems = [system(name, ["สวัสดี", "ไม่"], rows) for name in ("S0", "S1")]
    found = compare(rows, systems, language("th"), options).scores
    blank = found["systems"][0]["scores"]["ter"]
    assert blank["value"] is None
    assert "Thai is written without spaces" in blank["why"]
    assert "ter" not in found["differences"]["S1"]


def test_stops_behaviour_and_speed_are_counted(compared: Comparison) -> None:
    raw, cut, tuned = compared.scores["systems"]
    assert raw["stops"] == {"end": 0, "limit": 4, "stop_string": 0}
    assert cut["stops"] == {"end": 0, "limit": 0, "stop_string": 4}
    assert raw["behaviour"]["no_end"] == raw["behaviour"]["prompt_left_over"] == 4
    judged = [flag for flag in FLAGS if flag != "mimicry"]  # nobody said what S1 learnt
    assert cut["behaviour"] == tuned["behaviour"] == dict.fromkeys(judged, 0)
    characters = sum(map(len, TUNED)) / sum(len(row.target) for row in ROWS)
    assert tuned["length_ratio"] == pytest.approx(characters)
    assert (tuned["tokens"], tuned["seconds"]) == (40, 2.0)
    assert (tuned["tokens_per_second"], tuned["segments_per_second"]) == (20, 2)
    assert tuned["seconds_per_segment"] == 0.5


def test_rows_hold_every_text_with_its_flags_score_and_gain(compared: Comparison) -> None:
    row = compared.rows[0]
    assert set(row) == {"row", "source", "reference", "document", "systems", "gain"}
    assert (row["row"], row["reference"], row["document"]) == (0, ROWS[0].target, "clinic")
    assert row["systems"]["S0"]["flags"][0] == "no_end"
    assert row["systems"]["S0"]["evidence"]["prompt_left_over"] == "I hope this helps"
    assert row["systems"]["S1"] == {
        "text": TUNED[0], "stop": "end", "flags": [], "evidence": {}, "chrf": 100.0,
    }  # fmt: skip
    assert row["gain"] == 100 - row["systems"]["S0-cut"]["chrf"] > 0


def test_with_the_training_rows_mimicry_is_counted_and_shown() -> None:
    learnt = Pair(
        "The minister presented the new budget on Monday.",
        "El ministro presentó el lunes los nuevos presupuestos.",
    )
    systems = [system("S0", list(UNTUNED)), system("S1", [learnt.target, *TUNED[1:]])]
    found = compare(ROWS, systems, PAIR, FAST, training=[learnt])
    assert [each["behaviour"]["mimicry"] for each in found.scores["systems"]] == [0, 0, 1]
    shown = found.rows[0]["systems"]["S1"]["evidence"]["mimicry"]
    assert shown.endswith(f"← {learnt.source} → {learnt.target}")


def test_the_files_can_be_written_and_read_back(compared: Comparison, tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", compared.scores)
    write_jsonl(tmp_path / "rows.jsonl", compared.rows)
    assert read_json(tmp_path / "scores.json") == compared.scores
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == compared.rows


def test_the_same_input_gives_the_same_numbers(compared: Comparison) -> None:
    s0 = system("S0", CHATTY, stop="limit")
    assert compare(ROWS, [s0, system("S1", TUNED)], PAIR, FAST, ["I hope this helps"]) == compared


def test_later_systems_are_each_compared() -> None:
    systems = [system("S0", CHATTY), system("S1", TUNED), system("S2", TUNED)]
    found = compare(ROWS, systems, PAIR, FAST).scores
    assert found["differences"]["S1"] == found["differences"]["S2"]
    assert "S2 against S0, in" in scores_table(found)


def test_a_plain_file_has_no_baseline_and_claims_no_speed() -> None:
    texts = [Hypothesis(text, "end", 0, 0.0) for text in TUNED]
    plain = System("file", "out.es", [row.source for row in ROWS], texts, measured=False)
    found = compare(ROWS, [plain], language("es"), FAST)
    assert (found.scores["source_language"], found.scores["target_language"]) == (None, "es")
    assert "4 rows, es; 95%" in scores_table(found.scores)
    assert (found.scores["baseline"], found.scores["differences"]) == (None, {})
    only = found.scores["systems"][0]
    assert only["stops"] == {}
    assert "no_end" not in only["behaviour"]
    assert only["tokens"] is only["tokens_per_second"] is only["seconds_per_segment"] is None
    assert found.rows[0]["gain"] is None
    assert found.rows[0]["systems"]["file"]["stop"] is None
    assert "–" in scores_table(found.scores)


def test_fewer_rows_are_refused_with_counts_and_place() -> None:
    with pytest.raises(
        ComparisonError, match=r"S1 has 3 rows, the test set 4; row 4 stands in one"
    ):
        compare(ROWS, [system("S0", CHATTY), system("S1", TUNED[:3], ROWS[:3])], PAIR, FAST)


def test_other_rows_are_refused_naming_the_first() -> None:
    other = [*ROWS[:2], Pair("I need three tickets.", "x"), ROWS[3]]
    with pytest.raises(
        ComparisonError,
        match=r"4 rows, the test set 4; row 3 is the first to differ: 'I need three tickets.' "
        r"against 'I need two tickets.'",
    ):
        compare(ROWS, [system("S1", TUNED, other)], PAIR, FAST)
    with pytest.raises(ComparisonError, match="row 1 is the first to differ"):
        compare(ROWS, [system("S1", TUNED, ROWS[::-1])], PAIR, FAST)


def test_what_cannot_be_compared_is_refused() -> None:
    s0, s1 = system("S0", CHATTY), system("S1", TUNED)
    with pytest.raises(ComparisonError, match="no rows"):
        compare([], [s1], PAIR, FAST)
    with pytest.raises(ComparisonError, match="no system"):
        compare(ROWS, [], PAIR, FAST)
    with pytest.raises(ComparisonError, match="two systems are named S1"):
        compare(ROWS, [s1, s1], PAIR, FAST)
    with pytest.raises(ComparisonError, match="two systems are named S0-cut"):
        compare(ROWS, [s0, system("S0-cut", TUNED)], PAIR, FAST)
    with pytest.raises(ComparisonError, match="3 hypotheses for 4 sources"):
        compare(ROWS, [System("S1", "", s1.sources, s1.hypotheses[:3])], PAIR, FAST)
    blank = [Pair(row.source, " ") for row in ROWS]
    with pytest.raises(ComparisonError, match="every reference is empty"):
        compare(blank, [s1], PAIR, FAST)


def test_the_fingerprint_is_that_of_the_frozen_split(compared: Comparison) -> None:
    assert compared.scores["rows_fingerprint"] == fingerprint(ROWS) != fingerprint(ROWS[::-1])


@pytest.mark.parametrize(
    ("text", "stop", "cut", "after"),
    [
        ("Hola", "end", "Hola", "end"),
        ("Hola", "limit", "Hola", "limit"),
        ("\n \nHola\nmás", "end", "Hola", "stop_string"),
        ("Hola\n\n", "end", "Hola", "end"),
        ("Hola\n\n", "limit", "Hola", "stop_string"),
        ("Hola\r\nmás", "limit", "Hola", "stop_string"),
        ("\n\n", "limit", "", "limit"),
        ("", "end", "", "end"),
    ],
)
def test_cutting_keeps_the_first_line_that_says_something(
    text: str, stop: str, cut: str, after: str
) -> None:
    found = cut_at_first_line(Hypothesis(text, stop, 7, 0.3))  # type: ignore[arg-type]
    assert found == Hypothesis(cut, after, 7, 0.3)  # type: ignore[arg-type]


@given(st.text(alphabet=st.sampled_from("aあ \n\r\t")))
def test_a_cut_text_is_one_line_and_empty_only_where_there_was_nothing(text: str) -> None:
    cut = cut_at_first_line(Hypothesis(text, "limit", 1, 0.1)).text
    assert "\n" not in cut
    assert cut == cut.strip()
    assert bool(cut) == bool(text.strip())
    assert cut in text


def test_the_table_fits_and_says_what_counts(compared: Comparison) -> None:
    table = scores_table(compared.scores)
    lines = table.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[0] for line in lines[1:4]] == ["S0", "S0-cut", "S1"]
    assert lines[3].endswith("100%   0.98     20.0")
    assert "S1 against S0, in its best form by each metric:" in lines
    assert "4 rows, en → es; 95% intervals" in lines[-1]
    assert "95% intervals" in lines[-1]
    chrf_line = next(line for line in lines if line.startswith("  chrF++"))
    assert "[+" in chrf_line
    assert "p = " in chrf_line


def test_a_long_label_goes_on_below_and_nothing_is_cut(compared: Comparison) -> None:
    label = "untuned model, shown training rows first, cut at its first line"
    named = {"name": "S0-shots-cut", "label": label}
    systems = [{**each, **(named if each["name"] == "S0-cut" else {})}
               for each in compared.scores["systems"]]  # fmt: skip
    table = scores_table({**compared.scores, "systems": systems})
    assert max(map(len, table.splitlines())) <= WIDTH
    assert f"S0-shots-cut {label}" in " ".join(table.split())
    assert "…" not in table


def test_a_very_long_name_is_cut_in_the_table_and_whole_below(compared: Comparison) -> None:
    systems = [{**each, "name": each["name"] + "x" * 60} for each in compared.scores["systems"]]
    table = scores_table({**compared.scores, "systems": systems, "differences": {}})
    assert table.splitlines()[1].split()[0].endswith("…")
    assert table.splitlines()[1].endswith("20.0")
    assert "S0" + "x" * 60 in table

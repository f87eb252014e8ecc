"""Questions: the shipped set holds together, and a broken file says where and what."""

import json

import pytest

from dubash.core.errors import DataError
from dubash.core.languages import language, script_share
from dubash.evaluate.probe.questions import (
    PARAPHRASES,
    admissions,
    read_questions,
    shipped,
    shipped_languages,
)
from dubash.evaluate.probe.said import first_said

SHIPPED = {code: [each.question for each in shipped([code])] for code in ("en", "hi", "kn")}
GOOD = {
    "id": "capital",
    "language": "en",
    "topic": "capital",
    "question": "What is the capital of Karnataka?",
    "accept": ["Bengaluru"],
}


def test_the_set_ships_in_three_languages_with_the_same_questions():
    assert shipped_languages() == ["en", "hi", "kn"]
    keys = [
        [(each.id, each.topic, each.expects, each.as_of, bool(each.accept)) for each in questions]
        for questions in SHIPPED.values()
    ]
    assert keys[0] == keys[1] == keys[2]
    assert 15 <= len(keys[0]) <= 25
    topics = {each.topic for each in SHIPPED["en"]}
    assert topics == {"identity", "capital", "chief_minister", "language", "unknown"}


@pytest.mark.parametrize("code", ["en", "hi", "kn"])
def test_each_shipped_question_has_five_paraphrases_in_its_language(code):
    for each in SHIPPED[code]:
        assert len(each.paraphrases) == PARAPHRASES
        assert each.language == each.expected == code
        for text in each.wordings:
            assert script_share(text, language(code).scripts) > 0.6, text


@pytest.mark.parametrize("code", ["en", "hi", "kn"])
def test_what_is_accepted_is_in_the_language_s_script(code):
    phrases = [*admissions()[code]]
    phrases += [phrase for each in SHIPPED[code] for phrase in (*each.accept, *each.reject)]
    for phrase in phrases:
        assert script_share(phrase, language(code).scripts) in (1, None), phrase
    assert all(first_said([phrase], phrase.removesuffix("*"), code) == phrase for phrase in phrases)


@pytest.mark.parametrize("code", ["en", "hi", "kn"])
def test_what_is_rejected_is_not_accepted(code):
    for each in SHIPPED[code]:
        assert not any(first_said(each.accepted, phrase, code) for phrase in each.reject)


def test_facts_that_change_carry_their_day():
    dated = {each.topic for each in SHIPPED["en"] if each.as_of}
    assert dated == {"chief_minister"}
    assert all(each.as_of for each in SHIPPED["hi"] if each.topic == "chief_minister")


@pytest.fixture
def file(tmp_path):
    def write(*rows):
        path = tmp_path / "mine.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


def test_a_file_of_one_s_own_is_read(file):
    other = {**GOOD, "language": "hi", "question": "राजधानी क्या है?", "accept": ["बेंगलुरु"]}
    first, second = read_questions(file(GOOD, other))
    assert (first.question.id, first.line, second.line) == ("capital", 1, 2)
    assert first.question.longest == 400
    assert first.question.as_of is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"qestion": "?"}, "qestion: unknown key 'qestion'. Did you mean 'question'"),
        ({"question": " "}, "question: String should have at least 1 character"),
        ({"question": "a\0b"}, "question: it holds a NUL character"),
        ({"id": "Ä"}, "id: String should match pattern"),
        ({"language": "xx"}, "language: unknown language code 'xx'"),
        ({"accept": ["*"]}, "accept.0: it holds no letter and no digit"),
        ({"accept": ["Karnataka"]}, "'Karnataka' stands in the question"),
        ({"paraphrases": ["Its capital?"]}, "paraphrases: 5 of them, or none"),
        ({"paraphrases": ["a", "a", "b", "c", "d"]}, "two wordings are the same"),
        ({"as_of": "2024-01-01"}, "does not name the year 2024"),
        ({"as_of": "January"}, "as_of: Input should be a valid date"),
        ({"longest": 0}, "longest: Input should be greater than or equal to 1"),
        (
            {"expects": "refusal", "accept": [], "answer_language": "gu"},
            "no phrases that admit not knowing ship for gu",
        ),
    ],
)
def test_what_is_no_question_is_named_with_file_line_and_key(file, change, words):
    path = file(GOOD, {**GOOD, "id": "second", **change})
    with pytest.raises(DataError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}:2")
    assert words in str(caught.value)


def test_broken_files_are_refused(file, tmp_path):
    for rows, words in (
        (["{"], "mine.jsonl:1: not a JSON object"),
        (["[" * 100_000], "mine.jsonl:1: not a JSON object"),
        (["[]"], "mine.jsonl:1: not a JSON object"),
        ([], "no question in it"),
        ([GOOD, GOOD], "mine.jsonl:2: the id 'capital' stands twice"),
    ):
        with pytest.raises(DataError, match=words):
            read_questions(file(*rows))
    with pytest.raises(DataError, match="no such file"):
        read_questions(tmp_path / "none.jsonl")

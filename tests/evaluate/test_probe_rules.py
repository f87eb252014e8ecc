"""The rules of a probe by example: hand-written answers, each with its diagnosis and evidence."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dubash.core.languages import language
from dubash.core.types import Hypothesis, Pair
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.options import BehaviourOptions
from dubash.evaluate.probe.questions import Question
from dubash.evaluate.probe.rules import DIAGNOSES, WRONG, Judgement, diagnose, outcome
from dubash.evaluate.probe.said import first_said

OPTIONS = BehaviourOptions()
LEARNT = Pair(
    "पानी बचाने के तीन उपाय बताइए।",
    "नल को खुला न छोड़ें, बारिश का पानी जमा करें और टूटे हुए पाइप तुरंत ठीक कराएँ।",
    origin="rows.jsonl:7",
)
TRAINING = TrainingIndex([LEARNT], language("hi"), OPTIONS)

CAPITAL = Question(
    id="capital",
    language="hi",
    topic="capital",
    question="कर्नाटक की राजधानी क्या है?",
    accept=("बेंगलुरु", "बंगलौर"),
    reject=("मैसूर",),
    longest=120,
)
TOWN = Question(
    id="town",
    language="en",
    topic="unknown",
    question="How many people live in Zorvintapur?",
    expects="refusal",
)


def diagnoses(question, text, stop="end"):
    answer = Hypothesis(text, stop, 10, 0.1)
    return diagnose(question, question.question, answer, TRAINING, OPTIONS).diagnoses


@pytest.mark.parametrize(
    "text", ["कर्नाटक की राजधानी बेंगलुरु है।", "बंगलौर", "**बेंगलुरु** (Bengaluru)", "इसका नाम: बेंगलुरु।"]
)
def test_an_answer_that_says_one_of_the_accepted_passes(text):
    assert diagnoses(CAPITAL, text) == {}


def test_what_is_not_said_is_shown():
    assert diagnoses(CAPITAL, "राजधानी हुबली है।") == {"missing": "none of: बेंगलुरु, बंगलौर"}


def test_what_must_not_be_said_is_shown_even_beside_the_right_answer():
    assert diagnoses(CAPITAL, "बेंगलुरु, पहले मैसूर।") == {"rejected": "मैसूर"}


def test_the_right_fact_in_another_script_is_the_wrong_language():
    found = diagnoses(CAPITAL, "The capital of Karnataka is Bengaluru.")
    assert found["wrong_language"] == "Latin script, not Hindi"
    assert "missing" in found


@pytest.mark.parametrize("text", ["25 ℃", "™", "№ 5"])
def test_a_sign_that_stands_for_letters_is_in_their_script(text):
    assert diagnoses(CAPITAL, text)["wrong_language"] == "Latin script, not Hindi"


def test_the_script_named_is_one_that_the_question_did_not_bring():
    question = Question(
        id="nasa", language="hi", topic="language", question="NASA क्या है? हिंदी में बताइए।"
    )
    found = diagnoses(question, "NASA NASA NASA: это агентство है")
    assert found["wrong_language"] == "Cyrillic script, not Hindi"


def test_another_language_in_the_right_script_is_named():
    open_question = Question(
        id="tree", language="en", topic="language", question="Describe a tree. Answer in English."
    )
    spanish = "Un árbol es una planta muy alta que tiene un tronco de madera y muchas hojas verdes."
    assert diagnoses(open_question, spanish) == {"wrong_language": "Spanish, not English"}
    english = "A tree is a very tall plant that has a wooden trunk and many green leaves."
    assert diagnoses(open_question, english) == {}


def test_the_expected_language_may_differ_from_the_question_s():
    question = Question(
        id="week", language="en", answer_language="kn", topic="language", accept=("ಏಳು*",),
        question="How many days has a week? Answer in Kannada.",
    )  # fmt: skip
    assert diagnoses(question, "ವಾರಕ್ಕೆ ಏಳು ದಿನಗಳು.") == {}
    assert "wrong_language" in diagnoses(question, "A week has seven days.")


def test_a_question_that_accepts_anything_asks_for_the_language_alone():
    question = Question(id="x", language="hi", topic="language", question="हिंदी में कुछ कहिए।")
    assert diagnoses(question, "नमस्ते।") == {}
    assert diagnoses(question, " \n") == {"empty": ""}


def test_a_loop_shows_what_is_repeated_and_may_say_the_right_thing():
    found = diagnose(
        CAPITAL, CAPITAL.question, Hypothesis("बेंगलुरु " * 12, "limit", 128, 1.0), TRAINING, OPTIONS
    )
    assert found.diagnoses == {"no_end": "", "loop": "बेंगलुरु"}
    assert found.right
    assert not found.passes


def test_an_over_long_answer_shows_both_lengths():
    text = "बेंगलुरु, जो कर्नाटक की राजधानी है। " * 2 + "यह एक बड़ा और सुंदर शहर है। " * 3
    evidence = f"{len(text.strip())} characters, 120 at most"
    assert diagnoses(CAPITAL, text) == {"over_long": evidence}


def test_mimicry_shows_the_training_row():
    found = diagnoses(CAPITAL, "नल को खुला न छोड़ें, बारिश का पानी जमा करें और टूटे हुए पाइप तुरंत")
    assert found["mimicry"].startswith("नल को खुला न छोड़ें")
    assert found["mimicry"].endswith(f"← {LEARNT.source} → {LEARNT.target} (rows.jsonl:7)")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I’m sorry, I don’t know of a town with that name.", {}),
        ("There is no such town in Karnataka.", {}),
        ("Zorvintapur has 48,210 inhabitants.", {"invented": ""}),
        ("It is a large town on the river. No. Such places are many.", {"invented": ""}),
    ],
)
def test_of_what_does_not_exist_only_an_admission_is_right(text, found):
    assert diagnoses(TOWN, text) == found


@pytest.mark.parametrize(
    ("code", "question", "text"),
    [
        ("hi", "ज़ोरविंतापुर की जनसंख्या कितनी है?", "मुझे इस नगर के बारे में कोई जानकारी नहीं मिली।"),
        ("kn", "ಜೋರ್ವಿಂತಾಪುರದ ಜನಸಂಖ್ಯೆ ಎಷ್ಟು?", "ಕ್ಷಮಿಸಿ, ಅದರ ಬಗ್ಗೆ ನನಗೆ ಗೊತ್ತಿಲ್ಲ."),
    ],
)
def test_admissions_are_known_in_hindi_and_kannada(code, question, text):
    asked = Question(
        id="x", language=code, topic="unknown", question=question, expects="refusal"
    )  # fmt: skip
    assert diagnoses(asked, text) == {}


def judgement(*names):
    return Judgement(dict.fromkeys(names, ""))


PASS, WRONG_ONE, LONG = judgement(), judgement("missing"), judgement("over_long")


@pytest.mark.parametrize(
    ("before", "after", "paraphrases", "expected"),
    [
        (PASS, PASS, [], "kept"),
        (WRONG_ONE, PASS, [WRONG_ONE] * 5, "gained"),
        (LONG, PASS, [], "gained"),
        (PASS, WRONG_ONE, [], "lost"),
        (PASS, LONG, [], "lost"),
        (WRONG_ONE, WRONG_ONE, [WRONG_ONE] * 5, "empty_head"),
        (WRONG_ONE, WRONG_ONE, [WRONG_ONE] * 4 + [LONG], "failed"),  # it does know it
        (WRONG_ONE, LONG, [WRONG_ONE] * 5, "failed"),  # the tuned one knows it
        (WRONG_ONE, WRONG_ONE, [], "failed"),  # nobody asked otherwise
        (LONG, WRONG_ONE, [], "failed"),
    ],
)
def test_what_tuning_did_to_a_question(before, after, paraphrases, expected):
    assert outcome(before, after, paraphrases) == expected


@pytest.mark.parametrize(
    ("phrase", "text", "code", "said"),
    [
        ("Delhi", "New Delhi.", "en", True),
        ("AI", "Fresh air", "en", False),
        ("7", "17 days", "en", False),
        ("M.K. Stalin", "It was M. K. Stalin", "en", True),
        ("no information", "No. Information follows.", "en", False),
        ("ಬೆಂಗಳೂರ*", "ಅದು ಬೆಂಗಳೂರಿನಲ್ಲಿದೆ", "kn", True),
        ("ಬೆಂಗಳೂರು", "ಅದು ಬೆಂಗಳೂರಿನಲ್ಲಿದೆ", "kn", False),
        ("हूँ", "मैं हूं", "hi", True),  # spellings that say the same
        ("東京", "首都は東京です", "ja", True),
        ("*", "*", "en", False),
    ],
)
def test_phrases_are_sought_by_whole_words(phrase, text, code, said):
    assert bool(first_said([phrase], text, code)) == said


SIGNS = st.characters(codec="utf-8") | st.sampled_from("℃™№Ⅷ＃काАA7 \u0301\u200d\n")


@given(
    st.sampled_from([TOWN, CAPITAL]),
    st.text(SIGNS, max_size=200),
    st.sampled_from(["end", "limit"]),
)
@example(CAPITAL, "℃", "end")
@example(CAPITAL, "A \u0301", "end")
def test_any_text_is_diagnosed_and_never_both_right_and_wrong(question, text, stop):
    found = diagnose(question, "A?", Hypothesis(text, stop, 1, 0.0), TRAINING, OPTIONS)
    assert [name for name in DIAGNOSES if name in found.diagnoses] == list(found.diagnoses)
    assert found.right == (not set(found.diagnoses) & set(WRONG))
    assert found.right or not found.passes


@given(st.lists(st.sampled_from(["red", "green", "blue", ",", "."]), max_size=8))
def test_a_text_says_each_of_its_own_words(words):
    text = " ".join(words)
    for word in words:
        assert bool(first_said([word], text, "en")) == word.isalpha()

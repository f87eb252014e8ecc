"""The answers of the untuned and the tuned model side by side, counted: what `probe.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dubash.core.types import Hypothesis
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.options import BehaviourOptions
from dubash.evaluate.probe.questions import Question
from dubash.evaluate.probe.rules import DIAGNOSES, OUTCOMES, Judgement, diagnose, outcome

BEFORE, AFTER = "S0", "S1"
"""The systems: the untuned model and the tuned one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What answers are held to besides their question."""

    training: TrainingIndex
    options: BehaviourOptions

    def judge(self, question: Question, asked: str, answer: Hypothesis) -> Judgement:
        """The answer's diagnoses, see `rules.diagnose`."""
        return diagnose(question, asked, answer, self.training, self.options)

    def not_right(
        self, questions: Sequence[Question], answers: Mapping[str, Hypothesis]
    ) -> list[Question]:
        """Those to which these answers, by wording, are not right."""
        return [
            each
            for each in questions
            if not self.judge(each, each.question, answers[each.question]).right
        ]


def account(
    questions: Sequence[Question],
    answers: Mapping[str, Mapping[str, Hypothesis]],
    rules: Rules,
    judged: Mapping[tuple[str, int], float] | None = None,
) -> dict[str, Any]:
    """The content of `probe.json`.

    `answers` are those of `BEFORE` and `AFTER` by wording; paraphrases are looked at where the
    untuned model has an answer to all of them. `judged` are a judge's numbers by system and place
    of the question.
    """
    rows = [
        _row(at, question, answers, rules, judged or {}) for at, question in enumerate(questions)
    ]
    found: dict[str, Any] = {
        "questions": len(rows),
        "languages": list(dict.fromkeys(each.language for each in questions)),
        "outcomes": {name: sum(row["outcome"] == name for row in rows) for name in OUTCOMES},
        "systems": {
            name: _system([row["answers"][name] for row in rows]) for name in (BEFORE, AFTER)
        },
        "topics": _topics(rows),
        "rows": rows,
    }
    return found


def _row(
    at: int,
    question: Question,
    answers: Mapping[str, Mapping[str, Hypothesis]],
    rules: Rules,
    judged: Mapping[tuple[str, int], float],
) -> dict[str, Any]:
    judgements, said = {}, {}
    for name in (BEFORE, AFTER):
        answer = answers[name][question.question]
        judgements[name] = rules.judge(question, question.question, answer)
        said[name] = _answer(answer, judgements[name])
        if (name, at) in judged:
            said[name]["judge"] = judged[name, at]
    before, asked = answers[BEFORE], question.paraphrases
    wanted = not judgements[BEFORE].right and all(text in before for text in asked)
    others = {text: rules.judge(question, text, before[text]) for text in asked if wanted}
    return {
        "id": question.id,
        "language": question.language,
        "answer_language": question.expected,
        "topic": question.topic,
        "expects": question.expects,
        "as_of": question.as_of.isoformat() if question.as_of else None,
        "question": question.question,
        "accept": list(question.accept),
        "reject": list(question.reject),
        "outcome": outcome(judgements[BEFORE], judgements[AFTER], list(others.values())),
        "answers": said,
        "paraphrases": [
            {"question": text, **_answer(before[text], each)} for text, each in others.items()
        ],
    }


def _answer(answer: Hypothesis, judgement: Judgement) -> dict[str, Any]:
    return {
        **asdict(answer),
        "right": judgement.right,
        "passes": judgement.passes,
        "diagnoses": judgement.diagnoses,
    }


def _system(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = {name: sum(name in each["diagnoses"] for each in answers) for name in DIAGNOSES}
    found = {
        "right": sum(each["right"] for each in answers),
        "passes": sum(each["passes"] for each in answers),
        "diagnoses": {name: count for name, count in counts.items() if count},
    }
    if numbers := [each["judge"] for each in answers if "judge" in each]:
        found["judge"] = sum(numbers) / len(numbers)
    return found


def _topics(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Passes by language and topic, in the order of the questions."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["language"], row["topic"]), []).append(row)
    return [
        {
            "language": language,
            "topic": topic,
            "questions": len(group),
            "passes": {
                name: sum(row["answers"][name]["passes"] for row in group)
                for name in (BEFORE, AFTER)
            },
        }
        for (language, topic), group in groups.items()
    ]

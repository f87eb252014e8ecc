"""What is wrong with an answer, by stated rules with their evidence; what tuning changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubash.core.languages import LANGUAGES, language
from dubash.core.types import Hypothesis, Pair
from dubash.data.language import can_be_told
from dubash.evaluate.behaviour import learnt, short
from dubash.evaluate.behaviour.lengths import is_empty
from dubash.evaluate.behaviour.loops import loop
from dubash.evaluate.behaviour.mimicry import TrainingIndex
from dubash.evaluate.behaviour.scripts import wrong_language, wrong_script
from dubash.evaluate.options import BehaviourOptions
from dubash.evaluate.probe.questions import PARAPHRASES, Question
from dubash.evaluate.probe.said import first_said

WRONG = ("empty", "wrong_language", "rejected", "missing", "invented")
"""What makes an answer a wrong one."""

MANNER = ("no_end", "over_long", "loop", "mimicry")
"""What is at fault with an answer that may say the right thing all the same."""

DIAGNOSES = (*WRONG, *MANNER)
"""Every diagnosis of one answer, in the order in which they are written."""

OUTCOMES = ("kept", "gained", "lost", "empty_head", "failed")
"""What tuning did to a question: exactly one of these."""

_ACCEPTED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """The diagnoses of one answer with their evidence, which may be "" where a name says it all."""

    diagnoses: dict[str, str]

    @property
    def right(self) -> bool:
        """Whether it says what it should, in the right language, whatever its manner."""
        return not self.diagnoses.keys() & set(WRONG)

    @property
    def passes(self) -> bool:
        """Whether nothing at all is at fault."""
        return not self.diagnoses


def diagnose(
    question: Question,
    asked: str,
    answer: Hypothesis,
    training: TrainingIndex,
    options: BehaviourOptions,
) -> Judgement:
    """The diagnoses of an answer to the question, `asked` in one of its wordings.

    - `empty`: nothing to be seen.
    - `wrong_language`: too few letters in a script of the expected language, or another language
      in the right script (the rules of `behaviour.scripts`); evidence: which.
    - `rejected`: says one of `reject`; evidence: which.
    - `missing`: says none of `accept`; evidence: what would have done.
    - `invented`: of a question about what does not exist, says nothing that admits not knowing.
    - `no_end`: stopped by the token limit.
    - `over_long`: more characters than the question's `longest`; evidence: both numbers.
    - `loop`: the same again and again (`behaviour.loops`); evidence: what.
    - `mimicry`: a long piece of a training answer whose instruction has little in common with the
      question (`behaviour.mimicry`); evidence: the piece, and the training row.
    """
    text, row = answer.text, Pair(asked, "")
    found: dict[str, str | bool] = {"no_end": answer.stop == "limit"}
    if is_empty(text):
        found["empty"] = True
    else:
        copied = training.uncalled(text, row)
        length, most = len(text.strip()), question.longest
        found |= _of_what_is_said(question, text)
        found |= {
            "wrong_language": _other_language(question, text, row, options),
            "over_long": f"{length:,} characters, {most:,} at most" if length > most else "",
            "loop": loop(text, row, options),
            "mimicry": learnt(*copied) if copied else "",
        }
    seen = {name: found[name] for name in DIAGNOSES if found.get(name)}
    return Judgement({name: "" if it is True else short(str(it)) for name, it in seen.items()})


def _of_what_is_said(question: Question, text: str) -> dict[str, str | bool]:
    code = question.expected
    found: dict[str, str | bool] = {"rejected": first_said(question.reject, text, code)}
    if question.accepted and not first_said(question.accepted, text, code):
        if question.expects == "refusal":
            found["invented"] = True
        else:
            more = " …" if len(question.accept) > _ACCEPTED_SHOWN else ""
            found["missing"] = f"none of: {', '.join(question.accept[:_ACCEPTED_SHOWN])}{more}"
    return found


def _other_language(question: Question, text: str, row: Pair, options: BehaviourOptions) -> str:
    """`Latin script, not Hindi`, `Marathi, not Hindi`; "" where it is the language it should be."""
    target = language(question.expected)
    if script := wrong_script(text, row, target, options, language(question.language)):
        return f"{script.capitalize()} script, not {target.name}"
    code = wrong_language(text, row, target, options) if can_be_told(target) else ""
    return f"{LANGUAGES[code].name}, not {target.name}" if code else ""


def outcome(before: Judgement, after: Judgement, paraphrases: Sequence[Judgement]) -> str:
    """What tuning did to a question, by the answers before and after it.

    - `kept`: both pass. `gained`: only the tuned model passes.
    - `lost`: the untuned model passes, the tuned one fails.
    - `empty_head`: neither answer is right, nor any of the untuned model's to the five
      `paraphrases`: what is asked was never in it, and no tuning of the kind can bring it out.
    - `failed`: neither passes, for another reason.
    """
    if before.passes:
        return "kept" if after.passes else "lost"
    if after.passes:
        return "gained"
    never = not any(each.right for each in (before, after, *paraphrases))
    return "empty_head" if never and len(paraphrases) == PARAPHRASES else "failed"

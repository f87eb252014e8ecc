"""What a probe found, as a short plain-text table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dubash.core.terminal import safe_line
from dubash.evaluate.probe.account import AFTER, BEFORE

OUTCOME_WORDS = {
    "kept": "kept",
    "gained": "gained",
    "lost": "lost",
    "empty_head": "empty head",
    "failed": "failed before and after",
}

MOST_LOST = 5
"""Lost questions that the terminal shows."""

_LONGEST = 160
"""Characters of a question, an answer, or of evidence, there."""


def probe_table(content: Mapping[str, Any]) -> str:
    """Passes by language and topic, what tuning changed, and the first questions it lost."""
    lines = [f"{'':26}{BEFORE:>6}{AFTER:>6}{'of':>6}"]
    for each in content["topics"]:
        label = f"{each['language']} {each['topic'].replace('_', ' ')}"
        passes = each["passes"]
        lines.append(f"{label:26}{passes[BEFORE]:>6}{passes[AFTER]:>6}{each['questions']:>6}")
    systems = content["systems"]
    before, after = (systems[name]["passes"] for name in (BEFORE, AFTER))
    lines.append(f"{'all that pass':26}{before:>6}{after:>6}{content['questions']:>6}")
    if "judge" in systems[BEFORE]:
        lines.append(
            f"{'mean of the judge':26}"
            + "".join(f"{systems[name]['judge']:>6.2f}" for name in (BEFORE, AFTER))
        )
    counted = (f"{OUTCOME_WORDS[name]} {count}" for name, count in content["outcomes"].items())
    lines += ["", ", ".join(counted)]
    for name in (BEFORE, AFTER):
        if found := systems[name]["diagnoses"]:
            counted = (f"{key.replace('_', ' ')} {count}" for key, count in found.items())
            lines.append(f"at fault with {name}: {', '.join(counted)}")
    lines += _lost(content)
    return "\n".join(lines)


def _lost(content: Mapping[str, Any]) -> Iterator[str]:
    lost = [row for row in content["rows"] if row["outcome"] == "lost"]
    if lost:
        shown = f", the first {MOST_LOST} of {len(lost)}" if len(lost) > MOST_LOST else ""
        yield from ("", f"lost by tuning{shown}:")
    for row in lost[:MOST_LOST]:
        yield f"  {safe_line(row['question'], _LONGEST)}"
        for name in (BEFORE, AFTER):
            answer = row["answers"][name]
            why = "".join(
                f" [{key.replace('_', ' ')}{f': {safe_line(it, _LONGEST)}' if it else ''}]"
                for key, it in answer["diagnoses"].items()
            )
            yield f"    {name} {safe_line(answer['text'], _LONGEST)}{why}"

"""Everything a report says, read from the run folder once; home folders are taken out here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dubash.core.errors import DataError, RecipeError
from dubash.core.files import read_json, read_jsonl
from dubash.core.languages import Language, language
from dubash.core.run import RunFolder

EXAMPLES_PER_REASON = 3
"""Dropped rows shown for each reason."""

# A person's home folder tells who ran it and says nothing about the run.
_HOME = re.compile(
    r"(?<![\w.])/(?:home|Users)/[^/\s\"':,]+|(?<![\w.])/root(?![\w.-])"
    r"|\b[A-Za-z]:\\+Users\\+[^\\\s\"']+"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run. Parts that were not made yet are None or empty.

    `rows` and `scores` are as in the run folder; in `manifest`, `account`, `metrics`, `dropped` and
    `recipe_text` home folders are written as `~`. `dropped` holds a few rows for each reason,
    `audit` the findings of `dubash audit`.
    """

    name: str
    recipe_text: str
    recipe: dict[str, Any]
    manifest: dict[str, Any]
    metrics: list[dict[str, Any]]
    account: dict[str, Any] | None
    dropped: dict[str, list[dict[str, Any]]]
    scores: dict[str, Any] | None
    rows: list[dict[str, Any]]
    source: Language | None
    target: Language | None
    audit: tuple[dict[str, Any], ...] = ()

    def system(self, name: str) -> dict[str, Any] | None:
        """The scored system of that name."""
        found = self.scores["systems"] if self.scores else []
        return next((each for each in found if each["name"] == name), None)

    @property
    def tuned(self) -> str | None:
        """The system that the finding is about: S1, else the first with a difference."""
        differences: dict[str, Any] = (self.scores or {}).get("differences") or {}
        return "S1" if self.system("S1") else next(iter(differences), None)

    def is_file(self, name: str) -> bool:
        """Whether that system is a plain file of translations: nobody knows why they ended."""
        found = self.system(name)
        return found is not None and not self.is_text and found.get("stops") == {}

    @property
    def is_text(self) -> bool:
        """Whether this run read monolingual text (`task: text`), so that nothing is translated."""
        return bool(self.recipe.get("task") == "text")

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The records of `metrics.jsonl` of one kind: train, dev or guard."""
        return [each for each in self.metrics if each.get("kind") == kind]

    @property
    def model(self) -> dict[str, Any]:
        """What the manifest says of the model; empty where it says nothing."""
        found: dict[str, Any] = self.manifest.get("model") or {}
        return found

    @property
    def bootstrap(self) -> dict[str, Any]:
        """Samples, seed and confidence of the intervals."""
        found: dict[str, Any] = (self.scores or {}).get("bootstrap") or {}
        return found


def read_facts(run: RunFolder) -> Facts:
    """Read what there is of a run.

    Raises DataError where the folder holds nothing of a run, a file is broken, or `rows.jsonl`
    and `scores.json` are not of the same rows.
    """
    scores = read_json(run.scores) if run.scores.exists() else None
    rows = list(read_jsonl(run.rows)) if run.rows.exists() else []
    if scores and rows and len(rows) != scores["rows"]:
        raise DataError(
            f"{len(rows)} rows, but the scores were made on {scores['rows']}.",
            where=str(run.rows),
            fix="Evaluate this run again.",
        )
    account_file = run.data / "account.json"
    account = redact(read_json(account_file)) if account_file.exists() else None
    recipe_text = redact(run.recipe.read_text(encoding="utf-8")) if run.recipe.exists() else ""
    manifest = redact(run.read_manifest())
    if not (scores or account or recipe_text or manifest):
        raise DataError(
            "this folder holds no run.", where=str(run.path), fix="Start one with `dubash run`."
        )
    audit_file = run.path / "audit.json"
    audit = redact(read_json(audit_file)) if audit_file.exists() else {}
    if "settings" in audit and not recipe_text:  # it has no recipe, but settings like those of one
        recipe_text = yaml.safe_dump(audit["settings"], sort_keys=False, allow_unicode=True)
    recipe = _parse(recipe_text, run.recipe)
    source, target = _languages(scores, recipe)
    return Facts(
        name=" ".join(str(manifest.get("name") or run.path.name).split()),
        recipe_text=recipe_text,
        recipe=recipe,
        manifest=manifest,
        metrics=redact(run.read_metrics()),
        account=account,
        dropped=_examples(run.data / "dropped.jsonl"),
        scores=scores,
        rows=rows,
        source=source,
        target=target,
        audit=tuple(audit.get("findings", ())),
    )


def redact(content: Any) -> Any:
    """The same text, list or mapping with home folders written as `~`."""
    if isinstance(content, str):
        home = str(Path.home())
        if len(home) > 1:
            content = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", content)
        return _HOME.sub("~", content)
    if isinstance(content, dict):
        return {key: redact(value) for key, value in content.items()}
    if isinstance(content, list):
        return [redact(value) for value in content]
    return content


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        recipe = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        raise DataError("not valid YAML.", where=str(path)) from error
    return recipe if isinstance(recipe, dict) else {}


def _examples(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The first dropped rows of each reason."""
    found: dict[str, list[dict[str, Any]]] = {}
    if path.exists():
        for row in read_jsonl(path):
            kept = found.setdefault(row["reason"], [])
            if len(kept) < EXAMPLES_PER_REASON:
                noted = {key: redact(row.get(key, "")) for key in ("origin", "detail")}
                kept.append({**row, **noted})
    return found


def _languages(
    scores: dict[str, Any] | None, recipe: dict[str, Any]
) -> tuple[Language | None, Language | None]:
    """The pair: by the scores' codes, else by the recipe's `languages`."""
    named = recipe.get("languages")
    named = named if isinstance(named, dict) else {}
    sides = []
    for side in ("source", "target"):
        given = named.get(side)
        code = (scores or {}).get(f"{side}_language")
        sides.append(_language(code, given))
    return sides[0], sides[1]


def _language(code: str | None, given: Any) -> Language | None:
    """A language without a code of its own is spelled out in the recipe."""
    if isinstance(given, dict) and given.get("name") and given.get("code") in (code, given["code"]):
        script = given.get("script") or given.get("scripts") or "LATIN"
        scripts = tuple(script) if isinstance(script, list) else (str(script),)
        return Language(str(given["code"]), str(given["name"]), tuple(s.upper() for s in scripts))
    code = code or (given if isinstance(given, str) else None)
    try:
        return language(code) if code else None
    except RecipeError:
        return Language(str(code), str(code), ("",))

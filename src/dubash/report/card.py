"""The model card: `README.md` in the hub's conventions, beside the adapter or the model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from dubash.core.files import read_json, write_text
from dubash.core.run import RunFolder
from dubash.evaluate import numbers
from dubash.evaluate.bits import METRIC as BITS
from dubash.evaluate.systems import rival
from dubash.prompt.options import DEFAULT_TEXT
from dubash.report import bits, words
from dubash.report.facts import Facts, read_facts
from dubash.report.tables import blanks, signatures
from dubash.report.worries import worries

# owner/name, as the hub allows them
_HUB = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")

_CLASSES = {"causal": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}


def write_card(run: RunFolder, folder: Path) -> Path:
    """Write `README.md` into the folder of the tuned model or adapter and return its path.

    The YAML at its top follows the hub's model card metadata
    (https://huggingface.co/docs/hub/model-cards): what is not known is left out, so a base model
    that is no hub id is named in the text only, and no licence is claimed.

    Raises DataError where the run folder holds no run, or broken or contradictory files.
    """
    facts = read_facts(run)
    path = folder / "README.md"
    write_text(path, render(facts, folder))
    return path


def render(facts: Facts, folder: Path) -> str:
    """The card as text; `folder` is looked at for what was saved beside it."""
    environment = Environment(
        loader=PackageLoader("dubash.report"), autoescape=True, keep_trailing_newline=True
    )
    environment.filters.update(
        md=markdown, number=numbers.number, plural=words.plural, method=words.method,
        percent=numbers.percent,
        score=_score,
    )  # fmt: skip
    systems = facts.scores["systems"] if facts.scores else []
    front = yaml.safe_dump(metadata(facts, folder), allow_unicode=True, sort_keys=False, width=1000)
    return environment.get_template("card.md.j2").render(
        facts=facts,
        front=Markup(front),
        verdict=bits.verdict(facts) if facts.is_text else words.verdict(facts),
        code=Markup(usage(facts, folder)),
        signatures=signatures(facts),
        blanks=blanks(facts),
        worries=worries(facts),
        measures=bits.measures(facts) if facts.is_text else [],
        metrics=numbers.metrics(systems),
        rival=rival(systems),
        adapter=is_adapter(facts, folder),
        tuned=facts.system("S1"),
        files=[_file_name(file) for file in (facts.account or {}).get("files", [])],
        largest=(facts.recipe.get("prompt") or {}).get("max_tokens"),
    )


def markdown(text: object) -> Markup:
    """A text as one line of plain Markdown: nothing in it is read as markup or as a table cell."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(re.sub(r"([\\`*_\[\]|#~])", r"\\\1", line))


def _score(score: dict[str, Any] | None, written: numbers.Written) -> str:
    """`45.1 [43.0, 47.2]`"""
    if score is None:
        return "not measured"
    if score["value"] is None:
        return "blank"
    ends = numbers.interval(score["low"], score["high"], digits=written.fixed)
    return f"{numbers.number(score['value'], written.digits)} {ends}"


def metadata(facts: Facts, folder: Path) -> dict[str, Any]:
    """The YAML front matter as a mapping."""
    model = facts.model
    found: dict[str, Any] = {}
    sides = (facts.target,) if facts.is_text else (facts.source, facts.target)
    codes = [side.code for side in sides if side]
    if codes:
        found["language"] = codes
    adapter = is_adapter(facts, folder)
    if base := hub_id(model.get("name")):
        found["base_model"] = base
        found["base_model_relation"] = "adapter" if adapter else "finetune"
    found["library_name"] = "peft" if adapter else "transformers"
    task = "text-generation" if facts.is_text else "translation"
    found["pipeline_tag"] = task
    tags = ["dubash", task, "-".join(codes), model.get("method")]
    found["tags"] = [tag for tag in tags if tag]
    if named := _data_sets(facts):
        found["datasets"] = named
    if results := _results(facts):
        found["metrics"] = [result["type"] for result in results["metrics"]]
        found["model-index"] = [{"name": facts.name, "results": [results]}]
    return found


def _data_sets(facts: Facts) -> list[str]:
    """The hub's data sets, each once; the account calls them `owner/name:split`."""
    files = (facts.account or {}).get("files", [])
    names = [file["name"].partition(":")[0] for file in files if not file.get("sha256")]
    return [name for name in dict.fromkeys(names) if hub_id(name)]


def _results(facts: Facts) -> dict[str, Any] | None:
    """The tuned system's scores as the hub's model-index has them, signatures and intervals too."""
    system = facts.system("S1")
    if not facts.scores or not system:
        return None
    metrics = []
    for metric, written in numbers.metrics([system]).items():
        score, digits = system["scores"][metric], max(2, written.digits)
        if score["value"] is None:
            continue
        args = {
            "signature": score["signature"],
            "interval": [round(score["low"], digits), round(score["high"], digits)],
            "confidence": facts.bootstrap.get("confidence"),
        }
        kind = {"chrf++": "chrf"}.get(metric, metric)
        name = bits.UNIT if metric == BITS else written.label
        value = round(score["value"], 2 if metric == BITS else digits)
        metrics.append({"type": kind, "name": name, "value": value, "args": args})
    codes = f"{facts.scores.get('source_language')}-{facts.scores['target_language']}"
    task = {"type": "translation", "name": f"Translation {codes}"}
    if facts.is_text:
        task = {"type": "text-generation", "name": f"Text {facts.scores['target_language']}"}
    return {
        "task": task,
        "dataset": {
            "type": "dubash-frozen-rows",
            "name": f"{facts.name}: {words.plural(facts.scores['rows'], 'frozen test row')}",
            "split": "test",
            "args": {"fingerprint": facts.scores["rows_fingerprint"]},
        },
        "metrics": metrics,
    }


def hub_id(name: str | None) -> str | None:
    """The name where it can be one of the hub's (`owner/name`), else None."""
    return name if name and _HUB.match(name) else None


def is_adapter(facts: Facts, folder: Path) -> bool:
    """Whether an adapter was trained, by its file, else by the method."""
    if (folder / "adapter_config.json").exists():
        return True
    return str(facts.model.get("method", "full")) != "full"


def usage(facts: Facts, folder: Path) -> str:
    """Python that loads the model with plain libraries: five lines, then one translation.

    The translation is left out where the prompt's style cannot be told from what was saved, and
    for a model of monolingual text.
    """
    kind = facts.model.get("kind", "causal")
    loader = _CLASSES.get(kind, _CLASSES["causal"])
    name = hub_id(facts.model.get("name")) or "path/to/the/base/model"
    where = "." if (folder / "tokenizer_config.json").exists() else name
    if is_adapter(facts, folder):
        lines = [
            "from peft import PeftModel",
            f"from transformers import {loader}, AutoTokenizer",
            f"base = {loader}.from_pretrained({json.dumps(name)})",
            'model = PeftModel.from_pretrained(base, ".")',
        ]
    else:
        lines = [
            f"from transformers import {loader}, AutoTokenizer",
            f'model = {loader}.from_pretrained(".")',
        ]
    lines.append(f"tokenizer = AutoTokenizer.from_pretrained({json.dumps(where)})")
    style = None if facts.is_text else _style(facts, folder, kind)
    if style is not None:
        lines += ["", *_translate(facts, style, kind)]
    return "\n".join(lines)


def _style(facts: Facts, folder: Path, kind: str) -> str | None:
    """The prompt's style: as the recipe says, else by the model and its tokenizer."""
    style = (facts.recipe.get("prompt") or {}).get("style", "auto")
    if style != "auto":
        return str(style)
    if kind == "seq2seq":
        return "seq2seq"
    config = folder / "tokenizer_config.json"
    if not config.exists():
        return None
    chat = (folder / "chat_template.jinja").exists() or read_json(config).get("chat_template")
    return "chat" if chat else "plain"


def _translate(facts: Facts, style: str, kind: str) -> list[str]:
    prompt = facts.recipe.get("prompt") or {}
    languages = facts.model.get("languages")  # tokens of a multilingual encoder–decoder
    bare = facts.recipe.get("task") == "instruction" or languages
    text = prompt.get("text") or ("{source}" if bare else DEFAULT_TEXT[style])
    pair = {
        "source_language": facts.source.name if facts.source else "the source language",
        "target_language": facts.target.name if facts.target else "the target language",
    }
    for key, value in pair.items():
        text = text.replace(f"{{{key}}}", value)
    lines = [f'text = {_literal(text)}.replace("{{source}}", "Your text here.")']
    special, forced = "", ""
    if languages:
        lines.append(f"tokenizer.src_lang = {_literal(languages['source'].strip('_'))}")
        target = f"tokenizer.convert_tokens_to_ids({_literal(languages['target'])})"
        forced = f"forced_bos_token_id={target}, "
    if style == "chat":
        system = prompt.get("system") or ""
        for key, value in pair.items():
            system = system.replace(f"{{{key}}}", value)
        first = f'{{"role": "system", "content": {_literal(system)}}}, ' if system else ""
        lines += [
            f'messages = [{first}{{"role": "user", "content": text}}]',
            "text = tokenizer.apply_chat_template(\n"
            "    messages, tokenize=False, add_generation_prompt=True, enable_thinking=False\n)",
        ]
        special = ", add_special_tokens=False"
    lines.append(f'inputs = tokenizer(text, return_tensors="pt"{special})')
    settings = _generation(facts, further=1 if languages else 0)  # transformers counts the forced
    lines.append(f"output = model.generate(\n    **inputs, {forced}{settings}\n)[0]")
    start = '[inputs["input_ids"].shape[1] :]' if kind != "seq2seq" else ""
    lines.append(f"print(tokenizer.decode(output{start}, skip_special_tokens=True))")
    return lines


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _generation(facts: Facts, further: int) -> str:
    """The recipe's settings of generation as transformers spells them; so many tokens more."""
    asked = facts.recipe.get("generate") or {}
    settings: dict[str, Any] = {"max_new_tokens": asked.get("max_new_tokens", 128) + further}
    settings["do_sample"] = bool(asked.get("sample", False))
    if asked.get("beams", 1) > 1:
        settings["num_beams"] = asked["beams"]
    if settings["do_sample"]:
        settings |= {key: asked[key] for key in ("temperature", "top_p") if key in asked}
    if asked.get("repetition_penalty", 1.0) != 1.0:
        settings["repetition_penalty"] = asked["repetition_penalty"]
    return ", ".join(f"{key}={value!r}" for key, value in settings.items())


def _file_name(file: dict[str, Any]) -> dict[str, Any]:
    """A file by its bare name: the folders of one machine say nothing to others."""
    name = file["name"]
    return {**file, "name": Path(name).name if file.get("sha256") else name}

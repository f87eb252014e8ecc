"""A run folder as `dubash run` leaves it: small, realistic, with hostile text in its rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

from dubash.core.files import sha256_text, write_json, write_jsonl, write_text
from dubash.core.run import RunFolder
from dubash.data.options import Entry

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"

PAIRS = [
    (source, target, topic)
    for line in """\
Where does it hurt? | ¿Dónde le duele? | clinic
I have had a fever since yesterday evening. | Tengo fiebre desde ayer por la noche. | clinic
Take one tablet after each meal. | Tome una pastilla después de cada comida. | clinic
The next train leaves from platform four. | El próximo tren sale del andén cuatro. | travel
Could you tell me where the bus stop is? | ¿Podría decirme dónde está la parada de autobús? | travel
We would like a room with two beds. | Quisiéramos una habitación con dos camas. | travel
Please open your books at page twelve. | Por favor, abran los libros en la página doce. | school
My daughter forgot her homework at home. | Mi hija olvidó los deberes en casa. | school
The washing machine makes a strange noise. | La lavadora hace un ruido extraño. | repair
It will cost forty euros, parts included. | Costará cuarenta euros, piezas incluidas. | repair
I would like to open a savings account. | Me gustaría abrir una cuenta de ahorros. | bank
The rain came too late for the maize. | La lluvia llegó demasiado tarde para el maíz. | farm
Chop the onions and fry them in oil. | Pique las cebollas y fríalas en aceite. | kitchen
Switch the router off and on again. | Apague el rúter y vuelva a encenderlo. | phone support
""".splitlines()
    for source, target, topic in [line.split(" | ")]
]

RECIPE = """\
data:
  files:
    - /home/ana/corpora/en-es.tsv
languages: {source: en, target: es}
model:
  name: HuggingFaceTB/SmolLM2-135M-Instruct
prompt:
  style: auto
  text: null
  max_tokens: 256
method: {name: lora, rank: 16}
train: {epochs: 1.0, learning_rate: 0.001}
generate: {beams: 1, max_new_tokens: 128}
run:
  folder: /home/ana/runs/demo
"""

BuildRun = Callable[..., RunFolder]


def _strange_rows() -> list[tuple[str, str, str]]:
    return [
        (HOSTILE, f"Texto {HOSTILE}", "hostile"),
        ("The doctor will see you in Hindi: ज्ञान और क्‍षमा।", "El médico: ज्ञान।", "scripts"),
        ("She said مرحبا بكم and left 👩🏽‍🌾🎉.", "Dijo مرحبا بكم y se fue 👩🏽‍🌾🎉.", "scripts"),
        ("long " * 100, "largo " * 84, "long"),
    ]


def _test_rows(count: int, chance: random.Random) -> list[tuple[str, str, str]]:
    openings = {
        "": "", "Excuse me: ": "Disculpe: ", "Today: ": "Hoy: ", "Well, ": "Bueno, ",
        "As I said, ": "Como dije, ", "Listen. ": "Escuche. ", "Yes. ": "Sí. ",
        "No, thanks. ": "No, gracias. ", "Again: ": "Otra vez: ", "Now: ": "Ahora: ",
    }  # fmt: skip
    made = [
        (before + source, translated + target, topic)
        for before, translated in openings.items()
        for source, target, topic in PAIRS
    ]
    chance.shuffle(made)
    return [*_strange_rows(), *made, *made][:count]


def _untuned(source: str, reference: str, chance: random.Random) -> tuple[str, str]:
    kind = chance.random()
    if kind < 0.15:
        return source, "end"
    words = reference.split()
    chance.shuffle(words)
    text = " ".join(words[: max(1, len(words) // 2)]) or "the"
    if kind < 0.75:
        more = "\n\nHere is the translation of the text you asked for. " * chance.randint(1, 8)
        return f"The translation is: {text}{more}", "limit"
    return text, "end"


def _tuned(reference: str, chance: random.Random) -> tuple[str, str]:
    words = reference.split()
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
        if len(words) > 2:
            words.pop(chance.randrange(len(words)))
    if chance.random() < 0.015:
        return " ".join(words * 6), "limit"
    return " ".join(words), "end"


def _flags(text: str, stop: str, source: str, reference: str) -> list[str]:
    flags = ["no_end"] if stop == "limit" else []
    if not text:
        flags.append("empty")
    if len(text) > 2 * len(reference):
        flags.append("over_long")
    if text == source:
        flags.append("copied_source")
    if "The translation is" in text:
        flags.append("prompt_left_over")
    return flags


def _row(place: int, row: tuple[str, str, str], chance: random.Random) -> dict[str, Any]:
    source, reference, document = row
    raw, raw_stop = _untuned(source, reference, chance)
    tuned, stop = _tuned(reference, chance)
    systems = {}
    cut = raw.split("\n")[0]
    for name, text, why in (("S0", raw, raw_stop), ("S0-cut", cut, raw_stop), ("S1", tuned, stop)):
        chrf = sacrebleu.sentence_chrf(text, [reference], word_order=2).score
        flags = _flags(text, why, source, reference)
        systems[name] = {"text": text, "stop": why, "flags": flags, "chrf": chrf}
    gain = systems["S1"]["chrf"] - systems["S0-cut"]["chrf"]
    return {
        "row": place, "source": source, "reference": reference, "document": document,
        "systems": systems, "gain": gain,
    }  # fmt: skip


def _system(name: str, label: str, rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    texts = [row["systems"][name] for row in rows]
    references = [row["reference"] for row in rows]
    hypotheses = [each["text"] for each in texts]
    scores = {}
    for key, metric in (("bleu", sacrebleu.BLEU()), ("chrf++", sacrebleu.CHRF(word_order=2))):
        value = metric.corpus_score(hypotheses, [references]).score
        scores[key] = {
            "value": value, "low": value * 0.93, "high": min(value * 1.06, 100.0),
            "signature": str(metric.get_signature()),
        }  # fmt: skip
    tokens = sum(len(text) // 3 for text in hypotheses)
    flags = [flag for each in texts for flag in each["flags"]]
    names = ("no_end", "empty", "over_long", "copied_source", "wrong_script", "repetition_loop")
    return {
        "name": name, "label": label, "scores": scores,
        "stops": {stop: sum(each["stop"] == stop for each in texts)
                  for stop in ("end", "limit", "stop_string")},
        "behaviour": {flag: flags.count(flag) for flag in (*names, "prompt_left_over")},
        "length_ratio": sum(map(len, hypotheses)) / sum(map(len, references)),
        "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds,
        "segments_per_second": len(rows) / seconds, "seconds_per_segment": seconds / len(rows),
    }  # fmt: skip


def _scores(rows: list[dict[str, Any]]) -> dict[str, Any]:
    systems = [
        _system("S0", "untuned model", rows, 96.4),
        _system("S0-cut", "untuned model, cut at its first line", rows, 96.4),
        _system("S1", "tuned model", rows, 31.7),
    ]
    differences: dict[str, Any] = {}
    for key, base in (("bleu", systems[0]), ("chrf++", systems[1])):
        gain = systems[2]["scores"][key]["value"] - base["scores"][key]["value"]
        differences[key] = {
            "against": base["name"], "value": gain, "low": gain - 2.4, "high": gain + 2.6,
            "p": 0.000999,
        }  # fmt: skip
    return {
        "rows": len(rows), "rows_fingerprint": sha256_text("rows"),
        "source_language": "en", "target_language": "es",
        "bootstrap": {"samples": 1000, "seed": 12345, "confidence": 0.95},
        "systems": systems, "baseline": "S0-cut", "differences": {"S1": differences},
    }  # fmt: skip


def _account(count: int) -> dict[str, Any]:
    split = {"documents": 12, "source_characters": 38_120, "target_characters": 41_872}
    return {
        "read": 1152 + count,
        "files": [
            {"name": "/home/ana/corpora/en-es.tsv", "sha256": sha256_text("file"),
             "rows": 1_100 + count, "bad_rows": 2, "split": "train"},
            *({"name": Entry(hub="ana/extra-pairs", split=split).name, "rows": 26, "bad_rows": 0,
               "split": "train"} for split in (None, "validation")),
        ],
        "dropped": {"identical sides": 21, "length ratio": 24, "empty": 7, "malformed row": 2},
        "splits": {
            "train": {"rows": 1000, "fingerprint": sha256_text("train"), **split},
            "dev": {"rows": 98, "fingerprint": sha256_text("dev"), **split},
            "test": {"rows": count, "fingerprint": sha256_text("test"), **split},
        },
        "leaks": {
            "pairs": [["train", "test"], ["train", "dev"], ["dev", "test"]],
            "near_duplicates": {
                "train-test": {"count": 4, "examples": [
                    {"a": "Where does it hurt now?", "b": f"Where does it hurt? {HOSTILE}",
                     "similarity": 0.83, "side": "source"}]},
                "train-dev": {"count": 0, "examples": []},
                "dev-test": {"count": 0, "examples": []},
            },
            "short_targets": {"train-test": 3, "train-dev": 1, "dev-test": 0},
            "matrix": {
                f"{one}-{other}": {
                    "rows": 98 if other == "dev" else count,
                    "exact": {"pair": 0, "source": 1, "target": short, "crossed": 0},
                    "near": {"source": 3, "target": 2, "either": 4} if near
                    else dict.fromkeys(("source", "target", "either"), 0),
                    "near_rows": near,
                }
                for one, other, short, near in (
                    ("train", "test", 3, [0, 4, 5, 7]), ("train", "dev", 1, []),
                    ("dev", "test", 0, []))
            },
            "threshold": 0.8,
        },
    }  # fmt: skip


def _manifest() -> dict[str, Any]:
    return {
        "name": "demo",
        "versions": {"dubash": "0.1.0", "python": "3.12.4", "torch": "2.13.0",
                     "transformers": "5.17.0", "peft": "0.21.0", "sacrebleu": "2.6.0"},
        "machine": {"system": "Linux", "processor": "AMD EPYC 7763 64-Core Processor",
                    "cores": 2, "memory_gb": 7.8},
        "commit": "f69366b0c1d2e3f405162738495a6b7c8d9e0f12", "seed": 1,
        "model": {"name": "HuggingFaceTB/SmolLM2-135M-Instruct", "kind": "causal",
                  "method": "lora", "device": "cpu", "dtype": "float32",
                  "parameters": 139_399_488, "trainable": 4_884_480},
        "phases": {"prepare": 3.2, "check": 6.1, "translate S0": 96.4, "train": 281.0,
                   "translate S1": 31.7, "evaluate": 8.4},
        "training": {"steps": 60, "best_step": 50, "stopped_early": False, "epochs": 1.0,
                     "supervised_tokens": 8_412, "tokens": 19_880, "skipped_steps": 1},
    }  # fmt: skip


def _metrics(chance: random.Random) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for step in range(1, 61):
        loss = 1.4 + 1.9 * 0.94**step + chance.uniform(-0.15, 0.15)
        records.append({
            "kind": "train", "step": step, "loss": loss, "learning_rate": 1e-3,
            "gradient_norm": 1.1, "tokens": 330 * step, "supervised_tokens": 140 * step,
            "seconds": 4.7 * step,
        })  # fmt: skip
        if step % 10 == 0:
            dev = 1.5 + 1.8 * 0.945**step
            records.append({"kind": "dev", "step": step, "loss": dev, "chrf": 44 - 14 * dev})
        if step == 17:
            rows = ["/home/ana/corpora/en-es.tsv:31", "/home/ana/corpora/en-es.tsv:408"]
            records.append(
                {"kind": "guard", "step": 17, "reason": "non-finite gradient", "rows": rows}
            )
    return records


def _write_data(run: RunFolder, rows: list[dict[str, Any]]) -> None:
    pairs = [
        {"source": row["source"], "target": row["reference"], "document": row["document"],
         "origin": f"en-es.tsv:{place}"}
        for place, row in enumerate(rows, start=1)
    ]  # fmt: skip
    write_jsonl(run.split("test"), pairs)
    for name in ("train", "dev"):
        write_jsonl(run.split(name), pairs[:2])
    dropped = [
        {"source": "OK", "target": "OK", "reason": "identical sides"},
        {"source": HOSTILE, "target": "no", "reason": "length ratio", "detail": "22.7"},
        {"source": "Yes.", "target": "", "reason": "empty"},
    ]
    place = "/home/ana/corpora/en-es.tsv:9"
    write_jsonl(
        run.data / "dropped.jsonl", ({"document": "", "origin": place, **d} for d in dropped)
    )
    write_json(run.data / "account.json", _account(len(rows)))


@pytest.fixture
def build_run(tmp_path: Path) -> BuildRun:
    """Build a run folder up to a stage: prepared, trained or evaluated."""

    def build(until: str = "evaluated", count: int = 20, folder: Path | None = None) -> RunFolder:
        chance = random.Random(7)
        run = RunFolder(folder or tmp_path / "runs" / "demo")
        rows = [_row(n, row, chance) for n, row in enumerate(_test_rows(count, chance))]
        write_text(run.recipe, RECIPE)
        _write_data(run, rows)
        if until == "prepared":
            run.note(name="demo", phases={"prepare": 3.2})
            return run
        for record in _metrics(chance):
            run.append_metric(record)
        run.note(**_manifest())
        if until == "trained":
            return run
        for name in ("S0", "S1"):
            write_jsonl(run.hypotheses(name), (
                {"source": row["source"], "text": row["systems"][name]["text"],
                 "stop": row["systems"][name]["stop"], "tokens": 9, "seconds": 0.2}
                for row in rows))  # fmt: skip
        write_json(run.scores, _scores(rows))
        write_jsonl(run.rows, rows)
        return run

    return build

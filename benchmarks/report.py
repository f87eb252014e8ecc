"""RESULTS.md and results.svg from results.json: `python -m benchmarks.report [results.json]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.cases import chosen
from benchmarks.check import mean_loss
from dubash.core.files import read_json, write_text
from dubash.report.charts import Bar, bars

Result = dict[str, Any]

STYLE = (
    "<style>text{font:11.5px system-ui,sans-serif;fill:#444}.label,.value{fill:#111}"
    ".tone-good{fill:#2a7f62}.tone-base{fill:#8a8f98}.grid{stroke:#ddd}.axis{stroke:#888}"
    ".whisker{stroke:#111;stroke-width:1.3}.halo{stroke:#fff;stroke-width:3.5}"
    "@media(prefers-color-scheme:dark){text{fill:#bbb}.label,.value{fill:#eee}"
    ".grid{stroke:#444}.whisker{stroke:#eee}.halo{stroke:#222}}</style>"
)


_SIDES = ("ours", "theirs")


def write_report(results: Path) -> None:
    """Write RESULTS.md and results.svg beside the JSON."""
    found = list(read_json(results)["cases"].values())
    write_text(results.with_name("RESULTS.md"), markdown(found))
    drawn = [each for each in found if "median" in each and not each["invalid"]]
    drawn = [each for each in drawn if each["kind"] != "memory"]
    if drawn:
        write_text(results.with_name("results.svg"), picture(drawn))


def as_text(results: list[Result]) -> str:
    """The table for a terminal."""
    lines = []
    for each in results:
        words = f"{spell(each)}; wanted {spell_wanted(each)}: {spell_holds(each)}"
        lines.append(f"{each['work']} | {each['peer']} | {_conditions(each)}: {words}")
    return "\n".join(lines)


def spell(each: Result) -> str:
    """`5.21× (5.02–5.40)`, or why there is no number."""
    if each.get("invalid"):
        return f"invalid ({each['invalid']})"
    unit = "" if each["kind"] == "memory" else "×"
    least = "≤ " if each.get("note") else ""
    return f"{least}{each['median']:.2f}{unit} ({each['low']:.2f}–{each['high']:.2f})"


def spell_wanted(each: Result) -> str:
    """`≥ 5×`, `≤ 0.4`, or a dash."""
    if each["wanted"] is None:
        return "–"
    return f"≤ {each['wanted']:g}" if each["kind"] == "memory" else f"≥ {each['wanted']:g}×"


def spell_holds(each: Result) -> str:
    """`yes`, `no`, or a dash."""
    return {True: "yes", False: "**no**", None: "–"}[each.get("holds")]


def markdown(results: list[Result]) -> str:
    """The page of results, each with what it was measured on."""
    lines = [
        "# Results",
        "",
        "Made by `python -m benchmarks.report` from `results.json`; how it is measured is in",
        "[docs/benchmarks.md](../docs/benchmarks.md). Ratios are ours / peer in speed for the same",
        "rows (for memory: in peak), median (least–largest) over the pairs.",
        "",
        "| work | peer | rows | precision | ratio | pairs | wanted | holds | same work? |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        cells = [
            each["work"], each["peer"], each["rows"]["source"], _precision(each), spell(each),
            str(len(each.get("pairs", []))), spell_wanted(each), spell_holds(each),
            _spell_check(each),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    measured = {each["case"] for each in results}
    missing = [
        f"{case.work} | {case.peer}" for case in chosen([], "cpu") if case.name not in measured
    ]
    if missing:
        lines += ["", "Promised, and not measured yet:", "", *(f"- {each}" for each in missing)]
    for each in results:
        lines += [
            "",
            f"## {each['work']} | {each['peer']} | {_conditions(each)}",
            "",
            *_details(each),
        ]
    return "\n".join(lines) + "\n"


def _spell_check(each: Result) -> str:
    check = each.get("check", {})
    if "difference" in check:
        return f"losses differ by {check['difference']:.1g}"
    if "chrf_ours" in check:
        sides = (f"{check[f'chrf_{s}']} in {check[f'tokens_{s}']:,} tokens" for s in _SIDES)
        return f"chrF++ {' and '.join(sides)}"
    if each.get("note"):
        return each["note"]
    if not check:
        return "–"
    if each["models"]["ours"]["title"] != each["models"]["theirs"]["title"]:
        return "same rows and tokens"
    return f"same rows and tokens, {check['alike']:.0%} of the texts the same"


def _drawn(each: Result) -> str:
    return " lognormal" if each["rows"]["source"] == "lognormal" else ""


def _conditions(each: Result) -> str:
    return f"{each['dtype']}, rows of {each['rows']['source']}"


def _precision(each: Result) -> str:
    """What both sides compute in; translations are by an engine, in a precision of its own."""
    if each["kind"] != "translate":
        return str(each["dtype"])
    ours = each.get("check", {}).get("engine_ours", each["dtype"]).split()[-1]
    theirs = each.get("theirs", {}).get("weights", "int8").removeprefix("torch.")
    return ours if ours == theirs else f"{ours} against {theirs}"


def _details(each: Result) -> list[str]:
    machine, rows = each["machine"], each["rows"]
    lines = [
        f"- {each['date']}, commit {(each['commit'] or 'unknown')[:10]}: `{each['command']}`",
        f"- {machine['processor']}, {each['threads']} threads of {machine['cores']} cores, "
        f"{machine['memory_gb']} GiB; {each['device']}, {each['dtype']}",
        f"- rows: {rows['count']} of {rows['source']}, {rows['prompt_tokens']:,} prompt and "
        f"{rows['target_tokens']:,} target tokens, seed {rows['seed']}",
        *(
            f"- {who}: {each['models'][who]['title']}, {each['models'][who]['parameters']:,} "
            f"parameters{_settings(each.get(who, {}))}"
            for who in _SIDES
        ),
    ]
    if each.get("tried"):
        took = (
            f"{name} {found['seconds']:.2f}s" + _spell_again(found.get("again", []))
            if "seconds" in found
            else f"{name} {'leaves tokens out' if 'lost' in found else 'failed'}"
            for name, found in each["tried"].items()
        )
        lines.append(
            f"- the peer's setups, by the better of two rounds, the first a warm-up: "
            f"{', '.join(took)}; taken: {each['variant']}"
        )
    for pair in each.get("pairs", []):
        lines.append(f"- {_spell_pair(each, pair)}")
    return lines


def _spell_again(seconds: list[float]) -> str:
    """What the two fastest took when they were timed again."""
    return f" (again {', '.join(f'{each:.2f}s' for each in seconds)})" if seconds else ""


def _spell_pair(each: Result, pair: dict[str, Any]) -> str:
    if each["kind"] == "memory":
        peaks = (f"{pair[who]['peak_mb']:,.0f} MB" for who in _SIDES)
        return f"ours {', theirs '.join(peaks)}: {pair['ratio']:.3f}"
    sides = []
    for who in _SIDES:
        found = pair[who]
        done, unit = found["supervised"] or found["tokens"], "tokens"
        words = f"{who} {found['seconds']:.2f}s ({done / found['seconds']:,.0f} {unit}/s"
        if found["loss"] is not None:
            words += f", loss {mean_loss(found):.5f}"
        if each["device"] == "cuda" and each["kind"] == "train":
            flops = model_flops(each, who, found) / 1e12
            words += f", {flops:,.1f} TFLOP/s"
            if peak := each.get("peak_tflops"):
                words += f", {flops / peak:.0%} of the device's"
        sides.append(words + ")")
    return f"{', '.join(sides)}: {pair['ratio']:.2f}× ({pair['first']} first, load {pair['load']})"


def model_flops(each: Result, who: str, found: dict[str, Any]) -> float:
    """Model floating-point operations a second: 6 a weight and token, 4 where the base is frozen
    (Kaplan et al. 2020, arXiv:2001.08361). Over the device's peak that is its utilisation."""
    frozen = each[who]["trainable"] < each[who]["parameters"]
    weights = each["models"][who]["parameters"]
    return (4 if frozen else 6) * float(weights) * found["tokens"] / found["seconds"]


def _settings(facts: dict[str, Any]) -> str:
    left_out = {"parameters"}
    told = [f"{key} {value}" for key, value in facts.items() if key not in left_out]
    return f" ({', '.join(told)})" if told else ""


def picture(results: list[Result]) -> str:
    """Bars of how many times as fast ours is, with the spread over the pairs."""
    groups = [
        (
            "",
            [
                Bar(
                    f"{each['case']} {each['dtype']}{_drawn(each)}", each["median"],
                    f"{each['median']:.2f}×",
                    "base" if each["holds"] is False else "good", each["low"], each["high"],
                )
            ],
        )
        for each in results
    ]  # fmt: skip
    svg = str(bars("speed", "dubash beside its peers", groups, "times as fast"))
    head, _, rest = svg.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{STYLE}{rest}\n'


if __name__ == "__main__":
    path = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "results.json"
    write_report(path)
